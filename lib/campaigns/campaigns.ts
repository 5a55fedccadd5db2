import { authorise, nameOf, type Actor } from '../access';
import { ConflictError } from '../errors';
import { lockCampaigns } from '../ledger';
import type { Scope } from '../store';
import { CampaignActions, type Along } from './actions';
import { Assignments } from './assignments';
import { writeCursor } from './cursor';
import type { CampaignDeps } from './deps';
import { CampaignEditor } from './editor';
import { holdCampaigns, releaseCampaigns } from './holds';
import { Hooks, type ActionGuard, type ActionHook } from './hooks';
import { Lifecycle } from './lifecycle';
import { readLimits, writeLimits } from './limits';
import { compileQuery, narrowOf, placeOf } from './query';
import { Removal } from './removal';
import { CAMPAIGN_COLUMNS, campaignOf, readCampaign, type CampaignRow } from './rows';
import type {
  ActionOptions,
  ActOptions,
  Assignee,
  Assignment,
  Campaign,
  CampaignFields,
  CampaignLimits,
  CampaignQuery,
  CampaignState,
  NewCampaign,
  Page,
  Schedule,
} from './types';

/**
 * Campaigns as data: created, changed, launched, paused, resumed, completed, cancelled, deleted. Every change is one transaction
 * with its entry in the history and its announcement. Everybody is held to their roles, whichever door they came through
 * (`E_FORBIDDEN`); a `version` in the options makes a lost race an error (`E_CONFLICT`).
 */
export class Campaigns {
  private readonly scope: Scope;
  private readonly hooks = new Hooks();
  private readonly editor: CampaignEditor;
  private readonly actions: CampaignActions;
  private readonly removal: Removal;
  private readonly assigned: Assignments;

  constructor(private readonly deps: CampaignDeps) {
    this.scope = deps.scope;
    this.editor = new CampaignEditor(deps);
    this.actions = new CampaignActions(deps, this.hooks);
    this.removal = new Removal(deps.scope);
    this.assigned = new Assignments(deps);
  }

  /**
   * Creates a draft.
   * @throws InputError `E_CAMPAIGN_FIELDS` with paths, `E_CAMPAIGN_KEY`, what `validateData` throws; ConflictError
   *   `E_CAMPAIGN_EXISTS`; NotFoundError `E_UNKNOWN_DEFINITION`, `E_UNKNOWN_SEGMENT`
   */
  create(input: NewCampaign, options?: ActionOptions): Promise<Campaign> {
    return this.editor.create(input, options);
  }

  /** The campaign that a definition's button launches: the one with the definition's own key, created when missing. */
  ensure(definition: string, options?: ActionOptions): Promise<Campaign> {
    return this.editor.ensure(definition, options);
  }

  /** One campaign, by id (a number) or key; deleted ones too, with `deletedAt`. @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
  async get(idOrKey: number | string, { actor }: ActionOptions = {}): Promise<Campaign> {
    authorise(actor, 'campaign:read');
    return readCampaign(this.scope, idOrKey);
  }

  /**
   * A page of campaigns. By default the newest 20, without deleted ones.
   * @throws InputError `E_QUERY` with paths, `E_CURSOR`
   */
  async list(query: CampaignQuery = {}, { actor }: ActionOptions = {}): Promise<Page<Campaign>> {
    authorise(actor, 'campaign:read');
    // Looked at before anything of it reaches the database.
    compileQuery(query);
    const { where, order, values, sort, limit, page } = compileQuery(query, await narrowOf(this.scope, query));
    // One more than asked for tells whether there is a next page.
    const rows = await this.scope.all<CampaignRow>(
      `SELECT ${CAMPAIGN_COLUMNS} FROM marketing_campaigns c WHERE ${where} ORDER BY ${order} LIMIT :most OFFSET :skipped`,
      { ...values, most: limit + 1, skipped: page === undefined ? 0 : (page - 1) * limit },
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const next = last && rows.length > limit ? { cursor: writeCursor(sort, placeOf(sort, last)) } : {};
    const items = shown.map(campaignOf);
    if (page === undefined) return { items, ...next };
    const counted = await this.scope.get<{ total: number }>(
      `SELECT COUNT(*) AS total FROM marketing_campaigns c WHERE ${where}`,
      values,
    );
    return { items, ...next, total: Number(counted?.total ?? 0) };
  }

  /** Every campaign of a kind, in the order of their ids: for programs; people page through {@link list}. */
  async all(filter: { state?: CampaignState; definition?: string } = {}): Promise<Campaign[]> {
    const rows = await this.scope.all<CampaignRow>(
      `SELECT ${CAMPAIGN_COLUMNS} FROM marketing_campaigns WHERE tenant_id = :tenant AND deleted_at IS NULL
       ${filter.state ? 'AND state = :state' : ''} ${filter.definition ? 'AND definition_key = :definition' : ''} ORDER BY id`,
      {
        ...(filter.state ? { state: filter.state } : {}),
        ...(filter.definition ? { definition: filter.definition } : {}),
      },
    );
    return rows.map(campaignOf);
  }

  /**
   * Changes fields: what is absent stays, `null` removes, `data` and `content` are replaced as a whole. Not while the campaign is
   * active or cancelled. Paused, whoever has entered stays; a changed audience decides about those who have not.
   * @throws as {@link create}; ConflictError `E_CAMPAIGN_STATE`, `E_CAMPAIGN_DELETED`, `E_CONFLICT`; ForbiddenError
   *   `E_APPROVAL_NEEDED`, where the changed audience of a paused campaign is a large one
   */
  update(
    key: number | string,
    fields: CampaignFields,
    options?: ActionOptions,
    along?: Pick<Along, 'before' | 'after'>,
  ): Promise<Campaign> {
    return this.editor.update(key, fields, options, along);
  }

  /**
   * Copies a campaign, whatever its state, into a new draft: "Copy of …" unless another name is given. Everything that people
   * edit is copied, its schedule is not. Nothing binds the two; the copy's history tells where it came from.
   * @throws as {@link create}; ConflictError `E_CAMPAIGN_DELETED`
   */
  clone(key: number | string, as?: { name?: string; key?: string }, options?: ActionOptions): Promise<Campaign> {
    return this.editor.clone(key, as, options);
  }

  /**
   * Deletes a campaign: it is no longer listed or launched, and can be restored for 30 days.
   * @throws ConflictError `E_CAMPAIGN_STATE` while it is active: pause it first
   */
  remove(key: number | string, options?: ActionOptions): Promise<Campaign> {
    return this.removal.remove(key, options);
  }

  /** Takes a deletion back. @throws NotFoundError `E_UNKNOWN_CAMPAIGN`, also for one that is deleted for good */
  restore(key: number | string, options?: ActionOptions): Promise<Campaign> {
    return this.removal.restore(key, options);
  }

  /**
   * Deletes for good what was deleted before a moment (ms since 1970), with everything that belongs to it; the history stays. In
   * chunks: after a crash, the next call goes on.
   * @returns how many campaigns are gone
   */
  purgeDeleted(before: number, options?: ActionOptions): Promise<number> {
    return this.removal.purge(before, options);
  }

  /**
   * Does an action: one of the engine's (`launch`, `pause`, `close`, `optimize` …) or one that the definition declares. In one
   * transaction: version, guards, conditions, before-hooks, the change, `along`, history, announcement, after-hooks. Whatever
   * fails takes all of it back.
   * @throws ConflictError `E_CAMPAIGN_STATE`, `E_GUARD`, `E_CAMPAIGN_AWAITS`, `E_CAMPAIGN_DELETED`, `E_CONFLICT`,
   *   `E_DEFINITION_NOT_DEPLOYED`, `E_LIMIT_ACTIVE_CAMPAIGNS`; ForbiddenError `E_APPROVAL_NEEDED`; NotFoundError
   *   `E_UNKNOWN_ACTION`, `E_UNKNOWN_CAMPAIGN`, `E_UNKNOWN_DEFINITION`
   */
  act(key: number | string, action: string, options?: ActOptions, along?: Along): Promise<Campaign> {
    return this.actions.act(key, action, options, along);
  }

  /** Whether an action is possible now, and why not: by state, roles, guards, conditions, limits. Changes nothing. */
  can(key: number | string, action: string, options?: ActOptions): Promise<{ allowed: boolean; reason?: string }> {
    return this.actions.can(key, action, options);
  }

  /** What the lifecycle allows at the campaign's stage; guards and conditions are not asked. */
  async actionsOf(key: number | string, options?: ActionOptions): Promise<string[]> {
    const campaign = await this.get(key, options);
    const lifecycle = Lifecycle.of((await this.deps.definition(campaign.definition)) ?? {});
    return lifecycle.actions(lifecycle.locate(campaign.stage, campaign.state));
  }

  /**
   * Pauses a campaign until an action is done to it. Only that action has it go on; completing and cancelling end the waiting.
   * @throws InputError `E_AWAIT_ACTION`; as {@link act}
   */
  awaitAction(key: number | string, action: string, options?: ActionOptions): Promise<Campaign> {
    return this.actions.awaitAction(key, action, options);
  }

  /** Asks `guard` before an action of that name or effect (`*`: before every one); the returned function ends it. */
  guard(action: string, guard: ActionGuard): () => void {
    return this.hooks.guard(action, guard);
  }

  /** Calls `hook` within the transaction of an action of that name or effect (`*`: of every one); the returned function ends it. */
  on(when: 'before' | 'after', action: string, hook: ActionHook): () => void {
    return this.hooks.on(when, action, hook);
  }

  /** Starts a run: the audience is written by the ledger in the background. Event campaigns start to listen. */
  launch(key: number | string, options?: ActOptions): Promise<Campaign> {
    return this.act(key, 'launch', options);
  }

  /** Everybody stays where they are; nothing new is begun. What is being sent at this moment is finished. */
  pause(key: number | string, options?: ActOptions): Promise<Campaign> {
    return this.act(key, 'pause', options);
  }

  /** Goes on where it stood: nobody is skipped, nobody repeated. */
  resume(key: number | string, options?: ActOptions): Promise<Campaign> {
    return this.act(key, 'resume', options);
  }

  /** Ends the campaign; whoever is still under way ends with it. */
  complete(key: number | string, options?: ActOptions): Promise<Campaign> {
    return this.act(key, 'complete', options);
  }

  /** Stops the campaign for good; nobody gets anything any more. */
  cancel(key: number | string, options?: ActOptions): Promise<Campaign> {
    return this.act(key, 'cancel', options);
  }

  /** Writes when a campaign starts next, in the caller's transaction; `null` empties. What is absent stays. */
  async setSchedule(
    tx: Scope,
    id: number,
    { schedule, nextRunAt }: { schedule?: Schedule | null; nextRunAt?: number | null },
  ): Promise<void> {
    const set = [
      ...(schedule === undefined ? [] : ['schedule = :schedule']),
      ...(nextRunAt === undefined ? [] : ['next_run_at = :nextRunAt']),
    ];
    if (set.length === 0) return;
    await tx.run(
      `UPDATE marketing_campaigns SET ${set.join(', ')}, version = version + 1, updated_at = :now
       WHERE tenant_id = :tenant AND id = :id`,
      {
        id,
        now: tx.clock.now(),
        ...(schedule === undefined ? {} : { schedule: schedule === null ? null : JSON.stringify(schedule) }),
        ...(nextRunAt === undefined ? {} : { nextRunAt }),
      },
    );
  }

  /** See {@link Assignments}. */
  assign(key: number | string, to: Assignee, options?: ActionOptions): Promise<Assignment[]> {
    return this.assigned.assign(key, to, options);
  }
  unassign(key: number | string, from: Assignee, options?: ActionOptions): Promise<Assignment[]> {
    return this.assigned.unassign(key, from, options);
  }
  assignments(key: number | string, options?: ActionOptions): Promise<Assignment[]> {
    return this.assigned.list(key, options);
  }

  /** What the tenant's campaigns are limited to. */
  async limits({ actor }: { actor?: Actor } = {}): Promise<CampaignLimits> {
    authorise(actor, 'campaign:read');
    return readLimits(this.scope);
  }
  /** @throws InputError `E_LIMITS` */
  async setLimits(limits: CampaignLimits, { actor }: { actor?: Actor } = {}): Promise<CampaignLimits> {
    authorise(actor, 'settings:manage');
    return writeLimits(this.scope, limits, nameOf(actor));
  }

  /**
   * Ends the run of a launched campaign in which nobody is under way any more: it is completed, or scheduled when it has a next
   * run. Does nothing when it changed meanwhile (it may be in its next run by now), or when its trigger has come to listen to an
   * event: then others may always come.
   */
  async finish(id: number): Promise<void> {
    const { definition } = await readCampaign(this.scope, id);
    if ((await this.deps.definition(definition))?.entryMode === 'event') return;
    try {
      await this.act(
        id,
        'complete',
        { actor: 'system', reason: 'everybody is through' },
        { first: (tx) => mustBeThrough(tx, id), rests: true },
      );
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }

  /** Says why active campaigns stand still (or, with undefined, that they go on). Written to the history. */
  async hold(ids: readonly number[], reason: string | undefined): Promise<void> {
    await (reason === undefined ? releaseCampaigns(this.scope, { ids }) : holdCampaigns(this.scope, ids, reason));
  }
}

/** @throws ConflictError `E_CAMPAIGN_BUSY`, when a campaign's audience is not wholly in, or somebody is under way */
async function mustBeThrough(tx: Scope, id: number): Promise<void> {
  // Locked before anything is read: nobody launches it, or writes a page of its audience, until we are done.
  await lockCampaigns(tx, [id], 'update');
  const through = await tx.get(
    `SELECT c.id FROM marketing_campaigns c
     WHERE c.tenant_id = :tenant AND c.id = :id AND c.state = 'active'
       AND c.expanding_from IS NULL AND c.expand_station_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM marketing_enrollments e
                       WHERE e.tenant_id = :tenant AND e.campaign_id = c.id AND e.state = 'active')`,
    { id },
  );
  if (!through)
    throw new ConflictError('E_CAMPAIGN_BUSY', 'Somebody is still under way. Wait, or complete the campaign.');
}
