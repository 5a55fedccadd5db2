import { randomBytes } from 'node:crypto';
import { ConflictError, InputError, MarketingError } from '../errors';
import type { Scope } from '../store';
import type { Campaign } from './types';

/** How often another key is tried when the one made from the name is taken. */
const TRIES = 5;

/** @throws InputError `E_CAMPAIGN_KEY` */
export function checkKey(key: string): void {
  if (typeof key === 'string' && /^[\p{L}\p{N}_.-]{1,128}$/u.test(key)) return;
  throw new InputError(
    'E_CAMPAIGN_KEY',
    `"${String(key).slice(0, 200)}" is no campaign key: use 1 to 128 letters, digits, "_", "-" or ".".`,
    { details: { problems: [{ path: '/key', message: 'must be 1 to 128 letters, digits, "_", "-" or "."' }] } },
  );
}

/** A key that a name suggests: `Spring sale!` → `spring-sale`. */
export function keyFor(name: string): string {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return [...words].slice(0, 100).join('').replace(/-+$/, '') || 'campaign';
}

/**
 * Inserts a campaign under a key; where that is taken and was made from its name, under one like it.
 * @throws ConflictError `E_CAMPAIGN_EXISTS`
 */
export async function underKey(
  scope: Scope,
  { key: wanted, made }: { key: string; made: boolean },
  insert: (tx: Scope, key: string) => Promise<Campaign>,
): Promise<Campaign> {
  for (let tries = made ? TRIES : 1; ; tries--) {
    const key = made && tries < TRIES ? `${wanted}-${randomBytes(4).toString('hex')}` : wanted;
    try {
      if (await isTaken(scope, key)) throw taken(key);
      return await scope.transaction((tx) => insert(tx, key));
    } catch (error) {
      // Somebody else may have taken the key between the look and the insert: the database refuses then.
      const exists = error instanceof MarketingError ? error.code === 'E_CAMPAIGN_EXISTS' : await isTaken(scope, key);
      if (!exists) throw error;
      if (tries <= 1) throw taken(key, error);
    }
  }
}

async function isTaken(scope: Scope, key: string): Promise<boolean> {
  const row = await scope.get(`SELECT id FROM marketing_campaigns WHERE tenant_id = :tenant AND campaign_key = :key`, {
    key,
  });
  return row !== undefined;
}

function taken(key: string, cause?: unknown): ConflictError {
  return new ConflictError('E_CAMPAIGN_EXISTS', `There is already a campaign "${key}". Choose another key.`, {
    ...(cause === undefined ? {} : { cause }),
  });
}
