import { isObject } from './plain';
import { at } from './problems';

/** One difference between two versions. */
export interface Change {
  /** JSON pointer; for what was added to or removed from a list, into the version that has it. */
  readonly path: string;
  readonly op: 'add' | 'remove' | 'replace';
  readonly before?: unknown;
  readonly after?: unknown;
}

/** What is different in `after`, value by value. In lists, what stays the same at both ends is not named. */
export function diffOf(before: unknown, after: unknown): Change[] {
  const changes: Change[] = [];
  compare(before, after, '', changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: string, changes: Change[]): void {
  if (same(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after)) compareLists(before, after, path, changes);
  else if (isObject(before) && isObject(after)) {
    for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      const [was, is] = [Object.hasOwn(before, name), Object.hasOwn(after, name)];
      if (was && is) compare(before[name], after[name], at(path, name), changes);
      else if (was) changes.push({ path: at(path, name), op: 'remove', before: before[name] });
      else changes.push({ path: at(path, name), op: 'add', after: after[name] });
    }
  } else changes.push({ path, op: 'replace', before, after });
}

function compareLists(before: readonly unknown[], after: readonly unknown[], path: string, changes: Change[]): void {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && same(before[start], after[start])) start++;
  let end = 0;
  while (end < shorter - start && same(before.at(-1 - end), after.at(-1 - end))) end++;
  const paired = shorter - end;
  for (let index = start; index < paired; index++) compare(before[index], after[index], at(path, index), changes);
  for (let index = paired; index < before.length - end; index++)
    changes.push({ path: at(path, index), op: 'remove', before: before[index] });
  for (let index = paired; index < after.length - end; index++)
    changes.push({ path: at(path, index), op: 'add', after: after[index] });
}

/** Equal contents, whatever the order of names. */
function same(a: unknown, b: unknown): boolean {
  return a === b || canonical(a) === canonical(b);
}

/** JSON text that is the same for the same contents: names in order. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_name, inner: unknown) =>
      isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1))) : inner,
    ) ?? 'undefined'
  );
}
