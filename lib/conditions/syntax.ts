import jsonata from 'jsonata';
import { ConditionError, type Place } from './errors';
import { placeAt, tokenize } from './lexer';
import { MAX_LENGTH } from './limits';
import { respell, type Respelled } from './spelling';
import { isWellFormed } from './unicode';

/** A node of JSONata's syntax tree, as far as conditions look at it. Nothing about it is trusted. */
export interface SyntaxNode {
  readonly type: string;
  readonly value?: unknown;
  readonly position?: number;
  readonly lhs?: SyntaxNode | readonly (readonly SyntaxNode[])[];
  readonly rhs?: SyntaxNode;
  readonly steps?: readonly SyntaxNode[];
  readonly expressions?: readonly SyntaxNode[];
  readonly expression?: SyntaxNode;
  readonly arguments?: readonly SyntaxNode[];
  readonly procedure?: SyntaxNode;
  readonly condition?: SyntaxNode;
  readonly then?: SyntaxNode;
  readonly else?: SyntaxNode;
}

/** A parsed expression; `placeOf` finds where in the source a node stands. */
export interface Syntax {
  readonly root: SyntaxNode;
  placeOf(node: SyntaxNode): Place;
}

/** Parses an expression. @throws ConditionError */
export function parseSource(source: string): Syntax {
  if (source.length > MAX_LENGTH) {
    throw new ConditionError(
      'E_CONDITION_LIMIT',
      `A condition may have ${MAX_LENGTH} characters; this one has ${source.length}. Split it into segments.`,
      placeAt(source, MAX_LENGTH),
    );
  }
  if (!isWellFormed(source)) {
    throw new ConditionError('E_CONDITION_SYNTAX', 'This text is not valid Unicode.', placeAt(source, 0));
  }
  const tokens = tokenize(source);
  if (tokens.length === 0) {
    throw new ConditionError(
      'E_CONDITION_SYNTAX',
      'The condition is empty. Write one, such as lead.score > 50.',
      placeAt(source, 0),
    );
  }
  const respelled = respell(source, tokens);
  const root = parse(source, respelled);
  return { root, placeOf: (node) => placeAt(source, respelled.originOf(startOf(node))) };
}

function parse(source: string, respelled: Respelled): SyntaxNode {
  try {
    // Only the parser is used: nothing of JSONata ever evaluates a user's expression.
    return jsonata(respelled.text).ast() as unknown as SyntaxNode;
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ConditionError(
        'E_CONDITION_LIMIT',
        'The condition is nested too deep. Split it into segments.',
        placeAt(source, 0),
      );
    }
    const { code, token, position } = error as { code?: string; token?: unknown; position?: number };
    const atEnd = code === 'S0203' || code === 'S0207' || token === '(end)';
    const offset = atEnd || position === undefined ? source.length : respelled.originOf(position);
    throw new ConditionError('E_CONDITION_SYNTAX', syntaxMessage(code, token, atEnd), placeAt(source, offset));
  }
}

function syntaxMessage(code: string | undefined, token: unknown, atEnd: boolean): string {
  if (atEnd) return 'The condition ends too early: something is missing after the last part.';
  const shown = typeof token === 'string' || typeof token === 'number' ? `"${token}"` : 'this';
  switch (code) {
    case 'S0102':
      return `${shown} is too large a number.`;
    case 'S0103':
    case 'S0104':
      return 'This backslash begins no known escape. Write \\\\ for a backslash.';
    case 'S0201':
      return `${shown} cannot stand here. An operator such as and, or, = is missing before it.`;
    case 'S0211':
      return `${shown} needs something on its left.`;
    default:
      return `${shown} cannot stand here.`;
  }
}

/** Position (in the parser's text) by which to find a node: its own, or that of its leftmost part. */
function startOf(node: SyntaxNode): number {
  if (node.type === 'function' && node.procedure?.position !== undefined) return node.procedure.position;
  if (node.position !== undefined) return node.position;
  const first = node.steps?.[0] ?? node.expressions?.[0] ?? node.expression;
  return first ? startOf(first) : 0;
}
