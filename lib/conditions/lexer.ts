import { ConditionError, type Place } from './errors';
import { MAX_DEFAULTS, MAX_DEPTH } from './limits';

export type TokenKind = 'word' | 'name' | 'variable' | 'string' | 'number' | 'operator';

/** One piece of the source. `text` is what JSONata's parser will be given for it. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly offset: number;
  /** Index of the token that closes or opens this bracket. */
  match?: number;
}

const SPACE = /(?:[ \t\r\n\v\f\u00a0]|\/\*[^]*?\*\/)+/y;
const WORD = /[\p{L}_][\p{L}\p{M}\p{N}_]*/uy;
const VARIABLE = /\$[\p{L}\p{N}_]*/uy;
const NUMBER = /(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/y;
const NAME = /`[^`]*`/y;
const OPERATOR = /===|!==|==|!=|<=|>=|<>|&&|\|\||\?:|\?\?|:=|~>|\*\*|\.\.|[-+*/%&=<>!?:.,()[\]{}|^#@;~]/y;

/** What JSONata has and conditions do not, or what others write; and what to write in place. */
const REFUSED: Readonly<Record<string, string>> = {
  ':=': 'A condition cannot bind variables. Compare with "=".',
  '~>': 'Function chaining is not available. Write $function(value).',
  '**': 'Wildcards are not available. Name the field.',
  '..': 'Ranges are not available. Write two comparisons, such as lead.age >= 18 and lead.age <= 65.',
  '^': 'Sorting is not available in a condition.',
  '#': 'Index variables are not available in a condition.',
  '@': 'Context variables are not available in a condition.',
  ';': 'A condition is one expression. Join parts with "and" or "or".',
  '|': 'The transform operator is not available. For "or" write or.',
  '~': 'This operator is not known.',
  '===': 'Write "=" for equality.',
  '!==': 'Write "!=" for inequality.',
};

const OPENING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const CLOSING = new Set([')', ']', '}']);
const SMART_QUOTES = /[\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb]/;

/** True when an operand can end with this token, so that an operator may follow. */
export function endsOperand(token: Token | undefined): boolean {
  if (!token) return false;
  return token.kind === 'operator' ? CLOSING.has(token.text) : !isOperatorWord(token);
}

/** True for the words that JSONata reads as operators, in whatever case. */
export function isOperatorWord(token: Token | undefined): boolean {
  return token?.kind === 'word' && /^(?:and|or|in|not)$/i.test(token.text);
}

function isPrefix({ kind, text }: Token): boolean {
  return kind === 'operator' ? text === '-' || text === '!' : kind === 'word' && text.toLowerCase() === 'not';
}

/**
 * Splits an expression into tokens and refuses what no condition may contain, so that JSONata's parser only sees
 * operators that are allowed. Brackets are matched here; nesting is bounded.
 * @throws ConditionError
 */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const open: number[] = [];
  let defaults = 0;
  let prefixes = 0;
  let at = 0;

  const fail = (code: 'E_CONDITION_SYNTAX' | 'E_CONDITION_REFUSED' | 'E_CONDITION_LIMIT', message: string): never => {
    throw new ConditionError(code, message, placeAt(source, at));
  };
  const read = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };

  while (at < source.length) {
    const space = read(SPACE);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const previous = tokens.at(-1);
    if (source[at] === '/' && source[at + 1] === '*')
      fail('E_CONDITION_SYNTAX', 'This comment has no end. Close it with */.');
    const token = nextToken(read, at) ?? fail('E_CONDITION_SYNTAX', unexpected(source, at));
    prefixes = isPrefix(token) ? prefixes + 1 : 0;
    if (prefixes > MAX_DEPTH)
      fail('E_CONDITION_LIMIT', `More than ${MAX_DEPTH} times "${token.text}" in a row. Remove them in pairs.`);
    if (token.kind === 'operator') {
      const { text } = token;
      const why = REFUSED[text];
      if (why) fail('E_CONDITION_REFUSED', why);
      if (text === '/' && !endsOperand(previous)) {
        fail(
          'E_CONDITION_REFUSED',
          'Regular expressions between slashes are not available. Write $matches(lead.email, "pattern").',
        );
      }
      if (text === '*' && !endsOperand(previous))
        fail('E_CONDITION_REFUSED', 'Wildcards are not available. Name the field.');
      if (text === '%' && !endsOperand(previous))
        fail('E_CONDITION_REFUSED', 'The parent operator is not available. Name the field.');
      if ((text === '??' || text === '?:') && ++defaults > MAX_DEFAULTS) {
        fail('E_CONDITION_LIMIT', `A condition may use ?? and ?: at most ${MAX_DEFAULTS} times.`);
      }
      if (OPENING[text]) {
        open.push(tokens.length);
        if (open.length > MAX_DEPTH)
          fail('E_CONDITION_LIMIT', `Brackets may be nested ${MAX_DEPTH} deep. Split the condition.`);
      } else if (CLOSING.has(text)) {
        const start = open.pop();
        const opener = start === undefined ? undefined : tokens[start];
        if (!opener || start === undefined)
          return fail('E_CONDITION_SYNTAX', `This "${text}" closes nothing. Remove it, or open it earlier.`);
        if (OPENING[opener.text] !== text)
          fail('E_CONDITION_SYNTAX', `"${opener.text}" is closed by "${text}". Write "${OPENING[opener.text]}".`);
        opener.match = tokens.length;
        token.match = start;
      }
    }
    tokens.push(token);
    at += token.text.length;
  }
  const unclosed = open.pop();
  const opener = unclosed === undefined ? undefined : tokens[unclosed];
  if (opener) {
    at = opener.offset;
    fail('E_CONDITION_SYNTAX', `This "${opener.text}" is never closed. Add "${OPENING[opener.text]}".`);
  }
  return tokens;
}

function nextToken(read: (pattern: RegExp) => string | undefined, offset: number): Token | undefined {
  const kinds: [TokenKind, RegExp][] = [
    ['word', WORD],
    ['operator', OPERATOR],
    ['string', STRING],
    ['number', NUMBER],
    ['variable', VARIABLE],
    ['name', NAME],
  ];
  for (const [kind, pattern] of kinds) {
    const text = read(pattern);
    if (text !== undefined) return { kind, text, offset };
  }
  return undefined;
}

function unexpected(source: string, at: number): string {
  const char = String.fromCodePoint(source.codePointAt(at) ?? 0);
  if (char === '"' || char === "'") return `This text has no closing ${char}.`;
  if (char === '`') return 'This name has no closing back-quote.';
  if (SMART_QUOTES.test(char)) return `${char} is a typographic quote. Use the straight ones: "…".`;
  return `Unexpected character ${JSON.stringify(char)}.`;
}

/** The place of an offset in `source`. */
export function placeAt(source: string, offset: number): Place {
  return { kind: 'text', source, offset };
}
