/** Whether one of the patterns names the type: `*`, `marketing.campaign.*` or a type in full. */
export function matches(patterns: readonly string[], type: string): boolean {
  return patterns.some(
    (pattern) =>
      pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
  );
}
