import { InputError } from '../errors';

/** Where something stands: a character of an expression, or a value of the JSON form. */
export type Place =
  | { readonly kind: 'text'; readonly source: string; readonly offset: number }
  | { readonly kind: 'json'; readonly path: string };

/** The stable codes of {@link ConditionError}. */
export type ConditionErrorCode =
  /** It does not parse. */
  | 'E_CONDITION_SYNTAX'
  /** It parses, but uses something that conditions do not offer. */
  | 'E_CONDITION_REFUSED'
  /** Too long, too many parts, nested too deep. */
  | 'E_CONDITION_LIMIT'
  /** Types do not fit, or a value is not what its place asks for. */
  | 'E_CONDITION_TYPE'
  /** A field that is not declared. */
  | 'E_UNKNOWN_ATTRIBUTE'
  /** A `$custom` evaluator that is not registered. */
  | 'E_UNKNOWN_EVALUATOR'
  /** The JSON form is not shaped as it should be. */
  | 'E_CONDITION_FORMAT'
  /** A regular expression that the linear-time engine does not take. */
  | 'E_CONDITION_PATTERN'
  /** Correct, but this database cannot evaluate it exactly: use the closure. */
  | 'E_NOT_SQL'
  /** A name that an attribute cannot have. */
  | 'E_ATTRIBUTE_NAME';

/** A condition that cannot be used. The sentence says what to write in place. */
export class ConditionError extends InputError {
  declare readonly code: ConditionErrorCode;
  /** Offset in the source text as typed, counted in UTF-16 units from 0. Undefined for the JSON form. */
  readonly position: number | undefined;
  /** Line of {@link position}, from 1. */
  readonly line: number | undefined;
  /** Column of {@link position}, from 1. */
  readonly column: number | undefined;
  /** Path in the JSON form, such as `conditions[1].operator`. Undefined for expressions. */
  readonly path: string | undefined;

  constructor(code: ConditionErrorCode, message: string, place?: Place) {
    const text = place?.kind === 'text' ? locate(place.source, place.offset) : undefined;
    const path = place?.kind === 'json' ? place.path : undefined;
    super(code, path ? `${path}: ${message}` : message, { details: { ...text, ...(path && { path }) } });
    this.name = 'ConditionError';
    this.position = text?.position;
    this.line = text?.line;
    this.column = text?.column;
    this.path = path;
  }
}

function locate(source: string, offset: number): { position: number; line: number; column: number } {
  const position = Math.max(0, Math.min(offset, source.length));
  const before = source.slice(0, position);
  const line = before.split('\n').length;
  return { position, line, column: position - before.lastIndexOf('\n') };
}
