import type { ChannelParts } from '../content';
import { diffLines } from './line-diff';
import type { PartDiff } from './types';

/** The parts in which two contents differ, in the order of their names. */
export function diffParts(before: ChannelParts, after: ChannelParts): PartDiff[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .sort()
    .map((part) => ({ part, before: textOf(before[part]), after: textOf(after[part]) }))
    .filter((part) => part.before !== part.after)
    .map(({ part, before: from, after: to }) => ({ part, lines: diffLines(from, to) }));
}

/** A part as people read it: texts as they are, what has members one member to a line. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
