import { Problems, at } from './problems';

/** How much is taken from outside. */
export interface PlainLimits {
  /** Deepest nesting of objects and lists. */
  readonly depth: number;
  /** Most values, all levels together. */
  readonly values: number;
  /** Most characters, names included. */
  readonly characters: number;
}

/** For definition documents, whose messages may hold a whole newsletter. */
export const DOCUMENT_LIMITS: PlainLimits = { depth: 24, values: 20_000, characters: 2_000_000 };
/** For a campaign's data. */
export const DATA_LIMITS: PlainLimits = { depth: 12, values: 5_000, characters: 200_000 };

/** What a JSON text can say. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain };

/** An object of {@link Plain}. */
export type PlainObject = { readonly [name: string]: Plain };

/**
 * A copy of what somebody gave, made of nothing but plain objects, lists and values: no prototypes, getters or cycles, no
 * text that a database cannot hold, and not too much of it. Dates become ISO 8601 text; absent properties stay absent.
 * @throws InputError `code`
 */
export function plainCopy(input: unknown, limits: PlainLimits, code: string, subject: string): Plain {
  const copier = new Copier(limits);
  const copy = copier.copy(input, '', 1);
  copier.problems.throwIfAny(code, subject);
  return copy ?? null;
}

/** Whether it is an object, and no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class Copier {
  readonly problems = new Problems();
  private values = 0;
  private characters = 0;

  constructor(private readonly limits: PlainLimits) {}

  /** Undefined for what has no copy; once something is too much, nothing more is looked at. */
  copy(value: unknown, path: string, depth: number): Plain | undefined {
    if (this.tooMuch(path, depth)) return undefined;
    switch (typeof value) {
      case 'string':
        return this.text(value, path);
      case 'boolean':
        return value;
      case 'number':
        if (Number.isFinite(value)) return value;
        return this.refuse(path, 'This is not a number that JSON can hold.');
      case 'undefined':
        return undefined;
      case 'object':
        if (value === null) return null;
        if (Array.isArray(value)) return this.list(value, path, depth);
        return this.object(value, path, depth);
      default:
        return this.refuse(
          path,
          `A ${typeof value} cannot stand here. Use text, numbers, true, false, lists and objects.`,
        );
    }
  }

  private list(value: readonly unknown[], path: string, depth: number): Plain | undefined {
    if (this.values + value.length > this.limits.values) return this.refuse(path, this.many());
    return value.map((entry, index) => this.copy(entry, at(path, index), depth + 1) ?? null);
  }

  private object(value: object, path: string, depth: number): Plain | undefined {
    if (value instanceof Date) {
      const time = value.getTime();
      return Number.isNaN(time) ? this.refuse(path, 'This is not a valid date.') : new Date(time).toISOString();
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype)
      return this.refuse(path, 'This is no plain object. Use text, numbers, true, false, lists and objects.');
    const copy: Record<string, Plain> = {};
    for (const name of Object.keys(value)) {
      const inside = at(path, name.slice(0, 200));
      if (name === '__proto__') return this.refuse(inside, 'This name is not available. Choose another.');
      if (this.text(name, inside) === undefined) return undefined;
      const kept = this.copy((value as Readonly<Record<string, unknown>>)[name], inside, depth + 1);
      if (kept !== undefined) copy[name] = kept;
    }
    return copy;
  }

  private text(value: string, path: string): string | undefined {
    this.characters += value.length;
    if (this.characters > this.limits.characters)
      return this.refuse(path, `This is too long: ${this.limits.characters} characters are taken in all.`);
    if (value.includes('\0') || /\p{Cs}/u.test(value))
      return this.refuse(path, 'This text holds a character that cannot be stored.');
    return value;
  }

  private tooMuch(path: string, depth: number): boolean {
    if (!this.problems.none) return true;
    this.values += 1;
    if (this.values > this.limits.values) this.problems.add(path, this.many());
    else if (depth > this.limits.depth)
      this.problems.add(path, `This is nested too deep: ${this.limits.depth} levels are taken.`);
    return !this.problems.none;
  }

  private many(): string {
    return `This is too much: ${this.limits.values} values are taken in all.`;
  }

  private refuse(path: string, message: string): undefined {
    this.problems.add(path, message);
    return undefined;
  }
}
