import type { Audience } from '../campaigns';
import { messageOf } from '../errors';
import { parseJson, type Scope, type SqlValues } from '../store';
import { checkTriggerConfig, plainConfig } from './config';
import type { CampaignAudience, Entrance, Listens, TriggerConfig } from './types';

interface EntranceRow {
  event: string | null;
  entry_on: string | null;
  campaign: number;
  run: number;
  segment_key: string | null;
  audience: unknown;
  started_at: number | null;
  station: number;
  definition: string;
  step: string;
  config: unknown;
}

const COLUMNS = `t.entry_event AS event, t.entry_on, c.id AS campaign, c.run, c.segment_key, c.audience, c.started_at,
  t.id AS station, t.definition_key AS definition, t.step, t.config`;

/** Campaigns whose triggers let people in: paused ones hold whoever comes until they go on. */
const OPEN = `JOIN marketing_campaigns c ON c.definition_key = t.definition_key AND c.tenant_id = :tenant
  AND c.state IN ('active', 'paused') AND c.deleted_at IS NULL`;

/** Where events of these types lead. One indexed statement for the group. */
export async function entrancesByEvent(tx: Scope, types: readonly string[]): Promise<Map<string, Entrance[]>> {
  const rows = await tx.all<EntranceRow>(
    `SELECT ${COLUMNS} FROM ${tx.dialect.rows('types', { wanted: 'text' }, 'r')}
     ${tx.dialect.join} marketing_stations t ON t.entry_event = r.wanted AND t.tenant_id = :tenant AND t.state = 'active'
     ${OPEN} ORDER BY c.id`,
    { types: JSON.stringify(types.map((type) => [type])) },
  );
  const entrances = new Map<string, Entrance[]>();
  for (const row of rows) {
    const event = row.event ?? '';
    entrances.set(event, [...(entrances.get(event) ?? []), entranceOf(row)]);
  }
  return entrances;
}

/** Triggers that listen to something else: all of a kind, or those that listen to one thing. One indexed statement. */
export async function entrancesOn(tx: Scope, on: string, what?: string): Promise<Entrance[]> {
  const which = what === undefined ? '' : 'AND t.entry_what = :what';
  return found(tx, `t.entry_on = :on ${which}`, { on, ...(what === undefined ? {} : { what }) });
}

/** The entrances of one trigger, or of all triggers of a definition. */
export async function entrancesOf(tx: Scope, where: { station: number } | { definition: string }): Promise<Entrance[]> {
  return 'station' in where
    ? found(tx, 't.id = :station', where)
    : found(tx, `t.definition_key = :definition AND t.kind = 'trigger'`, where);
}

async function found(tx: Scope, where: string, values: SqlValues): Promise<Entrance[]> {
  const rows = await tx.all<EntranceRow>(
    `SELECT ${COLUMNS} FROM marketing_stations t ${OPEN}
     WHERE t.tenant_id = :tenant AND ${where} AND t.state = 'active' ORDER BY c.id`,
    values,
  );
  return rows.map(entranceOf);
}

/** A trigger as its station's row says it is, whatever became of its campaigns. */
export interface TriggerRow {
  readonly station: number;
  readonly definition: string;
  readonly step: string;
  readonly config: TriggerConfig;
  readonly broken?: string;
}

/** The deployed triggers: of one definition, or those that listen to something of a kind. */
export async function triggersWhere(
  scope: Scope,
  where: { definition: string } | { on: string },
): Promise<TriggerRow[]> {
  const condition =
    'definition' in where ? `t.definition_key = :definition AND t.kind = 'trigger'` : 't.entry_on = :on';
  const rows = await scope.all<Omit<EntranceRow, 'campaign' | 'run' | 'segment_key' | 'audience' | 'started_at'>>(
    `SELECT t.entry_event AS event, t.entry_on, t.id AS station, t.definition_key AS definition, t.step, t.config
     FROM marketing_stations t WHERE t.tenant_id = :tenant AND ${condition} AND t.state = 'active' ORDER BY t.id`,
    { ...where },
  );
  return rows.map(({ station, definition, step, ...row }) => ({ station, definition, step, ...configOf(row) }));
}

function entranceOf(row: EntranceRow): Entrance {
  const { campaign, run, station, definition, step } = row;
  const audience = audienceOf(row);
  const startedAt = Number(row.started_at ?? 0);
  return { campaign, run, startedAt, station, definition, step, audience, ...configOf(row) };
}

/** What was read of a configuration, by its text: the same few are read for every group of people. */
const known = new Map<string, { config: TriggerConfig; broken?: string }>();
const MOST_KNOWN = 1_000;

function configOf({ event, config }: Pick<EntranceRow, 'event' | 'config'>): {
  config: TriggerConfig;
  broken?: string;
} {
  // Of a former release, or of a deploy by code, which says the event only.
  const plain: Listens = event === null ? { on: 'launch' } : { on: 'event', event };
  if (config === null || config === undefined) return { config: plainConfig(plain) };
  const text = `${event ?? ''}\n${typeof config === 'string' ? config : JSON.stringify(config)}`;
  const read = known.get(text);
  if (read) return read;
  if (known.size >= MOST_KNOWN) known.clear();
  // Others keep what they need of the node beside it.
  const { trigger } = parseJson<{ trigger?: unknown }>(config, {});
  const result = trigger === undefined ? { config: plainConfig(plain) } : readConfig(trigger, plain);
  known.set(text, result);
  return result;
}

/** A row that a newer release, or a hand, has written may say what we do not understand: nobody is let in by it then. */
function readConfig(written: unknown, plain: Listens): { config: TriggerConfig; broken?: string } {
  try {
    return { config: checkTriggerConfig(written) };
  } catch (error) {
    return { config: plainConfig(plain), broken: messageOf(error) };
  }
}

function audienceOf({ segment_key, audience: written }: EntranceRow): CampaignAudience | undefined {
  const audience = parseJson<Audience>(written, {});
  if (segment_key === null && Object.keys(audience).length === 0) return undefined;
  return { ...(segment_key === null ? {} : { segment: segment_key }), audience };
}
