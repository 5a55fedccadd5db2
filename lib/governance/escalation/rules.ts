import { authorise, nameOf, type Actor } from '../../access';
import type { ActionOptions, Campaign } from '../../campaigns/types';
import type { Escalation } from '../../definitions/document';
import { ConflictError, MarketingError, messageOf, NotFoundError } from '../../errors';
import { record } from '../../history';
import { announce } from '../../outbox';
import { lockStanding, type Also, type Standing } from '../../schedules';
import type { Scope } from '../../store';
import type { Timers } from '../../timers';
import { escalate, type Raise, type Raised } from './escalate';
import { readLevels, writeLevels, type EscalationSettings } from './levels';
import { readEscalations, type EscalationEntry } from './rows';
import { delayOf, effectOf } from './words';

const KIND = 'campaign-escalation';
const PAGE = 500;
const ACTOR = 'system:escalation';

/** What escalations need of their surroundings. */
export interface EscalationDeps {
  timers: Timers;
  /** The rules of a definition; empty when it has none. */
  rules(definition: string): Promise<readonly Escalation[]>;
  /** Whether a rule's condition is true of the campaign now. */
  conditionHolds(definition: string, source: string | object, campaign: Campaign): Promise<boolean>;
  campaigns: {
    /** @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
    get(idOrKey: number | string): Promise<Campaign>;
    act(id: number, action: 'pause' | 'optimize', options: ActionOptions, along: { also: Also }): Promise<Campaign>;
    /** Doing it twice is doing it once. */
    assign(id: number, to: { kind: 'role'; assignee: string }, options: ActionOptions): Promise<unknown>;
  };
}

/** What a timer carries: the rule as it was at the launch. */
interface Ring {
  campaign: number;
  run: number;
  rule: number;
  what: Escalation;
}

/**
 * "After 24 hours, if …, do …": rules of definitions that act on campaigns under way, each once per run. Register before the timers
 * start, then call {@link recover}.
 */
export class Escalations {
  constructor(
    private readonly scope: Scope,
    private readonly deps: EscalationDeps,
  ) {
    deps.timers.on(KIND, ({ data }) => this.ring(data as Ring));
  }

  /** Call after each launch, and when a campaign goes on after a pause: sets a timer per rule. */
  async launched(campaign: Campaign): Promise<void> {
    await this.arm(campaign, await this.deps.rules(campaign.definition), new Set());
  }

  /** Call once the timers have started: sets those that a crash kept from being set. Rules that have had their moment stay silent. */
  async recover(): Promise<void> {
    const known = new Set((await this.deps.timers.list(KIND)).map(({ key }) => key));
    const rules = new Map<string, readonly Escalation[]>();
    for (let last = 0; ;) {
      const page = await this.scope.all<{ id: number; definition_key: string; run: number }>(
        `SELECT id, definition_key, run FROM marketing_campaigns
         WHERE tenant_id = :tenant AND deleted_at IS NULL AND state = 'active' AND id > :last ORDER BY id LIMIT ${PAGE}`,
        { last },
      );
      for (const { id, definition_key, run } of page) {
        const own = rules.get(definition_key) ?? (await this.deps.rules(definition_key));
        rules.set(definition_key, own);
        if (own.every((_what, rule) => known.has(keyOf({ campaign: id, run, rule })))) continue;
        const past = await this.scope.all<{ rule: number }>(
          `SELECT rule FROM marketing_escalations WHERE tenant_id = :tenant AND campaign_id = :id AND run = :run`,
          { id, run },
        );
        await this.arm(await this.deps.campaigns.get(id), own, new Set(past.map(({ rule }) => rule)));
      }
      const end = page.at(-1);
      if (!end || page.length < PAGE) return;
      last = end.id;
    }
  }

  /** What rules have done to a campaign, and to whom it was raised, the last one first: at most 100. */
  async list(key: number | string, { actor }: { actor?: Actor } = {}): Promise<EscalationEntry[]> {
    authorise(actor, 'campaign:read');
    const { id } = await this.deps.campaigns.get(key);
    return readEscalations(this.scope, id);
  }

  /** Raises a campaign to the next person: see the function {@link escalate}. Whoever does it must be allowed to change campaigns. */
  async raise(key: number | string, raise: Raise): Promise<Raised> {
    authorise(raise.actor, 'campaign:write');
    return escalate(this.scope, key, raise);
  }

  /** To whom campaigns are raised. */
  async settings({ actor }: { actor?: Actor } = {}): Promise<EscalationSettings> {
    authorise(actor, 'campaign:read');
    return readLevels(this.scope);
  }

  /** @throws InputError `E_ESCALATION_LEVELS` with paths */
  async setSettings(settings: EscalationSettings, { actor }: { actor?: Actor } = {}): Promise<EscalationSettings> {
    authorise(actor, 'settings:manage');
    return writeLevels(this.scope, settings, nameOf(actor));
  }

  private async arm(campaign: Campaign, rules: readonly Escalation[], past: ReadonlySet<number>): Promise<void> {
    for (const [rule, what] of rules.entries()) {
      const delay = delayOf(what);
      if (delay === undefined || campaign.startedAt === undefined || past.has(rule)) continue;
      const ring: Ring = { campaign: campaign.id, run: campaign.run, rule, what };
      await this.deps.timers.set(KIND, keyOf(ring), campaign.startedAt + delay, ring);
    }
  }

  private async ring(ring: Ring): Promise<void> {
    const campaign = await this.find(ring.campaign);
    if (!campaign || !isSameRun(campaign, ring) || (await isEscalated(this.scope, ring))) return;
    const { condition } = ring.what;
    const holds = condition === undefined || (await this.deps.conditionHolds(campaign.definition, condition, campaign));
    try {
      await (holds ? this.act(ring, campaign) : this.mark(ring, campaign, 'idle', 'its condition did not hold'));
    } catch (error) {
      if (error instanceof AlreadyEscalated) return;
      // What may work a moment later is left to the timers, which ring again.
      if (!(error instanceof MarketingError) || error.retryable) throw error;
      await this.mark(ring, campaign, 'refused', messageOf(error));
    }
  }

  private async act(ring: Ring, campaign: Campaign): Promise<void> {
    const effect = effectOf(ring.what.action);
    const options = { actor: ACTOR, reason: `${ring.what.after} after its launch` };
    switch (effect.kind) {
      case 'act':
        await this.deps.campaigns.act(
          campaign.id,
          effect.action,
          { ...options, version: campaign.version },
          { also: (tx, before) => markEscalated(tx, before, ring, 'done') },
        );
        return;
      case 'assign':
        // Done before it is marked: a crash in between has it done twice, which is the same.
        await this.deps.campaigns.assign(campaign.id, { kind: 'role', assignee: effect.role }, options);
        return this.mark(ring, campaign, 'done');
      case 'tell':
        return this.mark(ring, campaign, 'told');
    }
  }

  private async mark(
    ring: Ring,
    campaign: Campaign,
    outcome: EscalationEntry['outcome'],
    reason?: string,
  ): Promise<void> {
    await this.scope.transaction(async (tx) => {
      const standing = await lockStanding(tx, campaign.id);
      if (standing && isSameRun(standing, ring)) await markEscalated(tx, campaign, ring, outcome, reason);
    });
  }

  private async find(id: number): Promise<Campaign | undefined> {
    try {
      return await this.deps.campaigns.get(id);
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }
}

/** Rolls back whatever was about to happen a second time. */
class AlreadyEscalated extends ConflictError {
  constructor() {
    super('E_ESCALATED', 'This rule has acted on this run already.');
  }
}

function keyOf({ campaign, run, rule }: Pick<Ring, 'campaign' | 'run' | 'rule'>): string {
  return `${campaign}:${run}:${rule}`;
}

function isSameRun({ state, run }: Pick<Standing, 'state' | 'run'>, ring: Ring): boolean {
  return state === 'active' && run === ring.run;
}

async function isEscalated(
  scope: Scope,
  { campaign, run, rule }: Pick<Ring, 'campaign' | 'run' | 'rule'>,
): Promise<boolean> {
  const row = await scope.get(
    `SELECT id FROM marketing_escalations
     WHERE tenant_id = :tenant AND campaign_id = :campaign AND run = :run AND rule = :rule`,
    { campaign, run, rule },
  );
  return row !== undefined;
}

/** Writes the rule's use: its row, the history, the announcement. The campaign must be locked. @throws AlreadyEscalated */
async function markEscalated(
  tx: Scope,
  campaign: Campaign,
  { run, rule, what }: Ring,
  outcome: EscalationEntry['outcome'],
  reason?: string,
): Promise<void> {
  const values = { campaign: campaign.id, run, rule };
  if (await isEscalated(tx, values)) throw new AlreadyEscalated();
  await tx.run(
    `INSERT INTO marketing_escalations (tenant_id, campaign_id, run, rule, action, outcome, reason, at)
     VALUES (:tenant, :campaign, :run, :rule, :action, :outcome, :reason, :now)`,
    {
      ...values,
      action: what.action.slice(0, 128),
      outcome,
      reason: reason?.slice(0, 255) ?? null,
      now: tx.clock.now(),
    },
  );
  if (outcome === 'idle') return;
  const facts = {
    run,
    rule,
    after: what.after,
    action: what.action,
    outcome,
    ...(reason === undefined ? {} : { reason }),
  };
  await record(tx, { event: 'campaign.escalated', campaign: campaign.id, actor: ACTOR, payload: facts });
  await announce(tx, [
    { type: 'marketing.campaign.escalated', data: { campaign: campaign.id, key: campaign.key, ...facts } },
  ]);
}
