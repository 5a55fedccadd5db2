/**
 * Data as JSON keeps it, so that it is the same before and after it was saved: dates become ISO 8601 texts, what JSON does
 * not know is left out.
 */
export function toJson(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(data)) as Record<string, unknown>;
}
