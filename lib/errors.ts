/**
 * Every error of this package: one base class, a stable `code`, and a sentence that says what to do.
 *
 * Codes are part of the public API: flows switch on `error.code` in Catch nodes, scripts on the CLI's output.
 * Control errors (park, hold, give up …) live beside the code they steer; they extend the same base.
 */

/** What an error may carry besides its sentence. */
export interface MarketingErrorOptions {
  /** The error that led to this one. */
  cause?: unknown;
  /** True when trying the same thing again later may work without anybody changing anything. */
  retryable?: boolean;
  /** Facts for programs (never secrets, never personal data). */
  details?: Readonly<Record<string, unknown>>;
}

/** Base class of everything this package throws on purpose. */
export class MarketingError extends Error {
  /** Stable, upper-case, starts with `E_`. */
  readonly code: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: MarketingErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MarketingError';
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }

  /** Key of the translated sentence (`locales/<lang>/errors.json`). */
  get i18nKey(): string {
    return `errors.${this.code}`;
  }
}

/** Something the caller gave is not right: nothing was changed. */
export class InputError extends MarketingError {
  constructor(code: string, message: string, options: MarketingErrorOptions = {}) {
    super(code, message, options);
    this.name = 'InputError';
  }
}

/** Something that was named does not exist (in this tenant). */
export class NotFoundError extends MarketingError {
  constructor(code: string, message: string, options: MarketingErrorOptions = {}) {
    super(code, message, options);
    this.name = 'NotFoundError';
  }
}

/** Somebody else changed it first, or its state does not allow this now. */
export class ConflictError extends MarketingError {
  constructor(code: string, message: string, options: MarketingErrorOptions = {}) {
    super(code, message, options);
    this.name = 'ConflictError';
  }
}

/** Whoever asks may not do this. */
export class ForbiddenError extends MarketingError {
  constructor(code: string, message: string, options: MarketingErrorOptions = {}) {
    super(code, message, options);
    this.name = 'ForbiddenError';
  }
}

/** The sentence of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The stable code of any thrown value; `E_UNEXPECTED` for what this package did not throw itself. */
export function codeOf(error: unknown): string {
  return error instanceof MarketingError ? error.code : 'E_UNEXPECTED';
}
