/** A JSON column's value, whichever way the driver hands it over (PostgreSQL parses it, the others give text). */
export function parseJson<T>(value: unknown, fallback: T): T {
  if (value === null || value === undefined || value === '') return fallback;
  return typeof value === 'string' ? (JSON.parse(value) as T) : (value as T);
}
