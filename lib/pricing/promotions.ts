import { authorise, nameOf, type Actor } from '../access';
import { ConflictError, InputError, NotFoundError } from '../errors';
import { record } from '../history';
import type { Scope } from '../store';
import { checkRule, refuse, type Problem } from './check';
import { PROMOTION_COLUMNS, promotionOf, type PromotionRow } from './rows';
import type { NewPromotion, Promotion, PromotionChanges } from './types';

/** Who does it, and which version was seen. */
export interface PromotionOptions {
  actor?: Actor;
  /** The version that the decision was made on; another one is a conflict. */
  version?: number;
}

/** @throws InputError `E_PROMOTION`; NotFoundError `E_UNKNOWN_CAMPAIGN`; ConflictError `E_PROMOTION_EXISTS`; ForbiddenError */
export async function createPromotion(
  scope: Scope,
  input: NewPromotion,
  { actor }: PromotionOptions = {},
): Promise<Promotion> {
  authorise(actor, 'campaign:write');
  const { key, name = key, rule, priority = 0, startsOn, endsOn, active = true } = input;
  refuse([
    ...(/^[\p{L}\p{N}_.-]{1,128}$/u.test(key)
      ? []
      : [{ path: '/key', message: 'must be 1 to 128 letters, digits, "_", "-" or "."' }]),
    ...checkFields({ name, priority, startsOn, endsOn, active }),
    ...checkRule(rule),
  ]);
  return scope.transaction(async (tx) => {
    const campaign = await campaignId(tx, input.campaign);
    if (await find(tx, key)) {
      throw new ConflictError('E_PROMOTION_EXISTS', `There is already a promotion "${key}". Choose another key.`);
    }
    const id = await tx.insert(
      `INSERT INTO marketing_promotions
         (tenant_id, campaign_id, promotion_key, name, rule, priority, starts_on, ends_on, active, created_at, updated_at)
       VALUES (:tenant, :campaign, :key, :name, :rule, :priority, :startsOn, :endsOn, :active, :now, :now)`,
      {
        campaign,
        key,
        name,
        rule: JSON.stringify(rule),
        priority,
        startsOn: startsOn ?? null,
        endsOn: endsOn ?? null,
        active: active ? 1 : 0,
        now: tx.clock.now(),
      },
    );
    await record(tx, {
      event: 'promotion.created',
      campaign,
      actor: nameOf(actor),
      after: { id, key, rule, priority, active },
    });
    return getPromotion(tx, key, { actor });
  });
}

/** @throws InputError `E_PROMOTION`; NotFoundError `E_UNKNOWN_PROMOTION`; ConflictError `E_CONFLICT`; ForbiddenError */
export async function updatePromotion(
  scope: Scope,
  key: string,
  changes: PromotionChanges,
  { actor, version }: PromotionOptions = {},
): Promise<Promotion> {
  authorise(actor, 'campaign:write');
  return scope.transaction(async (tx) => {
    const before = await getPromotion(tx, key, { actor });
    const { name = before.name, rule = before.rule, priority = before.priority, active = before.active } = changes;
    const startsOn = changes.startsOn === undefined ? before.startsOn : (changes.startsOn ?? undefined);
    const endsOn = changes.endsOn === undefined ? before.endsOn : (changes.endsOn ?? undefined);
    refuse([...checkFields({ name, priority, startsOn, endsOn, active }), ...checkRule(rule)]);
    const changed = await tx.run(
      `UPDATE marketing_promotions
       SET name = :name, rule = :rule, priority = :priority, starts_on = :startsOn, ends_on = :endsOn, active = :active,
           version = version + 1, updated_at = :now
       WHERE tenant_id = :tenant AND id = :id AND version = :version`,
      {
        id: before.id,
        version: version ?? before.version,
        name,
        rule: JSON.stringify(rule),
        priority,
        startsOn: startsOn ?? null,
        endsOn: endsOn ?? null,
        active: active ? 1 : 0,
        now: tx.clock.now(),
      },
    );
    if (changed === 0) throw changedMeanwhile(key);
    const after = await getPromotion(tx, key, { actor });
    await record(tx, {
      event: 'promotion.updated',
      campaign: before.campaign,
      actor: nameOf(actor),
      before: essence(before),
      after: essence(after),
    });
    return after;
  });
}

/** @throws NotFoundError `E_UNKNOWN_PROMOTION`; ForbiddenError */
export async function getPromotion(scope: Scope, key: string, { actor }: PromotionOptions = {}): Promise<Promotion> {
  authorise(actor, 'campaign:read');
  const row = await find(scope, key);
  if (!row) throw new NotFoundError('E_UNKNOWN_PROMOTION', `There is no promotion "${key}".`);
  return promotionOf(row);
}

/** The promotion, locked until the transaction ends. @throws NotFoundError `E_UNKNOWN_PROMOTION` */
export async function lockPromotion(tx: Scope, key: string, options: PromotionOptions): Promise<Promotion> {
  await tx.get(
    `SELECT id FROM marketing_promotions WHERE tenant_id = :tenant AND promotion_key = :key ${tx.dialect.forUpdate}`,
    { key },
  );
  return getPromotion(tx, key, options);
}

/** Promotions, or those of one campaign, in the order of their ids: at most 100 after the id `after`. */
export async function listPromotions(
  scope: Scope,
  query: { campaign?: number | string; after?: number; limit?: number } = {},
  { actor }: PromotionOptions = {},
): Promise<Promotion[]> {
  authorise(actor, 'campaign:read');
  const campaign = query.campaign === undefined ? undefined : await campaignId(scope, query.campaign);
  const rows = await scope.all<PromotionRow>(
    `SELECT ${PROMOTION_COLUMNS} FROM marketing_promotions p
     WHERE p.tenant_id = :tenant AND p.id > :after ${campaign === undefined ? '' : 'AND p.campaign_id = :campaign'}
     ORDER BY p.id LIMIT :limit`,
    { after: query.after ?? 0, limit: pageSize(query.limit), ...(campaign === undefined ? {} : { campaign }) },
  );
  return rows.map(promotionOf);
}

/**
 * Removes a promotion and its coupons. One that was redeemed stays, because orders refer to it: switch it off instead.
 * @throws NotFoundError `E_UNKNOWN_PROMOTION`; ConflictError `E_PROMOTION_REDEEMED`, `E_CONFLICT`; ForbiddenError
 */
export async function removePromotion(
  scope: Scope,
  key: string,
  { actor, version }: PromotionOptions = {},
): Promise<void> {
  authorise(actor, 'campaign:write');
  await scope.transaction(async (tx) => {
    const promotion = await lockPromotion(tx, key, { actor });
    if (version !== undefined && version !== promotion.version) throw changedMeanwhile(key);
    const of = { promotion: promotion.id };
    // Locked in the order in which redemptions lock them, so that none slips in between.
    await tx.all(
      `SELECT id FROM marketing_coupons WHERE tenant_id = :tenant AND promotion_id = :promotion ORDER BY id
       ${tx.dialect.forUpdate}`,
      of,
    );
    const redeemed = await tx.get(
      `SELECT r.id FROM marketing_redemptions r
       JOIN marketing_coupons u ON u.id = r.coupon_id AND u.tenant_id = :tenant
       WHERE r.tenant_id = :tenant AND u.promotion_id = :promotion LIMIT 1`,
      of,
    );
    if (redeemed) {
      throw new ConflictError(
        'E_PROMOTION_REDEEMED',
        `Orders have used the promotion "${key}", so it stays. Set "active" to false to end it.`,
      );
    }
    await tx.run(`DELETE FROM marketing_coupons WHERE tenant_id = :tenant AND promotion_id = :promotion`, of);
    await tx.run(`DELETE FROM marketing_promotions WHERE tenant_id = :tenant AND id = :promotion`, of);
    await record(tx, {
      event: 'promotion.removed',
      campaign: promotion.campaign,
      actor: nameOf(actor),
      before: essence(promotion),
    });
  });
}

/** 1 to 100; default 20. @throws InputError `E_PAGE` */
export function pageSize(limit = 20): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 100) return limit;
  throw new InputError('E_PAGE', `${limit} is no page size: give a whole number from 1 to 100.`);
}

/** @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
async function campaignId(scope: Scope, idOrKey: number | string): Promise<number> {
  const row = await scope.get<{ id: number }>(
    `SELECT id FROM marketing_campaigns
     WHERE tenant_id = :tenant AND ${typeof idOrKey === 'number' ? 'id' : 'campaign_key'} = :which AND deleted_at IS NULL`,
    { which: idOrKey },
  );
  if (!row) throw new NotFoundError('E_UNKNOWN_CAMPAIGN', `There is no campaign "${idOrKey}".`);
  return row.id;
}

async function find(scope: Scope, key: string): Promise<PromotionRow | undefined> {
  return scope.get<PromotionRow>(
    `SELECT ${PROMOTION_COLUMNS} FROM marketing_promotions p WHERE p.tenant_id = :tenant AND p.promotion_key = :key`,
    { key },
  );
}

function checkFields(given: {
  name: unknown;
  priority: unknown;
  startsOn: unknown;
  endsOn: unknown;
  active: unknown;
}): Problem[] {
  const { name, priority, startsOn, endsOn, active } = given;
  const problems: Problem[] = [];
  if (typeof name !== 'string' || name.length < 1 || name.length > 255) {
    problems.push({ path: '/name', message: 'must be a text of 1 to 255 characters' });
  }
  if (!isWhole(priority) || Math.abs(priority) > 1_000_000) {
    problems.push({ path: '/priority', message: 'must be a whole number from -1,000,000 to 1,000,000' });
  }
  if (startsOn !== undefined && !isWhole(startsOn))
    problems.push({ path: '/startsOn', message: 'must be ms since 1970' });
  if (endsOn !== undefined && !isWhole(endsOn)) problems.push({ path: '/endsOn', message: 'must be ms since 1970' });
  if (isWhole(startsOn) && isWhole(endsOn) && endsOn <= startsOn) {
    problems.push({ path: '/endsOn', message: 'must be later than the start' });
  }
  if (typeof active !== 'boolean') problems.push({ path: '/active', message: 'must be true or false' });
  return problems;
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

/** What the history keeps of a promotion. */
function essence({ id, key, rule, priority, startsOn, endsOn, active }: Promotion): object {
  return { id, key, rule, priority, startsOn, endsOn, active };
}

function changedMeanwhile(key: string): ConflictError {
  return new ConflictError(
    'E_CONFLICT',
    `The promotion "${key}" was changed by somebody else. Look at it again, then decide.`,
    { retryable: true },
  );
}
