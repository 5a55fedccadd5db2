import { createHash } from 'node:crypto';
import type { Campaign } from '../../campaigns';
import { parseJson, type Scope } from '../../store';

/** What an approval is about, as hashes: of each part, to say what has changed, and of all of them. */
export interface Fingerprint {
  readonly hash: string;
  readonly parts: Readonly<Record<Part, string>>;
}

/** A part of what is approved. */
export type Part = 'audience' | 'content' | 'budget' | 'variants';

/** Segments that are made of segments, at most so deep. */
const DEEPEST = 12;

/**
 * What would be approved now: the audience with the rules of its segments (not who is in a static list), the content with the versions of its
 * templates and the send nodes of its flow, the data that both may read, the budget, and the contents of variants.
 */
export async function fingerprintOf(tx: Scope, campaign: Campaign): Promise<Fingerprint> {
  const { segment = null, audience = null, content = null, budget = null, currency = null } = campaign;
  const { definition, data, channels } = campaign;
  const named = [...(segment === null ? [] : [segment]), ...(audience?.include ?? []), ...(audience?.exclude ?? [])];
  const variants = await variantsOf(tx, campaign.id);
  const sends = await sendsOf(tx, definition);
  const parts = {
    audience: hashOf({ segment, audience, rules: await rulesOf(tx, named) }),
    content: hashOf({
      ...{ definition, data, content, channels },
      sends: sends.map(({ step, hash }) => [step, hash]),
      templates: await templatesOf(tx, [...templatesIn(content), ...sends.flatMap(({ template }) => template)]),
    }),
    budget: hashOf({ budget, currency }),
    variants: hashOf({ variants, templates: await templatesOf(tx, templatesIn(variants)) }),
  };
  return { hash: hashOf(parts), parts };
}

/** The parts in which two fingerprints differ. */
export function changedParts(before: Partial<Fingerprint['parts']>, after: Fingerprint['parts']): Part[] {
  return (Object.keys(after) as Part[]).filter((part) => before[part] !== after[part]);
}

/** Keys and rules of segments, and of those that they are made of. */
async function rulesOf(tx: Scope, keys: readonly string[]): Promise<unknown[]> {
  const rules = new Map<string, unknown>();
  let wanted = [...new Set(keys)];
  for (let depth = 0; wanted.length > 0 && depth < DEEPEST; depth++) {
    const rows = await tx.all<{ segment_key: string; definition: string; reads: unknown }>(
      `SELECT s.segment_key, s.definition, s.reads FROM marketing_segments s
       WHERE s.tenant_id = :tenant AND s.segment_key IN (SELECT r.wanted FROM ${tx.dialect.rows('rows', { wanted: 'text' }, 'r')})`,
      { rows: JSON.stringify(wanted.map((key) => [key])) },
    );
    for (const row of rows) rules.set(row.segment_key, row.definition);
    wanted = rows
      .flatMap(({ reads }) => parseJson<string[]>(reads, []))
      .flatMap((read) => (read.startsWith('segment:') ? [read.slice('segment:'.length)] : []))
      .filter((key) => !rules.has(key));
  }
  return [...rules].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What the send nodes of the flow say, as hashes, and the templates that they name. */
async function sendsOf(
  tx: Scope,
  definition: string,
): Promise<{ step: string; hash: string; template: readonly string[] }[]> {
  const rows = await tx.all<{ step: string; hash: string; config: unknown }>(
    `SELECT step, hash, config FROM marketing_stations
     WHERE tenant_id = :tenant AND definition_key = :definition AND kind = 'send' AND state = 'active' ORDER BY step`,
    { definition },
  );
  return rows.map(({ step, hash, config }) => ({
    ...{ step, hash },
    template: templatesIn(parseJson<{ send?: unknown }>(config, {}).send),
  }));
}

async function templatesOf(tx: Scope, keys: readonly string[]): Promise<unknown[]> {
  if (keys.length === 0) return [];
  const rows = await tx.all<{ template_key: string; content_version: number }>(
    `SELECT t.template_key, t.content_version FROM marketing_templates t
     WHERE t.tenant_id = :tenant AND t.template_key IN (SELECT r.wanted FROM ${tx.dialect.rows('rows', { wanted: 'text' }, 'r')})
     ORDER BY t.template_key`,
    { rows: JSON.stringify(keys.map((key) => [key])) },
  );
  return rows.map((row) => [row.template_key, row.content_version]);
}

/** Contents of their own that variants of the campaign's experiments have. How traffic is shared out moves by itself and is not approved. */
async function variantsOf(tx: Scope, campaign: number): Promise<unknown[]> {
  const rows = await tx.all<{ experiment_key: string; variant_key: string; content: unknown }>(
    `SELECT x.experiment_key, v.variant_key, v.content FROM marketing_experiments x
     JOIN marketing_variants v ON v.tenant_id = :tenant AND v.experiment_id = x.id
     WHERE x.tenant_id = :tenant AND x.campaign_id = :campaign AND v.content IS NOT NULL
     ORDER BY x.experiment_key, v.variant_key`,
    { campaign },
  );
  return rows.map((row) => [row.experiment_key, row.variant_key, parseJson<unknown>(row.content, null)]);
}

/** The templates that a content names, however deep. */
function templatesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'template' in value && typeof value.template === 'string' ? [value.template] : [];
  return [...own, ...Object.values(value).flatMap(templatesIn)];
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

/** JSON with sorted keys: a database may give them back in another order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}
