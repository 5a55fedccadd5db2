import { UsageError, type CommandContext } from '../command';

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds that a word such as 90d, 12h or 30m stands for. @throws UsageError */
export function duration(text: string, option: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text.trim()) ?? [];
  const ms = Number(amount) * (UNITS[unit] ?? 0);
  if (ms > 0) return ms;
  throw new UsageError(`${option} is a number with a unit: 90d, 12h or 30m.`);
}

/** The id at that place of the command line. @throws UsageError */
export function idAt(context: CommandContext, index: number): number {
  const word = context.word(index, 'ID');
  if (/^\d{1,15}$/.test(word)) return Number(word);
  throw new UsageError(`"${word}" is no ID: give the number that the list shows.`);
}

/** The values of an option that may be given several times. */
export function texts(context: CommandContext, option: string): string[] {
  const given = context.values[option];
  return Array.isArray(given) ? given.map(String) : [];
}
