import type { ConditionSchema } from '../../../lib/conditions';
import type { StoredLead } from './databases';

/** A repeatable source of chance (mulberry32). */
export class Random {
  constructor(private state: number) {}
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  below(count: number): number {
    return Math.floor(this.next() * count);
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
  chance(probability: number): boolean {
    return this.next() < probability;
  }
}

export const SCHEMA = {
  lead: {
    n1: 'number',
    n2: 'number',
    'weird key': 'number',
    s1: 'string',
    "o'neil. é 😀": 'string',
    b1: 'boolean',
    b2: 'boolean',
    d1: 'date',
    d2: 'date',
    t1: 'string[]',
    t2: 'string[]',
  },
} as const satisfies ConditionSchema;

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  2,
  3,
  5,
  7,
  10,
  25,
  30,
  -4,
  0.1,
  0.2,
  0.3,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  99.99,
  1e3,
  1e21,
  12345678901234567e3,
  2 ** 53,
  2 ** 62,
  -(2 ** 63),
  1e300,
  -1e300,
  1e308,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  5e-324,
  -5e-324,
  2.2250738585072014e-308,
  1e-310,
  1e-200,
  1e200,
  3e-170,
  1 / 3,
  Number('12345678901234567000'),
  9007199254740991,
];
const TEXTS = [
  '',
  'US',
  'us',
  'CA',
  'É',
  'é',
  'e\u0301',
  'a',
  'a ',
  ' a',
  'A',
  'B',
  'b',
  '10',
  '9',
  '0',
  '～',
  '😀',
  '😀x',
  '\ue000',
  '\ue000z',
  '\uffff',
  '\u{10ffff}',
  '\u{10fffe}',
  '\u{10ffff} ',
  '\ud7ff',
  'line\nbreak',
  'tab\there',
  'quo"te',
  "it's",
  'back\\slash',
  'sl/ash',
  '100%',
  '_x_',
  'Straße',
  'STRASSE',
  'İ',
  'ΟΔΟΣ',
  'οδος',
  'ſ',
  'K',
  'vip',
  'new',
  'VIP',
  'true',
  'false',
  'null',
  '\u001f',
  '\u007f',
  '日本',
  'a\u2028b',
  'ann@example.com',
  'Ann@EX.com',
  'x'.repeat(200),
];
const MOMENTS = [
  0, 1, -1, 1_700_000_000_000, 1_767_225_600_000, 1_767_225_600_001, 1_800_000_000_000, 8.64e15, -8.64e15, 0.5,
];
export const NOW = 1_767_300_000_000;

const doubles = new DataView(new ArrayBuffer(8));

/** Mostly numbers with an edge, sometimes small ones, sometimes any bit pattern. */
function anyNumber(random: Random): number {
  if (random.chance(0.5)) return random.pick(NUMBERS);
  if (random.chance(0.6)) return random.below(60) - 10;
  if (random.chance(0.5)) return Math.round(random.next() * 1e6) / 10 ** random.below(5);
  doubles.setUint32(0, random.below(2 ** 32));
  doubles.setUint32(4, random.below(2 ** 32));
  const value = doubles.getFloat64(0);
  return Number.isFinite(value) ? value : 1;
}

function anyText(random: Random): string {
  if (random.chance(0.75)) return random.pick(TEXTS);
  let text = '';
  for (let length = random.below(4); length > 0; length--) {
    const point = random.pick([
      random.below(0x80),
      random.below(0xd800),
      0xe000 + random.below(0x2000),
      0x10000 + random.below(0x100000),
    ]);
    if (point !== 0) text += String.fromCodePoint(point);
  }
  return text;
}

/** A lead in which anything may be missing. */
export function randomLead(random: Random, id: number): StoredLead {
  const maybe = <T>(make: () => T): T | undefined => (random.chance(0.22) ? undefined : make());
  const number = (): number => anyNumber(random) + 0;
  const text = (): string => anyText(random);
  const list = (): string[] => Array.from({ length: random.below(4) }, text);
  const all: Record<string, unknown> = {
    n1: maybe(number),
    n2: maybe(number),
    'weird key': maybe(number),
    s1: maybe(text),
    "o'neil. é 😀": maybe(text),
    b1: maybe(() => random.chance(0.5)),
    b2: maybe(() => random.chance(0.5)),
    d1: maybe(() => random.pick(MOMENTS)),
    d2: maybe(() => random.pick(MOMENTS)),
    t1: maybe(list),
    t2: maybe(list),
  };
  return {
    id,
    email: maybe(text) ?? null,
    name: maybe(text) ?? null,
    phone: maybe(text) ?? null,
    country: maybe(text) ?? null,
    time_zone: null,
    external_id: maybe(text) ?? null,
    score: number(),
    created_at: 1_700_000_000_000 + random.below(1e11),
    attributes: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
  };
}

/** The lead as it travels on the wire. */
export function onTheWire(lead: StoredLead): Record<string, unknown> {
  const { time_zone: timeZone, external_id: externalId, created_at: createdAt, attributes, ...rest } = lead;
  const view: Record<string, unknown> = {
    ...rest,
    timeZone,
    externalId,
    createdAt,
    ...(JSON.parse(JSON.stringify(attributes)) as object),
  };
  return Object.fromEntries(Object.entries(view).filter(([, value]) => value !== null));
}

/** Random well-typed expressions, written as plain JSONata. */
export class ExpressionGenerator {
  constructor(private readonly random: Random) {}

  /** A whole condition. */
  condition(): string {
    const depth = 1 + this.random.below(4);
    const kind = this.random.next();
    if (kind < 0.9) return this.boolean(depth);
    return kind < 0.95 ? this.number(depth) : kind < 0.98 ? this.text(depth) : this.random.pick(['lead.t1', 'lead.t2']);
  }

  private name(name: string): string {
    return /^\w+$/.test(name) ? `lead.${name}` : `lead.\`${name}\``;
  }

  number(depth: number): string {
    const { random } = this;
    if (depth <= 0 || random.chance(0.3)) {
      if (random.chance(0.35)) return this.numberLiteral();
      return this.name(random.pick(['n1', 'n2', 'weird key', 'score', 'score', 'id', 'createdAt', 'd1', 'd2']));
    }
    const below = depth - 1;
    switch (random.below(9)) {
      case 0:
        return `-(${this.number(below)})`;
      case 1:
        return `$length(${this.text(below)})`;
      case 2:
        return `$number(${this.boolean(below)})`;
      case 3:
        return `(${this.boolean(below)} ? ${this.number(below)}${random.chance(0.8) ? ` : ${this.number(below)}` : ''})`;
      case 4:
        return `(${this.number(below)} ?? ${this.number(below)})`;
      case 5:
        return random.chance(0.5) ? '$millis()' : `(${this.number(below)} ?: ${this.number(below)})`;
      default: {
        const op = random.pick(['+', '-', '*', '/', '%']);
        const divisor = op === '/' || op === '%' ? this.divisor(below) : this.number(below);
        return `(${this.number(below)} ${op} ${divisor})`;
      }
    }
  }

  /** Anything but a literal zero, which is refused. */
  private divisor(depth: number): string {
    const text = this.number(depth);
    return /\b(?:lead|\$)/.test(text) ? text : this.name(this.random.pick(['n1', 'n2', 'score']));
  }

  private numberLiteral(): string {
    const value = anyNumber(this.random);
    return value < 0 || Object.is(value, -0) ? `(${Object.is(value, -0) ? '-0' : String(value)})` : String(value);
  }

  text(depth: number): string {
    const { random } = this;
    if (depth <= 0 || random.chance(0.5)) {
      if (random.chance(0.45)) return JSON.stringify(anyText(random));
      return this.name(random.pick(['s1', "o'neil. é 😀", 'country', 'name', 'email', 'externalId']));
    }
    const below = depth - 1;
    switch (random.below(5)) {
      case 0:
        return `(${this.text(below)} & ${random.chance(0.8) ? this.text(below) : this.boolean(below)})`;
      case 1:
        return `(${this.boolean(below)} ? ${this.text(below)}${random.chance(0.8) ? ` : ${this.text(below)}` : ''})`;
      case 2:
        return `(${this.text(below)} ?? ${this.text(below)})`;
      case 3:
        return random.chance(0.2)
          ? `$${random.pick(['lowercase', 'uppercase'])}(${this.text(below)})`
          : this.text(below);
      default:
        return random.chance(0.1) ? '$now()' : this.text(below);
    }
  }

  boolean(depth: number): string {
    const { random } = this;
    if (depth <= 0) return random.chance(0.3) ? String(random.chance(0.5)) : this.name(random.pick(['b1', 'b2']));
    const below = depth - 1;
    switch (random.below(14)) {
      case 0:
      case 1:
        return `(${this.any(below)} ${random.pick(['and', 'or'])} ${this.any(below)})`;
      case 2:
        return `$not(${this.any(below)})`;
      case 3:
        return `$boolean(${this.any(below)})`;
      case 4:
        return `$exists(${this.any(below)})`;
      case 5:
        return `(${this.text(below)} in ${this.list(() => this.text(random.below(2)))})`;
      case 6:
        return `(${this.number(below)} in ${this.list(() => this.number(random.below(2)))})`;
      case 7:
        return `(${this.text(below)} in ${random.pick(['lead.t1', 'lead.t2', '(lead.b1 ? lead.t1 : lead.t2)', '(lead.t1 ?? lead.t2)'])})`;
      case 8:
        return `$${random.pick(['contains', 'contains', 'startsWith', 'endsWith'])}(${this.text(below)}, ${this.text(below)})`;
      case 9:
        return `(${this.boolean(below)} ${random.pick(['=', '!='])} ${this.boolean(below)})`;
      case 10:
        return `(${this.boolean(below)} ? ${this.boolean(below)}${random.chance(0.7) ? ` : ${this.boolean(below)}` : ''})`;
      case 11:
        return `(${this.text(below)} ${this.comparison()} ${this.text(below)})`;
      default:
        return `(${this.number(below)} ${this.comparison()} ${this.number(below)})`;
    }
  }

  private comparison(): string {
    return this.random.pick(['=', '!=', '<', '<=', '>', '>=']);
  }

  private list(entry: () => string): string {
    return `[${Array.from({ length: this.random.below(4) }, entry).join(', ')}]`;
  }

  /** Anything that counts as true or false. */
  private any(depth: number): string {
    const kind = this.random.next();
    if (kind < 0.75) return this.boolean(depth);
    if (kind < 0.87) return this.number(depth);
    return kind < 0.96 ? this.text(depth) : this.random.pick(['lead.t1', 'lead.t2']);
  }
}
