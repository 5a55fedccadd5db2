import { InputError, messageOf } from '../errors';

/** Where in a content version something is wrong. */
export type ContentPart =
  | 'content'
  | 'subject'
  | 'html'
  | 'text'
  | 'preheader'
  | 'from'
  | 'replyTo'
  | 'to'
  | 'headers'
  | 'method'
  | 'url'
  | 'payload'
  | 'title'
  | 'body'
  | 'actionUrl'
  | 'icon';

/** Codes of {@link ContentError}: the template itself, an e-mail address or name, a header, a webhook's request. */
export type ContentErrorCode = 'E_TEMPLATE' | 'E_ADDRESS' | 'E_HEADER' | 'E_PAYLOAD';

/** What a {@link ContentError} knows besides its sentence. */
export interface ContentErrorOptions {
  code?: ContentErrorCode;
  /** 1-based; only for templates. */
  line?: number;
  /** 1-based, in UTF-16 units; only for templates. */
  column?: number;
  cause?: unknown;
}

/**
 * Content that cannot be compiled, or that cannot be filled for one lead. Never retryable: the same content with the
 * same lead fails again, so the lead (or the content) has to change first.
 */
export class ContentError extends InputError {
  readonly part: ContentPart;
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(part: ContentPart, message: string, options: ContentErrorOptions = {}) {
    const { code = 'E_TEMPLATE', line, column, cause } = options;
    const position = line === undefined ? {} : { line, column };
    super(code, message, { cause, retryable: false, details: { part, ...position } });
    this.name = 'ContentError';
    this.part = part;
    this.line = line;
    this.column = column;
  }
}

interface Positioned {
  getPosition(): number[];
}

function positionOf(error: unknown): { line?: number; column?: number } {
  if (!(error instanceof Error) || !('token' in error)) return {};
  const token = error.token as Positioned | undefined;
  if (typeof token?.getPosition !== 'function') return {};
  const [line, column] = token.getPosition();
  return line === undefined || column === undefined ? {} : { line, column };
}

// liquidjs puts the position into its message too; the sentence says it in one place only.
const TRAILING_POSITION = /(?:, file:[^,]*)?, line:\d+, col:\d+$/;

/** Turns what liquidjs threw into a {@link ContentError}. `doing` is 'read' while compiling, 'filled' while rendering. */
export function templateError(
  part: ContentPart,
  doing: 'read' | 'filled',
  error: unknown,
  hint = '',
  position?: readonly number[],
): ContentError {
  if (error instanceof ContentError) return error;
  const { line = position?.[0], column = position?.[1] } = positionOf(error);
  const where = line === undefined ? '' : ` at line ${line}, column ${column}`;
  const reason = messageOf(error).replace(TRAILING_POSITION, '');
  const advice =
    hint || (doing === 'read' ? 'Correct the template.' : 'Correct the template or the data of this lead.');
  return new ContentError(part, `The ${part} template cannot be ${doing}${where}: ${reason}. ${advice}`, {
    line,
    column,
    cause: error,
  });
}
