import { isRecord, type Problems } from './problems';
import type { Campaign } from './types';

/** Segments that one list of an audience names. */
const MOST_SEGMENTS = 50;
const LONGEST_CONDITION = 32 * 1024;
/** Percent. */
const MOST_HELD_OUT = 20;

/** Looks at the shape of an audience; whether its segments exist and its condition compiles is asked elsewhere. */
export function checkAudience(value: unknown, path: string, problems: Problems): void {
  if (!isRecord(value)) return problems.add(path, 'must be an object');
  problems.only(value, ['include', 'match', 'exclude', 'condition', 'holdout'], path);
  const { include, match, exclude, condition, holdout } = value;
  checkSegments(include, `${path}/include`, problems);
  checkSegments(exclude, `${path}/exclude`, problems);
  if (match !== undefined && match !== 'all' && match !== 'any') problems.add(`${path}/match`, 'is all or any');
  if (condition !== undefined) checkCondition(condition, `${path}/condition`, problems);
  if (holdout === undefined) return;
  if (typeof holdout !== 'number' || !(holdout >= 0 && holdout <= MOST_HELD_OUT)) {
    problems.add(`${path}/holdout`, `is a number of percent from 0 to ${MOST_HELD_OUT}`);
  }
}

function checkSegments(value: unknown, path: string, problems: Problems): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) return problems.add(path, 'must be a list of segment keys');
  if (value.length > MOST_SEGMENTS) problems.add(path, `names at most ${MOST_SEGMENTS} segments`);
  value.forEach((key: unknown, index) => {
    if (typeof key !== 'string' || key === '' || key.length > 128) {
      problems.add(`${path}/${index}`, 'must be the key of a segment');
    } else problems.storable(key, `${path}/${index}`);
  });
}

function checkCondition(value: unknown, path: string, problems: Problems): void {
  if (typeof value === 'string' && value.trim() !== '') problems.storable(value, path);
  else if (typeof value === 'object' && value !== null) problems.json(value, path, LONGEST_CONDITION);
  else problems.add(path, 'must be a condition: an expression, or the JSON form');
}

/** Every segment that an audience names, each once. */
export function segmentsOf({ segment, audience }: Pick<Campaign, 'segment' | 'audience'>): string[] {
  return [
    ...new Set([
      ...(segment === undefined ? [] : [segment]),
      ...(audience?.include ?? []),
      ...(audience?.exclude ?? []),
    ]),
  ];
}
