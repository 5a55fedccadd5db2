/** What clocks on walls show, read off `Intl.DateTimeFormat`: what due times are held against. */

export const QUARTER = 15 * 60_000;
export const DAY = 86_400_000;

/** Zones of every kind: with and without summer time, half and quarter hours off, in the south, at the date line, changing at midnight. */
export const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'America/Phoenix',
  'America/Santiago',
  'Africa/Cairo',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Auckland',
  'Pacific/Pago_Pago',
  'Pacific/Kiritimati',
];

/** A wall clock. Its texts sort as its times do: `2026-03-29 03:00`. */
export class WallClock {
  private readonly format: Intl.DateTimeFormat;

  constructor(readonly zone: string) {
    this.format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
  }

  shows(instant: number): string {
    return this.format.format(instant);
  }

  /** What it shows every quarter of an hour. */
  watch(from: number, to: number): { at: number; shown: string }[] {
    const seen = [];
    for (let at = from; at < to; at += QUARTER) seen.push({ at, shown: this.shows(at) });
    return seen;
  }

  /** The first instants of a year's days on which it is put forward or back. */
  changes(year: number): number[] {
    const found: number[] = [];
    const minutes = (at: number): number => Date.parse(`${this.shows(at).replace(' ', 'T')}:00Z`) - at;
    for (let at = Date.UTC(year, 0, 1); at < Date.UTC(year + 1, 0, 1); at += DAY) {
      if (minutes(at) !== minutes(at + DAY)) found.push(at);
    }
    return found;
  }
}

/**
 * When the clock first shows each of these texts, or a later one: without a word about offsets. `seen` begins well before the first.
 */
export function firstShown(seen: readonly { at: number; shown: string }[], texts: readonly string[]): number[] {
  const sorted = [...texts].sort();
  const found: number[] = [];
  for (const { at, shown } of seen) {
    while (found.length < sorted.length && (sorted[found.length] ?? '') <= shown) found.push(at);
  }
  return found;
}
