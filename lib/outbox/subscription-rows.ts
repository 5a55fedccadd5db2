import { NotFoundError } from '../errors';
import { parseJson, type Scope } from '../store';

/** A webhook as it is shown: never its secrets. Times are milliseconds since 1970. */
export interface Webhook {
  readonly id: number;
  readonly name?: string;
  readonly url: string;
  /** Patterns of what it is told of. */
  readonly events: readonly string[];
  readonly enabled: boolean;
  /** Why it was disabled, when it was not a person who did it. */
  readonly disabledReason?: string;
  /** Since when nothing has reached it; absent while all is well. */
  readonly failingSince?: number;
  /** Goes up with every change. */
  readonly version: number;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const COLUMNS =
  'id, name, url, events, enabled, disabled_reason, failing_since, version, created_by, created_at, updated_at';

interface WebhookRow {
  id: number;
  name: string | null;
  url: string | null;
  events: unknown;
  enabled: number;
  disabled_reason: string | null;
  failing_since: number | null;
  version: number;
  created_by: string;
  created_at: number;
  updated_at: number;
}

function webhookOf(row: WebhookRow): Webhook {
  return {
    id: row.id,
    ...(row.name === null ? {} : { name: row.name }),
    url: row.url ?? '',
    events: parseJson<string[]>(row.events, []),
    enabled: row.enabled === 1,
    ...(row.disabled_reason === null ? {} : { disabledReason: row.disabled_reason }),
    ...(row.failing_since === null ? {} : { failingSince: row.failing_since }),
    version: row.version,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** All webhooks of a tenant, by id. */
export async function listWebhooks(scope: Scope): Promise<Webhook[]> {
  const rows = await scope.all<WebhookRow>(
    `SELECT ${COLUMNS} FROM marketing_subscriptions WHERE tenant_id = :tenant AND kind = 'webhook' ORDER BY id`,
  );
  return rows.map(webhookOf);
}

/** One webhook; `lock`: nobody else changes it until the transaction ends. @throws NotFoundError `E_UNKNOWN_WEBHOOK` */
export async function readWebhook(scope: Scope, id: number, lock = false): Promise<Webhook> {
  const row = await scope.get<WebhookRow>(
    `SELECT ${COLUMNS} FROM marketing_subscriptions WHERE tenant_id = :tenant AND kind = 'webhook' AND id = :id
     ${lock ? scope.dialect.forUpdate : ''}`,
    { id },
  );
  if (!row) throw new NotFoundError('E_UNKNOWN_WEBHOOK', `There is no webhook ${id}.`);
  return webhookOf(row);
}

/** An endpoint that may be posted to, with what signing takes. Stays inside this folder. */
export interface Endpoint {
  readonly id: number;
  readonly url: string;
  /** As stored; see `secrets.ts`. */
  readonly secrets: unknown;
  readonly failingSince: number | undefined;
}

/** The endpoints of all enabled webhooks. */
export async function readEndpoints(scope: Scope): Promise<Endpoint[]> {
  const rows = await scope.all<{ id: number; url: string; secrets: unknown; failing_since: number | null }>(
    `SELECT id, url, secrets, failing_since FROM marketing_subscriptions
      WHERE tenant_id = :tenant AND kind = 'webhook' AND enabled = 1 ORDER BY id`,
  );
  return rows.map(({ failing_since, ...row }) => ({ ...row, failingSince: failing_since ?? undefined }));
}

/** Removes a subscription with everything on its way to it. False when there is none. */
export async function removeSubscription(tx: Scope, id: number): Promise<boolean> {
  await tx.run('DELETE FROM marketing_outbox WHERE tenant_id = :tenant AND subscription_id = :id', { id });
  return (await tx.run('DELETE FROM marketing_subscriptions WHERE tenant_id = :tenant AND id = :id', { id })) > 0;
}
