import { randomBytes } from 'node:crypto';
import { signWebhook } from '../channels';
import { parseJson } from '../store';

/** A signing key; `until` (ms since 1970) is set when a newer one has taken its place. */
interface Secret {
  readonly key: string;
  readonly until?: number;
}

/** How long a replaced key goes on signing, so that a receiver can change over in peace. */
const OVERLAP_MS = 24 * 60 * 60 * 1000;
/** Keys that sign at the same time; more would only make the header longer. */
const MOST_SECRETS = 3;

/** A new signing key in the form of Standard Webhooks. */
export function makeSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** What is stored for one key. */
export function firstSecret(key: string): string {
  return JSON.stringify([{ key } satisfies Secret]);
}

/** What is stored after `key` has taken the place of the present one. */
export function rotated(stored: unknown, key: string, now: number): string {
  const [present, ...older] = valid(stored, now);
  const former = present ? [{ key: present.key, until: now + OVERLAP_MS }, ...older] : older;
  return JSON.stringify([{ key }, ...former].slice(0, MOST_SECRETS));
}

/** The `webhook-signature` header: one signature for each key that is valid now, the newest first. */
export function signatures(
  stored: unknown,
  content: { id: string; timestamp: number; body: string },
  now: number,
): string {
  return valid(stored, now)
    .map(({ key }) => signWebhook(content, key))
    .join(' ');
}

function valid(stored: unknown, now: number): Secret[] {
  return parseJson<Secret[]>(stored, []).filter(({ until }) => until === undefined || until > now);
}
