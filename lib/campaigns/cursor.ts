import { InputError } from '../errors';
import type { CampaignQuery } from './types';

/** How a list is sorted. */
export type Sort = NonNullable<CampaignQuery['sort']>;

/** Where a page ended: the value that the list is sorted by, and the id that breaks ties. */
export interface Place {
  readonly value: string | number | null;
  readonly id: number;
}

/** Opaque to those who pass it on. */
export function writeCursor(sort: Sort, { value, id }: Place): string {
  return Buffer.from(JSON.stringify([sort, value, id])).toString('base64url');
}

/**
 * Reads a cursor. It comes from outside: everything about it is looked at.
 * @throws InputError `E_CURSOR`
 */
export function readCursor(cursor: unknown, sort: Sort): Place {
  const parts = typeof cursor === 'string' && cursor.length <= 2_000 ? parse(cursor) : undefined;
  const [of, value, id] = Array.isArray(parts) && parts.length === 3 ? (parts as unknown[]) : [];
  if (!Number.isSafeInteger(id) || !fits(sort, value)) {
    throw new InputError(
      'E_CURSOR',
      'This is no cursor of this list. Take the one of the last page, or begin without.',
    );
  }
  if (of !== sort) {
    throw new InputError('E_CURSOR', `This cursor belongs to another order than "${sort}". Begin without a cursor.`);
  }
  return { value: value as Place['value'], id: id as number };
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown;
  } catch {
    return undefined;
  }
}

function fits(sort: Sort, value: unknown): boolean {
  switch (sort.replace('-', '')) {
    case 'name':
      return typeof value === 'string' && !/\0|\p{Cs}/u.test(value);
    case 'nextRunAt':
      return value === null || Number.isSafeInteger(value);
    default:
      return Number.isSafeInteger(value);
  }
}
