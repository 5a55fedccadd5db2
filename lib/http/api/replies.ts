import { InputError } from '../../errors';
import type { Schema } from './schema';
import type { Operation, Reply } from './types';

type Responses = Operation['responses'];

/** 200 with a body. */
export function ok(description: string, schema: Schema): Responses {
  return { 200: { description, schema } };
}

/** 201 with what was made. */
export function created(description: string, schema: Schema): Responses {
  return { 201: { description, schema } };
}

/** 204. */
export function gone(description: string): Responses {
  return { 204: { description } };
}

/** A page of something, as the services give it. */
interface Listed<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
  readonly total?: number;
}

/** A page as the API answers it, with the way to the next one. */
export function paged<T>(
  { items, cursor, total }: Listed<T>,
  out: (item: T) => unknown,
  { page, limit }: { page?: number | undefined; limit: number },
): Reply {
  const body = {
    items: items.map(out),
    ...(cursor === undefined ? {} : { cursor }),
    ...(total === undefined ? {} : { total }),
  };
  if (page !== undefined) return { body, ...(page * limit < (total ?? 0) ? { next: { page: page + 1 } } : {}) };
  return { body, ...(cursor === undefined ? {} : { next: { cursor } }) };
}

/**
 * The id that a cursor of {@link idPage} holds.
 * @throws InputError `E_CURSOR`
 */
export function idOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(cursor)) return Number(cursor);
  throw new InputError('E_CURSOR', 'This cursor is not one that this list has given out: start without one.');
}

/** A page of things in the order of their ids. A full page may be the last one; then the next is empty. */
export function idPage<T extends { readonly id: number }>(items: readonly T[], limit: number): Listed<T> {
  const last = items.length === limit ? items.at(-1) : undefined;
  return { items, ...(last ? { cursor: String(last.id) } : {}) };
}
