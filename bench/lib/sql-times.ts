import Database from 'better-sqlite3';
import type { BenchContext } from './bench';

/** How often a statement ran on this thread, and how long altogether. */
export interface StatementTime {
  readonly text: string;
  readonly times: number;
  readonly ms: number;
}

type Method = (this: Database.Statement, ...values: unknown[]) => unknown;

/**
 * Times every statement that better-sqlite3 runs on this thread from now on. A profiler's samples show one native frame for all of them,
 * and which statement it was is lost in an await.
 * @returns what has been timed so far, the longest first
 */
export function timeStatements(): () => StatementTime[] {
  const times = new Map<string, { times: number; ms: number }>();
  const probe = new Database(':memory:');
  const prototype = Object.getPrototypeOf(probe.prepare('SELECT 1')) as Record<'run' | 'all' | 'get', Method>;
  probe.close();
  for (const name of ['run', 'all', 'get'] as const) {
    const original = prototype[name];
    prototype[name] = function timed(...values) {
      const start = process.hrtime.bigint();
      try {
        return original.apply(this, values);
      } finally {
        const entry = times.get(this.source) ?? { times: 0, ms: 0 };
        entry.times += 1;
        entry.ms += Number(process.hrtime.bigint() - start) / 1e6;
        times.set(this.source, entry);
      }
    };
  }
  return () =>
    Array.from(times, ([text, entry]) => ({ text: text.replace(/\s+/g, ' ').trim(), ...entry })).sort(
      (a, b) => b.ms - a.ms,
    );
}

/** Says where the time went, the longest first. @param unit what was worked off, `units` of it */
export function sayStatements(
  context: BenchContext,
  times: readonly StatementTime[],
  units: number,
  unit: string,
): void {
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  context.say(
    `\nSQL on the main thread: ${((total * 1000) / units).toFixed(1)} µs per ${unit}; by statement: µs per ${unit}, share, how often`,
  );
  for (const { text, ms, times: count } of times.slice(0, 25)) {
    const each = ((ms * 1000) / units).toFixed(1).padStart(7);
    context.say(`  ${each}  ${((ms / total) * 100).toFixed(1).padStart(5)} %  ${count} × ${text.slice(0, 160)}`);
  }
}
