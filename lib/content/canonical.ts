import { createHash } from 'node:crypto';
import { ContentError } from './errors';

function canonical(value: unknown): string | undefined {
  switch (typeof value) {
    case 'undefined':
      return undefined;
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (Number.isFinite(value)) return JSON.stringify(value);
      break;
    case 'object': {
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map((item) => canonical(item) ?? 'null').join(',')}]`;
      const members = Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, member]) => [key, canonical(member)] as const)
        .filter(([, text]) => text !== undefined)
        .map(([key, text]) => `${JSON.stringify(key)}:${text}`);
      return `{${members.join(',')}}`;
    }
    default:
  }
  throw new ContentError(
    'content',
    'The content holds something that is not JSON. Use text, finite numbers, booleans, lists and objects only.',
  );
}

/**
 * A stable name of a content version: SHA-256 (hex) of its canonical JSON: keys sorted by code unit, absent members left out.
 * The same content has the same hash on every machine and after every round through a database.
 * Throws {@link ContentError} for what JSON cannot hold.
 */
export function contentHash(content: unknown): string {
  return createHash('sha256')
    .update(canonical(content) ?? 'null')
    .digest('hex');
}
