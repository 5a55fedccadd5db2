import { InputError } from '../errors';
import { ANNOUNCEMENTS } from './types';

/** Whether one of the patterns names the type: `*`, `marketing.campaign.*` or a type in full. */
export function matches(patterns: readonly string[], type: string): boolean {
  return patterns.some(
    (pattern) =>
      pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
  );
}

/**
 * Patterns as they are stored, each once. One that names nothing is a misspelling, and would be silent for ever.
 * @throws InputError `E_EVENT_PATTERN`
 */
export function checkPatterns(patterns: readonly string[]): string[] {
  const given: readonly unknown[] = Array.isArray(patterns) ? patterns : [];
  const problems = given.flatMap((pattern, index) =>
    typeof pattern === 'string' && ANNOUNCEMENTS.some((type) => matches([pattern], type))
      ? []
      : [{ path: `/events/${index}`, message: `"${String(pattern).slice(0, 100)}" names no event.` }],
  );
  if (given.length === 0) problems.push({ path: '/events', message: 'No event is named.' });
  if (problems.length > 0) {
    throw new InputError(
      'E_EVENT_PATTERN',
      `${problems.map(({ message }) => message).join(' ')} Use "*", a group such as "marketing.campaign.*", or a type such as "marketing.lead.created".`,
      { details: { problems } },
    );
  }
  return [...new Set(patterns)];
}
