import jsonata from 'jsonata';
import { compilePattern } from '../../../lib/conditions';
import { DAY } from '../../../lib/conditions/moments';

/** What JSONata makes of an expression for one lead: its truth, or the code of the error it raises. */
export type Verdict = { truth: boolean } | { error: string };

/**
 * JSONata itself as the judge: parses once, then evaluates the *normalised* text of a condition. Functions that JSONata
 * does not have are registered in their plainest form.
 */
export class Oracle {
  private readonly expression: jsonata.Expression;

  constructor(normalised: string, now: number, did: (event: string, options: unknown) => boolean = () => false) {
    this.expression = jsonata(normalised);
    const add = (name: string, fn: Parameters<jsonata.Expression['registerFunction']>[1]): void =>
      this.expression.registerFunction(name, fn);
    const both = (test: (a: string, b: string) => boolean) => (a?: string, b?: string) =>
      a === undefined || b === undefined ? undefined : test(a, b);
    add('today', () => Math.floor(now / DAY) * DAY);
    add('millis', () => now);
    add('now', () => new Date(now).toISOString());
    add(
      'startsWith',
      both((a, b) => a.startsWith(b)),
    );
    add(
      'endsWith',
      both((a, b) => a.endsWith(b)),
    );
    add(
      'matches',
      both((a, pattern) => compilePattern(pattern)(a)),
    );
    add('did', did);
  }

  async judge(input: object): Promise<Verdict> {
    try {
      const result: unknown = await this.expression.evaluate(input);
      return { truth: truthOf(result) };
    } catch (error) {
      return { error: String((error as { code?: unknown }).code ?? error) };
    }
  }
}

/** JSONata's `$boolean`; absent is false. */
export function truthOf(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(truthOf);
  if (typeof value === 'number') return value !== 0 && !Number.isNaN(value);
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
