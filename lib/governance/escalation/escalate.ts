import { nameOf, type Actor } from '../../access';
import { Problems, readCampaign, type Assignee, type Campaign } from '../../campaigns';
import { ConflictError } from '../../errors';
import { record } from '../../history';
import { announce } from '../../outbox';
import { storable, type Scope } from '../../store';
import { delegationPath } from '../delegation';
import { checkAssignee, readLevels } from './levels';

/** Why and to whom a campaign is raised. */
export interface Raise {
  /** A sentence for people; kept in the history. */
  readonly reason: string;
  /**
   * What raises it: `person` (default), or a program's word for it: `low_roi`, `approval_timeout` … A program's cause raises a campaign
   * once per run, however often it is told; a person raises it once more each time.
   */
  readonly cause?: string;
  /** Tells causes of one kind apart (a request's id): each raises once. */
  readonly key?: string;
  /** 1: the first level. Default: the one after the highest of this run. A level is reached once per run. */
  readonly level?: number;
  /** Instead of whom the tenant's levels name. */
  readonly to?: Assignee;
  readonly actor?: Actor;
}

/** What came of it. */
export interface Raised {
  /** False: it was raised for this cause (or to this level) before, or the tenant wants nothing of this cause; nothing was changed. */
  readonly raised: boolean;
  readonly level: number;
  readonly from?: string;
  /** Who has it now, after delegations; `user:ann`, `role:approver` … */
  readonly to?: string;
}

/** Above the highest level nobody else is asked: the number of a level, and of a run's raises, is bounded. */
const MOST_RAISES = 50;

/**
 * Raises a campaign to the next person (BR-003: low ROI does so by itself): assigns it, after delegations, writes row and history, and
 * announces `marketing.campaign.escalated`. In the caller's transaction if `db` is one. Locks nothing but its own rows.
 * @throws ConflictError `E_ESCALATION_TOP` when nobody is above (of a person's raise, or where a level was named), `E_CAMPAIGN_DELETED`;
 *   InputError `E_ESCALATION`; NotFoundError `E_UNKNOWN_CAMPAIGN`
 */
export async function escalate(db: Scope, campaign: number | string, raise: Raise): Promise<Raised> {
  checkRaise(raise);
  return db.transaction(async (tx) => {
    const found = await readCampaign(tx, campaign);
    if (found.deletedAt !== undefined) {
      throw new ConflictError('E_CAMPAIGN_DELETED', `The campaign "${found.key}" is deleted. Restore it first.`);
    }
    return raiseIn(tx, found, raise);
  });
}

async function raiseIn(tx: Scope, campaign: Campaign, raise: Raise): Promise<Raised> {
  const cause = raise.cause ?? 'person';
  const action = `raise:${cause}${raise.key === undefined ? '' : `:${raise.key}`}`.slice(0, 128);
  const past = await tx.all<{ level: number; action: string; to_assignee: string | null }>(
    `SELECT level, action, to_assignee FROM marketing_escalations
     WHERE tenant_id = :tenant AND campaign_id = :campaign AND run = :run AND level IS NOT NULL ORDER BY level`,
    { campaign: campaign.id, run: campaign.run },
  );
  const highest = past.at(-1);
  const { levels, ignored = [] } = await readLevels(tx);
  const level = raise.level ?? (highest?.level ?? 0) + 1;
  const again = cause !== 'person' && raise.level === undefined && past.some((one) => one.action === action);
  if (again || ignored.includes(cause)) return { raised: false, level: highest?.level ?? 0 };
  const meant = raise.to ?? levels[level - 1];
  if (!meant || level > MOST_RAISES) {
    if (cause !== 'person') return { raised: false, level: highest?.level ?? 0 };
    throw new ConflictError(
      'E_ESCALATION_TOP',
      `Nobody is above level ${levels.length}: name to whom the campaign "${campaign.key}" goes, or add a level to the settings.`,
      { details: { campaign: campaign.key, level } },
    );
  }
  const to = await holderOf(tx, campaign, meant);
  const from = highest?.to_assignee ?? (campaign.owner === undefined ? undefined : `user:${campaign.owner}`);
  const actor = nameOf(raise.actor);
  const row = { level, action, from, to: written(to), reason: raise.reason, actor };
  if (!(await insertRaise(tx, campaign, row))) return { raised: false, level };
  await assign(tx, campaign.id, to, meant, actor);
  const facts = {
    run: campaign.run,
    level,
    cause,
    ...(from === undefined ? {} : { from }),
    to: written(to),
    ...(written(to) === written(meant) ? {} : { onBehalfOf: written(meant) }),
    reason: raise.reason,
  };
  await record(tx, { event: 'campaign.escalated', campaign: campaign.id, actor, payload: facts });
  await announce(tx, [
    {
      type: 'marketing.campaign.escalated',
      data: { campaign: campaign.id, key: campaign.key, action: 'raise', outcome: 'raised', ...facts },
    },
  ]);
  return { raised: true, level, ...(from === undefined ? {} : { from }), to: written(to) };
}

/** BR-009: whoever is away has somebody else look after it. */
async function holderOf(tx: Scope, { key, team }: Campaign, meant: Assignee): Promise<Assignee> {
  if (meant.kind !== 'user') return meant;
  const matter = { kind: 'campaigns', campaign: key, ...(team === undefined ? {} : { team }) } as const;
  const path = await delegationPath(tx, meant.assignee, matter);
  return { kind: 'user', assignee: path.at(-1) ?? meant.assignee };
}

/** False when somebody else has raised it to this level already. */
async function insertRaise(
  tx: Scope,
  { id, run }: Campaign,
  row: { level: number; action: string; from: string | undefined; to: string; reason: string; actor: string },
): Promise<boolean> {
  // Levels share the key of rules, which count from 0: below it there is room.
  const written = await tx.run(
    `${tx.dialect.insertCounted} INTO marketing_escalations
       (tenant_id, campaign_id, run, rule, action, outcome, reason, at, level, from_assignee, to_assignee, actor)
     VALUES (:tenant, :id, :run, :rule, :action, 'raised', :reason, :now, :level, :from, :to, :actor) ${tx.dialect.countedTail}`,
    {
      id,
      run,
      rule: -row.level,
      action: row.action,
      reason: storable(row.reason, 255),
      now: tx.clock.now(),
      level: row.level,
      from: row.from ?? null,
      to: row.to,
      actor: storable(row.actor, 128),
    },
  );
  return written > 0;
}

async function assign(tx: Scope, campaign: number, to: Assignee, meant: Assignee, by: string): Promise<void> {
  await tx.run(
    `${tx.dialect.insertIgnore} INTO marketing_assignments
       (tenant_id, campaign_id, kind, assignee, on_behalf_of, assigned_by, assigned_at)
     VALUES (:tenant, :campaign, :kind, :assignee, :for, :by, :now) ${tx.dialect.ignoreTail}`,
    {
      campaign,
      kind: to.kind,
      assignee: to.assignee,
      for: to.assignee === meant.assignee ? null : meant.assignee,
      by: storable(by, 128),
      now: tx.clock.now(),
    },
  );
}

function written({ kind, assignee }: Assignee): string {
  return `${kind}:${assignee}`;
}

/** @throws InputError `E_ESCALATION` */
function checkRaise({ reason, cause, level, to, key }: Raise): void {
  const problems = new Problems();
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > 500) {
    problems.add('/reason', 'must be a text of 1 to 500 characters');
  } else problems.storable(reason, '/reason');
  if (cause !== undefined && !/^[a-z][a-z0-9_]{0,31}$/.test(cause)) problems.add('/cause', 'is a word such as low_roi');
  if (key !== undefined && (key.length > 80 || !/^[\w.:-]+$/.test(key))) problems.add('/key', 'is a short word');
  if (level !== undefined && (!Number.isSafeInteger(level) || level < 1 || level > MOST_RAISES)) {
    problems.add('/level', `is a whole number from 1 to ${MOST_RAISES}`);
  }
  if (to !== undefined) checkAssignee(problems, to, '/to');
  problems.refuse('E_ESCALATION', 'A campaign cannot be raised like this');
}
