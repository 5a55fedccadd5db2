import { createHash, randomUUID } from 'node:crypto';
import { InputError } from '../../errors';
import { parseJson, type Scope } from '../../store';
import { Refusal } from './problem';

/** An answer, ready to be sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** What makes two requests the same one. */
export interface Repeatable {
  readonly key: string;
  readonly actor: string;
  /** Of method, path and body. */
  readonly fingerprint: string;
  /** The answer holds a secret and is not kept. */
  readonly confidential: boolean;
}

const DAY_MS = 24 * 3_600_000;
/** A request that has no answer after this long was cut off by a crash: the next one with its key does it. */
const ABANDONED_MS = 5 * 60_000;

interface Row {
  fingerprint: string;
  /** Null while the request is being worked. */
  status: number | null;
  headers: unknown;
  /** The answer; while the request is being worked, the claim of whoever works it. */
  body: string | null;
  created_at: number;
}

/** A request that holds its key: nobody else's is kept or forgotten in its place. */
type Claimed = Repeatable & { readonly claim: string };

/** @throws InputError `E_HEADER` */
export function checkKey(key: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new InputError('E_HEADER', 'An Idempotency-Key has 1 to 255 visible ASCII characters, such as a UUID.', {
    details: { errors: [{ parameter: 'Idempotency-Key', detail: '1 to 255 visible ASCII characters.' }] },
  });
}

/** What tells requests apart that came with the same key. */
export function fingerprintOf(method: string, path: string, body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([method, path, body ?? null]))
    .digest('hex');
}

/**
 * Does something once per key (REL-006): whoever sends the same request with the same key again, within a day, gets the
 * answer of the first time. What failed has changed nothing, is not kept, and may be tried again with the same key. When the
 * process dies between the work and the keeping of its answer, the request is done anew: once more, not never.
 * @throws Refusal `E_IDEMPOTENCY_RUNNING` (409), `E_IDEMPOTENCY_MISMATCH` (422), `E_IDEMPOTENCY_SECRET` (409)
 */
export async function once(scope: Scope, request: Repeatable, work: () => Promise<Answer>): Promise<Answer> {
  const claimed = { ...request, claim: randomUUID() };
  const known = await begin(scope, claimed);
  if (known) return replay(known, request);
  let answer: Answer | undefined;
  try {
    answer = await work();
    return answer;
  } finally {
    if (answer === undefined || answer.status >= 400) await forget(scope, claimed);
    else await keep(scope, claimed, answer);
  }
}

/** Takes the key; the row of whoever has it already. */
async function begin(scope: Scope, { key, actor, fingerprint, claim }: Claimed): Promise<Row | undefined> {
  const now = scope.clock.now();
  const { dialect } = scope;
  await scope.run(`DELETE FROM marketing_idempotency WHERE tenant_id = :tenant AND created_at < :yesterday`, {
    yesterday: now - DAY_MS,
  });
  await scope.run(
    `${dialect.insertIgnore} INTO marketing_idempotency (tenant_id, idempotency_key, actor, fingerprint, body, created_at)
     VALUES (:tenant, :key, :actor, :fingerprint, :claim, :now) ${dialect.ignoreTail}`,
    { key, actor, fingerprint, claim, now },
  );
  // MariaDB counts a row that was there already as one that was written: whose it is, only the row itself tells.
  const row = await scope.get<Row>(
    `SELECT fingerprint, status, headers, body, created_at FROM marketing_idempotency
     WHERE tenant_id = :tenant AND actor = :actor AND idempotency_key = :key`,
    { key, actor },
  );
  // Whoever had it failed in this instant.
  if (!row) return { fingerprint, status: null, headers: null, body: null, created_at: now };
  if (row.status === null && row.body === claim) return undefined;
  if (row.status !== null || row.created_at > now - ABANDONED_MS) return row;
  const inherited = await scope.run(
    `UPDATE marketing_idempotency SET fingerprint = :fingerprint, body = :claim, created_at = :now
     WHERE tenant_id = :tenant AND actor = :actor AND idempotency_key = :key AND status IS NULL AND created_at = :seen`,
    { key, actor, fingerprint, claim, now, seen: row.created_at },
  );
  return inherited > 0 ? undefined : row;
}

function replay(row: Row, { fingerprint, confidential }: Repeatable): Answer {
  if (row.fingerprint !== fingerprint) {
    throw new Refusal(
      422,
      'E_IDEMPOTENCY_MISMATCH',
      'This Idempotency-Key was used for another request. Use a new key for each thing that you want done.',
    );
  }
  if (row.status === null) {
    throw new Refusal(
      409,
      'E_IDEMPOTENCY_RUNNING',
      'The first request with this Idempotency-Key is still being worked. Ask again in a moment.',
      { 'Retry-After': '1' },
    );
  }
  if (confidential) {
    throw new Refusal(
      409,
      'E_IDEMPOTENCY_SECRET',
      'This was done already, and its answer held a secret that is shown once only. Revoke what was made, and make a new one with a new key.',
    );
  }
  const headers = parseJson<Record<string, string>>(row.headers, {});
  return { status: row.status, headers: { ...headers, 'Idempotency-Replayed': 'true' }, body: row.body ?? '' };
}

async function keep(scope: Scope, { key, actor, claim, confidential }: Claimed, answer: Answer): Promise<void> {
  await scope.run(
    `UPDATE marketing_idempotency SET status = :status, headers = :headers, body = :body
     WHERE tenant_id = :tenant AND actor = :actor AND idempotency_key = :key AND status IS NULL AND body = :claim`,
    {
      ...{ key, actor, claim },
      status: answer.status,
      headers: JSON.stringify(confidential ? {} : answer.headers),
      body: confidential ? null : answer.body.toString(),
    },
  );
}

async function forget(scope: Scope, { key, actor, claim }: Claimed): Promise<void> {
  await scope.run(
    `DELETE FROM marketing_idempotency
     WHERE tenant_id = :tenant AND actor = :actor AND idempotency_key = :key AND status IS NULL AND body = :claim`,
    { key, actor, claim },
  );
}

/** Drops kept answers that show a lead: they must not outlive it. */
export async function forgetAnswersAbout(scope: Scope, lead: number): Promise<void> {
  await scope.run(`DELETE FROM marketing_idempotency WHERE tenant_id = :tenant AND body LIKE :shown`, {
    shown: `{"id":${lead},"score":%`,
  });
}
