/** Values made from the schemas of an OpenAPI document: such as they ask for, and such as they do not. Seeded. */
export type Json = Readonly<Record<string, unknown>>;

/** The same numbers for the same seed (mulberry32), from 0 to 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Texts that have hurt others. */
export const HOSTILE: readonly string[] = [
  "' OR '1'='1",
  "'; DROP TABLE marketing_leads; --",
  '" OR 1=1 --',
  '%',
  '_',
  '%_%\\',
  '$.attributes[*]',
  '__proto__',
  'constructor',
  'a\r\nSet-Cookie: x=1',
  '../../etc/passwd',
  '${7*7}',
  '{{ 7 | times: 7 }}',
  '<script>alert(1)</script>',
  '\u202eevil',
  '0',
  '-1',
  '9007199254740993',
  'NaN',
  '😀'.repeat(20),
  ' ',
];

/** Makes values. `known` gives values that mean something for a property, by its name. */
export class Maker {
  /** Of the values that may be left out, so many are given. */
  private readonly share: number;

  constructor(
    readonly random: () => number,
    private readonly schemas: Json,
    private readonly known: (name: string, schema: Json) => unknown,
  ) {
    this.share = random() < 0.5 ? 0.05 : 0.5;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  /** A value that the schema takes. */
  valid(given: Json, name = '', depth = 0): unknown {
    const schema = this.resolved(given);
    const known = this.chance(0.8) ? this.known(name, schema) : undefined;
    if (known !== undefined) return known;
    if (Array.isArray(schema['examples']) && this.chance(0.7)) return this.pick<unknown>(schema['examples']);
    const choices = (schema['enum'] ?? schema['anyOf'] ?? schema['oneOf']) as unknown[] | undefined;
    if (Array.isArray(schema['enum'])) return this.pick(choices ?? []);
    if (choices) return this.valid(this.pick(choices) as Json, name, depth);
    const types = schema['type'] === undefined ? [] : [schema['type']].flat();
    switch (this.pick(types)) {
      case 'string':
        return this.text(schema);
      case 'integer':
        return this.integer(schema);
      case 'number':
        return this.chance(0.5) ? this.integer(schema) : this.clamp(this.random() * 100, schema);
      case 'boolean':
        return this.chance(0.5);
      case 'null':
        return null;
      case 'array':
        return this.list(schema, name, depth);
      case 'object':
        return this.object(schema, depth);
      default:
        return this.pick<unknown>([1, 'text', true, null, { a: 1 }, ['a'], this.pick(HOSTILE)]);
    }
  }

  /** A value that is changed in one place, so that the schema most probably does not take it. */
  invalid(schema: Json): unknown {
    const value = this.valid(schema);
    if (typeof value !== 'object' || value === null || Array.isArray(value) || this.chance(0.1))
      return this.pick<unknown>([null, [], 'text', 7, true, { unknown: 1 }, [[[]]]]);
    const copy: Record<string, unknown> = { ...value };
    const names = Object.keys(copy);
    const name = this.pick(names.length > 0 ? names : ['unknown']);
    switch (Math.floor(this.random() * 5)) {
      case 0:
        delete copy[name];
        break;
      case 1:
        copy[`un${name}`] = 1;
        break;
      case 2:
        copy[name] = this.pick<unknown>([
          null,
          [],
          {},
          -1e300,
          1e300,
          0.5,
          true,
          'x'.repeat(70_000),
          '',
          [null],
          { a: { b: [] } },
        ]);
        break;
      case 3:
        copy[name] = this.pick(HOSTILE);
        break;
      default:
        copy[name] = [copy[name], copy[name]];
    }
    return copy;
  }

  private resolved(schema: Json): Json {
    const ref = schema['$ref'];
    return typeof ref === 'string' ? (this.schemas[ref.split('/').at(-1) ?? ''] as Json) : schema;
  }

  private text(schema: Json): string {
    if (schema['format'] === 'date-time') return new Date(Date.UTC(2026, 0, 1) + this.random() * 1e11).toISOString();
    const {
      minLength = 0,
      maxLength = 50,
      pattern,
    } = schema as { minLength?: number; maxLength?: number; pattern?: string };
    if (pattern !== undefined) return 'signed_up';
    const words = this.chance(0.3) ? this.pick(HOSTILE) : `word ${Math.floor(this.random() * 1e6)}`;
    return words.slice(0, maxLength).padEnd(minLength, 'x');
  }

  private integer(schema: Json): number {
    const { minimum = -100, maximum = 100 } = schema as { minimum?: number; maximum?: number };
    const span = Math.min(maximum - minimum, this.chance(0.1) ? maximum - minimum : 20);
    return Math.floor(minimum + this.random() * span);
  }

  private clamp(
    value: number,
    { minimum = -Infinity, maximum = Infinity }: { minimum?: number; maximum?: number },
  ): number {
    return Math.min(maximum, Math.max(minimum, value));
  }

  private list(schema: Json, name: string, depth: number): unknown[] {
    const { minItems = 0, maxItems = 3, items } = schema as { minItems?: number; maxItems?: number; items?: Json };
    const length = Math.min(maxItems, minItems + Math.floor(this.random() * 3));
    return Array.from({ length }, () => this.valid(items ?? {}, name, depth + 1));
  }

  private object(schema: Json, depth: number): Json {
    const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Json>>;
    const required = (schema['required'] ?? []) as readonly string[];
    const { minProperties = 0, maxProperties = Infinity } = schema as {
      minProperties?: number;
      maxProperties?: number;
    };
    const made: Record<string, unknown> = {};
    for (const [name, of] of Object.entries(properties)) {
      if (
        required.includes(name) ||
        (this.chance(depth > 3 ? 0.05 : this.share) && Object.keys(made).length < maxProperties)
      )
        made[name] = this.valid(of, name, depth + 1);
    }
    const names = Object.keys(properties);
    while (Object.keys(made).length < Math.min(minProperties, names.length)) {
      const name = this.pick(names);
      made[name] = this.valid(properties[name] ?? {}, name, depth + 1);
    }
    if (names.length === 0 && this.chance(0.5))
      made[this.pick(['a', 'field', ...HOSTILE.filter((one) => one !== '__proto__')])] = 1;
    return made;
  }
}
