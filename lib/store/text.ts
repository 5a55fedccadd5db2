/** What PostgreSQL and JSON_TABLE refuse: NUL, and half a character (a lone surrogate). */
const UNSTORABLE = /\0|\p{Cs}/gu;

/** The beginning of a text that others wrote, such as a server's answer, as every database takes it. `longest` in UTF-16 units. */
export function storable(text: string, longest: number): string {
  return text.slice(0, longest).replace(UNSTORABLE, '\ufffd');
}
