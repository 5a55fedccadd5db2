const MICROS = 1_000_000;
/** The most that one row may be worth: a million of them still add up exactly. */
const MOST_UNITS = 1_000_000_000;

/** Money as a whole number of millionths; undefined for what is no amount from 0 to a thousand million. */
export function toMicros(units: unknown): number | undefined {
  if (typeof units !== 'number' || !(units >= 0) || units > MOST_UNITS) return undefined;
  return Math.round(units * MICROS);
}

/** Micros as people write them. */
export function fromMicros(micros: number): number {
  return micros / MICROS;
}
