import { authorise, nameOf } from '../access';
import { ConflictError, InputError } from '../errors';
import { record } from '../history';
import type { Scope, SqlValue } from '../store';
import type { Along } from './actions';
import { segmentsOf } from './audience-fields';
import { assignments, columnsOf, differences, remembered, writeChannels } from './columns';
import { writeConversionEvents } from './conversion-fields';
import type { CampaignDefinition, CampaignDeps } from './deps';
import { checkFields, checkTogether } from './fields';
import { checkKey, keyFor, underKey } from './keys';
import { Lifecycle } from './lifecycle';
import { mustBeApproved } from './limits';
import { changedMeanwhile, definitionOf, mustBeVersion, mustNotBeDeleted } from './refusals';
import { campaignOf, findCampaign, readCampaign, type CampaignRow } from './rows';
import { announceCampaign, standing } from './telling';
import type { LifecycleSource } from './stages';
import type { ActionOptions, Audience, Campaign, CampaignFields, CampaignState, NewCampaign } from './types';

/** Columns that a clone takes over. Not its life, and not its schedule: a copy starts nothing by itself. */
const CLONED = `definition_key, segment_key, own_segment, on_unknown, own_policy, data, type, description, objective, kpi, owner, team,
  subject_type, subject_id, budget, currency, starts_on, ends_on, channels, content, audience, conversion, send_rules,
  message_category`;

/** Makes and changes campaigns as data. */
export class CampaignEditor {
  private readonly scope: Scope;
  constructor(private readonly deps: CampaignDeps) {
    this.scope = deps.scope;
  }

  /** See `Campaigns.create`. */
  async create(input: NewCampaign, { actor }: ActionOptions = {}): Promise<Campaign> {
    authorise(actor, 'campaign:write');
    checkFields(input, { creating: true });
    checkTogether(input);
    if (input.key !== undefined) checkKey(input.key);
    const key = input.key ?? keyFor(nameGiven(input));
    const definitionKey = input.definition ?? 'generic';
    const definition = await definitionOf(this.deps, definitionKey);
    const fields = await this.complete(definitionKey, { ...input, data: input.data ?? {} });
    const { type = definition.entryMode === 'event' ? 'triggered' : 'scheduled' } = fields;
    const owner = fields.owner ?? (typeof actor === 'object' ? actor.id : undefined);
    const columns: Record<string, SqlValue> = {
      ...columnsOf({
        ...fields,
        type,
        name: input.name ?? (key === definitionKey ? definition.name : key),
        ...(owner === undefined ? {} : { owner }),
      }),
      ...audienceColumns(fields, definition),
      definition_key: definitionKey,
      ...beginning(definition),
      on_unknown: fields.onUnknown ?? definition.onUnknown,
      own_policy: fields.onUnknown === undefined ? 0 : 1,
    };
    return underKey(this.scope, { key, made: input.key === undefined }, (tx, free) =>
      this.insert(tx, free, columns, nameOf(actor)),
    );
  }

  /** See `Campaigns.ensure`. */
  async ensure(definition: string, options: ActionOptions = {}): Promise<Campaign> {
    authorise(options.actor, 'campaign:write');
    const known = await findCampaign(this.scope, definition);
    if (known && known.definition_key === definition) return this.followDefinition(known, options);
    return this.create({ key: definition, definition }, options);
  }

  /** See `Campaigns.update`. */
  async update(
    key: number | string,
    given: CampaignFields,
    options: ActionOptions = {},
    along: Pick<Along, 'before' | 'after'> = {},
  ): Promise<Campaign> {
    authorise(options.actor, 'campaign:write');
    checkFields(given, { creating: false });
    const seen = await readCampaign(this.scope, key);
    mustBeEditable(seen, given);
    mustBeVersion(seen, options.version);
    const fields = await this.complete(seen.definition, given);
    const definition = await this.deps.definition(seen.definition);
    const actor = nameOf(options.actor);
    const { version } = await this.approved(seen, fields, definition, options);
    return this.scope.transaction(async (tx) => {
      const row = await findCampaign(tx, seen.id);
      if (!row) throw changedMeanwhile(seen.key);
      const before = campaignOf(row);
      mustBeEditable(before, given);
      mustBeVersion(before, version);
      checkTogether({ ...before, ...fields });
      await along.before?.(tx, before);
      const columns: Record<string, SqlValue> = {
        ...columnsOf(fields),
        ...(fields.onUnknown === undefined ? {} : { on_unknown: fields.onUnknown, own_policy: 1 }),
        ...(fields.segment === undefined && fields.audience === undefined
          ? {}
          : audienceColumns(fields, definition, row)),
      };
      const changed = differences(before, campaignOf(withColumns(row, columns)));
      if (changed.length === 0) {
        await along.after?.(tx, before);
        return before;
      }
      const done = await tx.run(
        `UPDATE marketing_campaigns SET ${assignments(columns)}, version = version + 1, updated_at = :now
         WHERE tenant_id = :tenant AND id = :id AND version = :seen AND deleted_at IS NULL`,
        { ...columns, id: before.id, seen: before.version, now: tx.clock.now() },
      );
      if (done === 0) throw changedMeanwhile(before.key);
      const after = await readCampaign(tx, before.id);
      if (changed.includes('channels')) await writeChannels(tx, before.id, after);
      if (changed.includes('conversion')) await writeConversionEvents(tx, before.id, after.conversion);
      if (changed.includes('sendRules')) this.deps.sendRulesChanged?.(tx, before.id);
      await record(tx, {
        event: 'campaign.changed',
        campaign: before.id,
        actor,
        before: remembered(before, changed),
        after: remembered(after, changed),
        ...(options.reason === undefined ? {} : { payload: { reason: options.reason } }),
      });
      await announceCampaign(tx, 'marketing.campaign.updated', after, actor, { changed });
      await this.deps.edited?.(tx, after, actor);
      await along.after?.(tx, after);
      return after;
    });
  }

  /** See `Campaigns.clone`. */
  async clone(
    key: number | string,
    as: { name?: string; key?: string } = {},
    { actor }: ActionOptions = {},
  ): Promise<Campaign> {
    authorise(actor, 'campaign:write');
    const origin = await readCampaign(this.scope, key);
    mustNotBeDeleted(origin);
    const name = as.name ?? [...`Copy of ${origin.name}`].slice(0, 255).join('');
    checkFields({ name }, { creating: false });
    if (as.key !== undefined) checkKey(as.key);
    const definition = await this.deps.definition(origin.definition);
    const columns = { ...columnsOf({ name }), ...beginning(definition ?? {}) };
    return underKey(this.scope, { key: as.key ?? keyFor(name), made: as.key === undefined }, (tx, free) =>
      this.insert(tx, free, columns, nameOf(actor), origin),
    );
  }

  /** Checks what takes looking elsewhere: segments, a condition, data against the definition. */
  private async complete<F extends CampaignFields>(definition: string, fields: F): Promise<F> {
    const named = { ...(fields.segment ? { segment: fields.segment } : {}) };
    const audience = fields.audience ?? undefined;
    for (const segment of segmentsOf({ ...named, ...(audience ? { audience } : {}) })) {
      await this.deps.checkSegment(segment);
    }
    if (audience?.condition !== undefined) await this.deps.checkCondition?.(audience.condition);
    if (fields.data === undefined) return fields;
    const data = await this.deps.validateData?.(definition, fields.data);
    return data === undefined ? fields : { ...fields, data: { ...data } };
  }

  /**
   * A paused campaign may have its audience still to be entered: whoever changes that must be allowed to launch the other one. What
   * was looked at must still be so when it is written.
   */
  private async approved(
    seen: Campaign,
    fields: CampaignFields,
    definition: CampaignDefinition | undefined,
    options: ActionOptions,
  ): Promise<ActionOptions> {
    const { segment, audience, data } = fields;
    if (seen.state !== 'paused' || definition?.entryMode !== 'launch') return options;
    if (segment === undefined && audience === undefined && data === undefined) return options;
    const row = await findCampaign(this.scope, seen.id);
    if (row?.version !== seen.version) throw changedMeanwhile(seen.key);
    const columns = { ...columnsOf(fields), ...audienceColumns(fields, definition, row) };
    await mustBeApproved(this.deps, campaignOf(withColumns(row, columns)), options);
    return { ...options, version: seen.version };
  }

  private async insert(
    tx: Scope,
    key: string,
    columns: Readonly<Record<string, SqlValue>>,
    actor: string,
    origin?: Campaign,
  ): Promise<Campaign> {
    const now = tx.clock.now();
    const own: Record<string, SqlValue> = {
      ...columns,
      campaign_key: key,
      created_by: actor.slice(0, 128),
      created_at: now,
      updated_at: now,
    };
    const names = Object.keys(own).join(', ');
    const values = Object.keys(own).map((name) => `:${name}`);
    const id = await tx.insert(
      origin
        ? `INSERT INTO marketing_campaigns (tenant_id, ${names}, ${CLONED})
           SELECT tenant_id, ${values.map((value) => typed(tx, value)).join(', ')}, ${CLONED} FROM marketing_campaigns
           WHERE tenant_id = :tenant AND id = :origin`
        : `INSERT INTO marketing_campaigns (tenant_id, ${names}) VALUES (:tenant, ${values.join(', ')})`,
      { ...own, ...(origin ? { origin: origin.id } : {}) },
    );
    const campaign = await readCampaign(tx, id);
    await writeChannels(tx, id, campaign);
    if (campaign.conversion) await writeConversionEvents(tx, id, campaign.conversion);
    await record(tx, {
      event: 'campaign.created',
      campaign: id,
      actor,
      after: { key, ...standing(campaign.state, campaign.stage) },
      ...(origin ? { payload: { origin: origin.id, originKey: origin.key } } : {}),
    });
    await announceCampaign(tx, 'marketing.campaign.created', campaign, actor);
    return campaign;
  }

  /** What a campaign has taken from its trigger node follows what the node says now; what is its own stays. */
  private async followDefinition(row: CampaignRow, { actor }: ActionOptions): Promise<Campaign> {
    const campaign = campaignOf(row);
    mustNotBeDeleted(campaign);
    const definition = await this.deps.definition(campaign.definition);
    if (!definition || !FOLLOWING.includes(campaign.state)) return campaign;
    const before = { segment: campaign.segment ?? null, onUnknown: campaign.onUnknown };
    const after = {
      segment: audienceColumns({}, definition, row).segment_key,
      onUnknown: row.own_policy === 1 ? before.onUnknown : definition.onUnknown,
    };
    if (after.segment === before.segment && after.onUnknown === before.onUnknown) return campaign;
    return this.scope.transaction(async (tx) => {
      // Somebody who changed it meanwhile, or launched it, has decided on what was there.
      const changed = await tx.run(
        `UPDATE marketing_campaigns SET segment_key = :segment, on_unknown = :onUnknown, version = version + 1, updated_at = :now
         WHERE tenant_id = :tenant AND id = :id AND version = :version AND state IN ('draft', 'scheduled', 'queued', 'completed')`,
        { ...after, id: campaign.id, version: campaign.version, now: tx.clock.now() },
      );
      if (changed > 0) {
        await record(tx, {
          event: 'campaign.changed',
          campaign: campaign.id,
          actor: nameOf(actor),
          before,
          after,
        });
        await this.deps.edited?.(tx, await readCampaign(tx, campaign.id), nameOf(actor));
      }
      return readCampaign(tx, campaign.id);
    });
  }
}

/** Where a new campaign stands. */
function beginning(definition: LifecycleSource): { state: CampaignState; stage: string } {
  const lifecycle = Lifecycle.of(definition);
  return { state: lifecycle.stateOf(lifecycle.initial), stage: lifecycle.initial };
}

/** States in which nobody is under way. */
const FOLLOWING: readonly Campaign['state'][] = ['draft', 'scheduled', 'queued', 'completed'];

/**
 * Its send rules may be changed under way: slower, when somebody complains.
 * @throws ConflictError `E_CAMPAIGN_STATE`, `E_CAMPAIGN_DELETED`
 */
function mustBeEditable(campaign: Campaign, given: CampaignFields): void {
  mustNotBeDeleted(campaign);
  const { key, state } = campaign;
  if (state !== 'active' && state !== 'cancelled') return;
  if (state === 'active' && Object.keys(given).every((name) => name === 'sendRules')) return;
  const advice = state === 'active' ? 'Pause it first.' : 'Clone it, and change the copy.';
  throw new ConflictError('E_CAMPAIGN_STATE', `The campaign "${key}" is ${state} and cannot be changed. ${advice}`, {
    details: { campaign: key, state },
  });
}

/** The segment that a campaign goes by: its own, else what its trigger says unless its audience names others. */
function audienceColumns(
  { segment, audience }: Pick<CampaignFields, 'segment' | 'audience'>,
  definition: CampaignDefinition | undefined,
  row?: CampaignRow,
): { segment_key: string | null; own_segment: number } {
  const own = segment === undefined ? row?.own_segment === 1 : segment !== null;
  if (own) return { segment_key: segment ?? row?.segment_key ?? null, own_segment: 1 };
  const known = row ? campaignOf(row).audience : undefined;
  const wanted: Audience | null | undefined = audience === undefined ? known : audience;
  return { segment_key: wanted?.include ? null : (definition?.segment ?? null), own_segment: 0 };
}

function withColumns(row: CampaignRow, columns: Readonly<Record<string, SqlValue>>): CampaignRow {
  return { ...row, ...(columns as Partial<CampaignRow>) };
}

/** PostgreSQL takes values in a SELECT for text, unless told. */
function typed({ dialect }: Scope, value: string): string {
  return dialect.name === 'postgres' && /_at$/.test(value) ? `(${value})::bigint` : value;
}

/** @throws InputError `E_CAMPAIGN_FIELDS` */
function nameGiven({ name }: NewCampaign): string {
  if (name !== undefined) return name;
  throw new InputError('E_CAMPAIGN_FIELDS', 'A campaign needs a name, or a key.', {
    details: { problems: [{ path: '/name', message: 'must be given' }] },
  });
}
