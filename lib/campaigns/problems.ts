import { InputError } from '../errors';

/** Texts that one of the databases cannot keep: NUL, and half a character. */
const UNSTORABLE = /\0|\p{Cs}/u;

/** What is wrong with something that was given, with JSON pointers. */
export class Problems {
  private readonly list: { path: string; message: string }[] = [];

  add(path: string, message: string): void {
    this.list.push({ path, message });
  }

  /** Refuses properties that are not among `names`. */
  only(value: Readonly<Record<string, unknown>>, names: readonly string[], path: string): void {
    for (const name of Object.keys(value)) {
      if (!names.includes(name)) this.add(`${path}/${name}`, `is unknown here; known: ${names.join(', ')}`);
    }
  }

  /** Refuses texts that cannot be kept. */
  storable(value: string, path: string): void {
    if (UNSTORABLE.test(value)) this.add(path, 'contains characters that cannot be kept (NUL, or half a character)');
  }

  /** Refuses what is no JSON, too long, or cannot be kept. */
  json(value: object, path: string, longest: number): void {
    let unstorable = false;
    let text: string;
    try {
      text = JSON.stringify(value, (key, part: unknown) => {
        unstorable ||= UNSTORABLE.test(key) || (typeof part === 'string' && UNSTORABLE.test(part));
        return part;
      });
    } catch {
      this.add(path, 'must be JSON: without circles and big integers');
      return;
    }
    if (unstorable) this.add(path, 'contains characters that cannot be kept (NUL, or half a character)');
    if (text.length > longest) this.add(path, `has at most ${longest} characters as JSON`);
  }

  /** @throws InputError with everything that was added; nothing when that is nothing */
  refuse(code: string, sentence: string): void {
    if (this.list.length === 0) return;
    const told = this.list.map(({ path, message }) => `${path === '' ? 'it' : path.slice(1)} ${message}`);
    throw new InputError(code, `${sentence}: ${told.join('; ')}.`, { details: { problems: this.list } });
  }
}

/** Whether something is an object with properties. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
