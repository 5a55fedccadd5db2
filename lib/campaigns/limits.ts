import { allows } from '../access';
import { ConflictError, ForbiddenError } from '../errors';
import { record } from '../history';
import { parseJson, type Scope } from '../store';
import type { CampaignDeps } from './deps';
import { Problems, isRecord } from './problems';
import type { ActOptions, Campaign, CampaignLimits } from './types';

const NAME = 'limits';
/** BR: campaigns to more people than this need an approval, where the tenant says nothing else. */
const APPROVAL_ABOVE = 1_000;

/** The tenant's limits. With `lock`, whoever reads them so waits until the transaction ends. */
export async function readLimits(scope: Scope, { lock = false } = {}): Promise<CampaignLimits> {
  const row = await scope.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name ${lock ? scope.dialect.forUpdate : ''}`,
    { name: NAME },
  );
  return { approvalAbove: APPROVAL_ABOVE, ...parseJson<CampaignLimits>(row?.value, {}) };
}

/** Sets the tenant's limits; what is absent is as by default. @throws InputError `E_LIMITS` */
export async function writeLimits(scope: Scope, limits: CampaignLimits, actor: string): Promise<CampaignLimits> {
  const problems = new Problems();
  if (!isRecord(limits)) problems.add('', 'must be an object');
  else {
    problems.only(limits, ['maxActiveCampaigns', 'approvalAbove'], '');
    for (const [name, value] of Object.entries(limits)) {
      if (name === 'approvalAbove' && value === null) continue;
      if (!Number.isSafeInteger(value) || (value as number) < 0) {
        problems.add(`/${name}`, `is a whole number from 0${name === 'approvalAbove' ? ', or null' : ''}`);
      }
    }
  }
  problems.refuse('E_LIMITS', 'These limits cannot be used');
  return scope.transaction(async (tx) => {
    const before = await readLimits(tx);
    await tx.run(
      `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, :name, :value, :now)
       ${tx.dialect.upsertTail(['tenant_id', 'name'], ['value', 'updated_at'])}`,
      { name: NAME, value: JSON.stringify(limits), now: tx.clock.now() },
    );
    await record(tx, { event: 'settings.limits_changed', actor, before, after: limits });
    return readLimits(tx);
  });
}

/**
 * Whether one more campaign may become active.
 * @param lock true within the transaction that makes it active: of two at the same moment, the second counts the first
 * @throws ConflictError `E_LIMIT_ACTIVE_CAMPAIGNS`
 */
export async function mustHaveRoom(scope: Scope, { lock }: { lock: boolean }): Promise<void> {
  const { maxActiveCampaigns: most } = await readLimits(scope, { lock });
  if (most === undefined) return;
  const row = await scope.get<{ active: number }>(
    `SELECT COUNT(*) AS active FROM (SELECT c.id FROM marketing_campaigns c
       WHERE c.tenant_id = :tenant AND c.state = 'active' LIMIT :most) AS a`,
    { most },
  );
  if (Number(row?.active ?? 0) < most) return;
  throw new ConflictError(
    'E_LIMIT_ACTIVE_CAMPAIGNS',
    `At most ${most} campaigns may be active at the same time. Complete or pause another one first.`,
    { details: { limit: most } },
  );
}

/**
 * Whether this audience may be launched by this actor: it is small, or was approved as it is now, or the actor may approve it.
 * @throws ForbiddenError `E_APPROVAL_NEEDED`
 */
export async function mustBeApproved(deps: CampaignDeps, campaign: Campaign, options: ActOptions): Promise<void> {
  const { approvalAbove: most } = await readLimits(deps.scope);
  if (most === undefined || most === null || mayApprove(campaign, options)) return;
  // A program that brings no way to count has set the limit itself, or has none.
  if (!deps.countAudience && most === APPROVAL_ABOVE) return;
  const people = await deps.countAudience?.(campaign, most);
  if (people !== undefined && people <= most) return;
  const { granted = false, why } = (await deps.launchApproval?.(campaign, people)) ?? {};
  if (granted) return;
  throw new ForbiddenError(
    'E_APPROVAL_NEEDED',
    `The audience of the campaign "${campaign.key}" (${people ?? 'of unknown size'}) is larger than ${most} and needs an approval${why === undefined ? '' : `: ${why}`}. Ask for it (POST /api/v1/campaigns/${campaign.id}/approvals, or "nexus-marketing approval request ${campaign.key}"), or have somebody launch it who may approve campaigns and does not own this one.`,
    { details: { campaign: campaign.key, limit: most, ...(people === undefined ? {} : { audience: people }) } },
  );
}

function mayApprove({ owner, createdBy }: Campaign, { actor, approved }: ActOptions): boolean {
  if (actor === undefined || typeof actor === 'string') return approved === true;
  const isTheirs = [owner, createdBy].some((name) => name !== undefined && isSame(name, actor.id));
  return allows(actor, 'campaign:approve') && !isTheirs;
}

/** As approvals compare people: another spelling of one's name is not somebody else. */
function isSame(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}
