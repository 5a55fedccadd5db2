import { ConditionError } from './errors';
import { endsOperand, placeAt, type Token } from './lexer';

/** Text for JSONata's parser, and where each part of it came from. */
export interface Respelled {
  readonly text: string;
  /** Offset in the source of the token that ends at, or before, this position of {@link text}. */
  originOf(position: number): number;
}

/** Functions that may be written without the dollar sign, by their lower-case spelling. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  not: '$not',
  exists: '$exists',
  contains: '$contains',
  startswith: '$startsWith',
  starts_with: '$startsWith',
  endswith: '$endsWith',
  ends_with: '$endsWith',
  matches: '$matches',
  lowercase: '$lowercase',
  lower: '$lowercase',
  uppercase: '$uppercase',
  upper: '$uppercase',
  length: '$length',
  boolean: '$boolean',
  number: '$number',
  tomillis: '$toMillis',
  millis: '$millis',
  now: '$millis',
  today: '$today',
  did: '$did',
  custom: '$custom',
};

const SYMBOLS: Readonly<Record<string, string>> = { '==': '=', '<>': '!=', '&&': 'and', '||': 'or' };
/** What ends the operand of NOT, at its own nesting level. */
const BOUNDARY = new Set(['and', 'or', ',', '?', ':', '?:', '??', ')', ']', '}', '(', '[', '{']);

/**
 * Rewrites what marketers type (`==`, `AND`, `!x`, `NOT x`, `x NOT IN (…)`, `today()`) into JSONata. Only whole tokens
 * are touched, never the inside of a string or a quoted name.
 *
 * `NOT x` reaches as far as in SQL (up to the next AND, OR or closing bracket); `!x` and `not(x)` only to the next operand.
 */
export function respell(source: string, tokens: readonly Token[]): Respelled {
  return new Speller(source, tokens).run();
}

class Speller {
  private readonly before: string[][];
  private readonly after: string[][];
  private readonly spelled: string[];
  private readonly bracket = new Map<number, string>();

  constructor(
    private readonly source: string,
    private readonly tokens: readonly Token[],
  ) {
    this.before = tokens.map(() => []);
    this.after = tokens.map(() => []);
    this.spelled = tokens.map((token, index) => this.spell(token, index));
  }

  run(): Respelled {
    this.tokens.forEach((_, index) => {
      if (this.word(index) === 'not' && this.spelled[index] === '') this.negate(index);
      if (this.tokens[index]?.text === '!') this.bang(index);
    });
    let text = '';
    const ends: { end: number; offset: number }[] = [];
    this.tokens.forEach((token, index) => {
      for (const part of [...(this.before[index] ?? []), this.spelled[index] ?? '', ...(this.after[index] ?? [])]) {
        if (part === '') continue;
        text += (text === '' ? '' : ' ') + part;
        ends.push({ end: text.length, offset: token.offset });
      }
    });
    const last = this.source.length;
    return { text, originOf: (position) => ends.find(({ end }) => end >= position)?.offset ?? last };
  }

  /** A word as JSONata would read it at this place, lower-cased; undefined when it is part of a path. */
  private word(index: number): string | undefined {
    const token = this.tokens[index];
    return token?.kind === 'word' && this.tokens[index - 1]?.text !== '.' ? token.text.toLowerCase() : undefined;
  }

  private spell(token: Token, index: number): string {
    const word = this.word(index);
    const next = this.tokens[index + 1];
    const called = next?.text === '(' && next.kind === 'operator';
    if (word !== undefined) {
      if (word === 'not') return called && token.text === 'not' ? '$not' : '';
      if (word === 'and' || word === 'or') return word;
      if (word === 'in') {
        if (called) this.listBrackets(index + 1);
        return word;
      }
      if (word === 'true' || word === 'false' || word === 'null') return word;
      if (called) return FUNCTIONS[word] ?? this.unknownFunction(token);
    }
    if (token.kind === 'operator' && token.text === '!') return '';
    if (token.kind === 'operator') return this.bracket.get(index) ?? SYMBOLS[token.text] ?? token.text;
    return token.text;
  }

  /** `in ("US", "CA")` is SQL's way to write a list. */
  private listBrackets(open: number): void {
    const close = this.tokens[open]?.match;
    if (close === undefined) return;
    const inside = this.tokens.slice(open + 1, close);
    const first = inside[0];
    const list = first?.kind === 'string' || first?.kind === 'number' || this.hasComma(open, close);
    if (list) this.bracket.set(open, '[').set(close, ']');
  }

  private hasComma(open: number, close: number): boolean {
    for (let index = open + 1; index < close; index++) {
      if (this.tokens[index]?.text === ',') return true;
      index = Math.max(index, this.jump(index));
    }
    return false;
  }

  /** The closing bracket of an opening one; the index itself otherwise. */
  private jump(index: number): number {
    const match = this.tokens[index]?.match;
    return match !== undefined && match > index ? match : index;
  }

  private isBoundary(index: number): boolean {
    const token = this.tokens[index];
    if (!token) return true;
    return token.kind === 'operator'
      ? BOUNDARY.has(SYMBOLS[token.text] ?? token.text)
      : ['and', 'or'].includes(this.word(index) ?? '');
  }

  /** Index after the operand that begins at `start`. */
  private operandEnd(start: number): number {
    let index = start;
    while (index < this.tokens.length) {
      const jumped = this.jump(index);
      if (jumped === index && this.isBoundary(index)) break;
      index = jumped + 1;
    }
    return index;
  }

  /** First index of the operand that ends before `end`. */
  private operandStart(end: number): number {
    let index = end - 1;
    while (index >= 0) {
      const match = this.tokens[index]?.match;
      if (match !== undefined && match < index) index = match - 1;
      else if (this.isBoundary(index)) break;
      else index--;
    }
    return index + 1;
  }

  private negate(index: number): void {
    const isIn = this.word(index + 1) === 'in';
    if (isIn && endsOperand(this.tokens[index - 1])) {
      this.wrap(index, this.operandStart(index), this.operandEnd(index + 2));
      return;
    }
    if (endsOperand(this.tokens[index - 1])) {
      throw new ConditionError('E_CONDITION_SYNTAX', '"and" or "or" is missing before NOT.', this.placeOf(index));
    }
    this.wrap(index, index + 1, this.operandEnd(index + 1));
  }

  private bang(index: number): void {
    let end = index + 1;
    while (this.tokens[end]?.text === '!') end++;
    end = this.jump(end) + 1;
    for (;;) {
      const next = this.tokens[end]?.text;
      if (next === '.') end += 2;
      else if (next === '(' || next === '[') end = this.jump(end) + 1;
      else break;
    }
    this.wrap(index, index + 1, end);
  }

  private wrap(at: number, start: number, end: number): void {
    if (end <= start || start >= this.tokens.length) {
      throw new ConditionError(
        'E_CONDITION_SYNTAX',
        `Nothing follows ${this.tokens[at]?.text}. Write what must not be true.`,
        this.placeOf(at),
      );
    }
    this.before[start]?.push('$not', '(');
    this.after[Math.min(end, this.tokens.length) - 1]?.push(')');
  }

  private placeOf(index: number): ReturnType<typeof placeAt> {
    return placeAt(this.source, this.tokens[index]?.offset ?? this.source.length);
  }

  private unknownFunction(token: Token): never {
    throw new ConditionError(
      'E_CONDITION_REFUSED',
      `There is no function "${token.text}". Available: ${functionNames().join(', ')}.`,
      placeAt(this.source, token.offset),
    );
  }
}

/** The functions of the language, as they are written. */
export function functionNames(): string[] {
  return [...new Set([...Object.values(FUNCTIONS), '$now'])];
}
