import { randomBytes } from 'node:crypto';
import { createUnsubscribeSigner, type SealSecrets, type UnsubscribeSigner } from '../compliance';
import { MarketingError } from '../errors';
import type { Scope } from '../store';
import type { MarketingOptions, UnsubscribeLinks } from './types';

/** Where the public pages of a tenant are, and what signs the links to them: secrets that outlive configurations. */
export async function linkRoot(
  scope: Scope,
  options: MarketingOptions,
): Promise<{ base: string; secrets: SealSecrets }> {
  const kept = await keptSecret(scope);
  const former = await formerSecrets(scope, options.signingSecret);
  return {
    base: (options.baseUrl ?? 'http://127.0.0.1:1880/marketing').replace(/\/+$/, ''),
    secrets: {
      current: options.signingSecret ?? kept,
      previous: [...(options.formerSecrets ?? []), ...former, kept],
    },
  };
}

/** Links that unsubscribe. */
export function unsubscribeLinks(
  scope: Scope,
  { base, secrets }: { base: string; secrets: SealSecrets },
): UnsubscribeLinks {
  const signer: UnsubscribeSigner = createUnsubscribeSigner(secrets);
  return {
    url: (lead, campaign, channel, step) =>
      `${base}/u/${signer.sign({ tenant: scope.tenant, lead, campaign, channel, ...(step === undefined ? {} : { message: step }) })}`,
    verify: (token) => {
      const payload = signer.verify(token);
      return payload?.tenant === scope.tenant ? payload : undefined;
    },
  };
}

const SECRET = 'signing_secret';

/** The tenant's own secret, made once: links in mails must stay valid for years. */
async function keptSecret(scope: Scope): Promise<string> {
  const { dialect } = scope;
  await scope.run(
    `${dialect.insertIgnore} INTO marketing_settings (tenant_id, name, value, updated_at)
     VALUES (:tenant, :name, :value, :now) ${dialect.ignoreTail}`,
    { name: SECRET, value: randomBytes(32).toString('base64url'), now: scope.clock.now() },
  );
  const row = await scope.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name`,
    { name: SECRET },
  );
  if (!row) throw new MarketingError('E_SECRET', 'The signing secret could not be kept. Set one in the store node.');
  return row.value;
}

const FORMER_SECRETS = 'former_signing_secrets';
/** Secrets that are remembered; more than anybody sets in a lifetime. */
const MOST_FORMER = 50;

/** All secrets that were ever configured: what was signed with one of them lies in inboxes, and must go on working. */
async function formerSecrets(scope: Scope, configured: string | undefined): Promise<string[]> {
  return scope.transaction(async (tx) => {
    const row = await tx.get<{ value: string }>(
      `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name ${tx.dialect.forUpdate}`,
      { name: FORMER_SECRETS },
    );
    const known = row ? (JSON.parse(row.value) as string[]) : [];
    if (configured === undefined || known.includes(configured)) return known;
    const all = [...known, configured].slice(-MOST_FORMER);
    await tx.run(
      `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, :name, :value, :now)
       ${tx.dialect.upsertTail(['tenant_id', 'name'], ['value', 'updated_at'])}`,
      { name: FORMER_SECRETS, value: JSON.stringify(all), now: tx.clock.now() },
    );
    return all;
  });
}

/** What stands right of the @ in Message-IDs. */
export function domainOf(baseUrl: string | undefined): string {
  const host = baseUrl && URL.canParse(baseUrl) ? new URL(baseUrl).hostname : 'localhost';
  return /^[a-z0-9.-]+$/i.test(host) ? host : 'localhost';
}
