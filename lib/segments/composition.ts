import { InputError } from '../errors';
import type { Composition } from './types';

const DEEPEST = 10;
const MOST_PARTS = 50;

function refuse(message: string): never {
  throw new InputError('E_COMPOSITION', message);
}

/**
 * Checks the shape of a composition that came from outside.
 * @throws InputError `E_COMPOSITION`
 */
export function checkComposition(value: unknown, depth = 0): Composition {
  if (depth > DEEPEST) refuse(`A composition is nested at most ${DEEPEST} deep.`);
  if (typeof value === 'string')
    return value === '' ? refuse('A composition names segments by their keys; one is empty.') : value;
  const [entry, more] =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  if (!entry || more || !Array.isArray(entry[1])) {
    refuse('A composition is a segment key, {"and": […]}, {"or": […]} or {"except": [a, b]}.');
  }
  const [word, parts] = entry as [string, unknown[]];
  if (parts.length > MOST_PARTS) refuse(`"${word}" joins at most ${MOST_PARTS} segments.`);
  const checked = parts.map((part) => checkComposition(part, depth + 1));
  const [first, second] = checked;
  switch (word) {
    case 'and':
      return first === undefined ? refuse('"and" needs at least one segment.') : { and: checked };
    case 'or':
      return first === undefined ? refuse('"or" needs at least one segment.') : { or: checked };
    case 'except':
      if (first === undefined || second === undefined || checked.length !== 2)
        refuse('"except" needs two segments: in the first, not in the second.');
      return { except: [first, second] };
    default:
      return refuse(`"${word.slice(0, 40)}" does not combine segments: use and, or, except.`);
  }
}

/** The keys that a composition names, each once. */
export function keysOf(composition: Composition): string[] {
  const keys = new Set<string>();
  const visit = (part: Composition): void => {
    if (typeof part === 'string') keys.add(part);
    else for (const child of partsOf(part)) visit(child);
  };
  visit(composition);
  return [...keys];
}

function partsOf(part: Exclude<Composition, string>): readonly Composition[] {
  if ('and' in part) return part.and;
  return 'or' in part ? part.or : part.except;
}

/** Combines what `leaf` makes of each segment. */
export function combine(composition: Composition, leaf: (key: string) => string): string {
  if (typeof composition === 'string') return leaf(composition);
  const parts = partsOf(composition).map((part) => combine(part, leaf));
  if ('except' in composition) return `((${parts[0]}) AND NOT (${parts[1]}))`;
  return `(${parts.map((part) => `(${part})`).join('and' in composition ? ' AND ' : ' OR ')})`;
}
