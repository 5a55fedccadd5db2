/** True for text without halves of surrogate pairs, which no database can store. */
export function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}
