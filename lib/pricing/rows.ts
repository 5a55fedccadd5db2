import { parseJson, type Scope } from '../store';
import type { Coupon, Offer, Promotion, PromotionRule } from './types';

/** A row of marketing_promotions. */
export interface PromotionRow {
  id: number;
  campaign_id: number;
  promotion_key: string;
  name: string;
  rule: unknown;
  priority: number;
  starts_on: number | null;
  ends_on: number | null;
  active: number;
  version: number;
  created_at: number;
  updated_at: number;
}

export const PROMOTION_COLUMNS = `p.id, p.campaign_id, p.promotion_key, p.name, p.rule, p.priority, p.starts_on, p.ends_on, p.active,
  p.version, p.created_at, p.updated_at`;

/** The promotion of a row. */
export function promotionOf(row: PromotionRow): Promotion {
  return {
    id: row.id,
    campaign: row.campaign_id,
    key: row.promotion_key,
    name: row.name,
    rule: parseJson<PromotionRule>(row.rule, { strategy: { kind: 'percentage', percent: 0 } }),
    priority: row.priority,
    ...(row.starts_on === null ? {} : { startsOn: row.starts_on }),
    ...(row.ends_on === null ? {} : { endsOn: row.ends_on }),
    active: row.active === 1,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** A row of marketing_coupons with its promotion's key. */
export interface CouponRow {
  id: number;
  promotion_id: number;
  promotion_key: string;
  code: string;
  max_uses: number | null;
  max_uses_per_customer: number | null;
  uses: number;
  expires_at: number | null;
  created_at: number;
}

export const COUPON_COLUMNS = `u.id, u.promotion_id, p.promotion_key, u.code, u.max_uses, u.max_uses_per_customer, u.uses,
  u.expires_at, u.created_at`;

/** The coupon of a row. */
export function couponOf(row: CouponRow): Coupon {
  return {
    id: row.id,
    code: row.code,
    promotion: row.promotion_key,
    ...(row.max_uses === null ? {} : { maxUses: row.max_uses }),
    ...(row.max_uses_per_customer === null ? {} : { maxUsesPerCustomer: row.max_uses_per_customer }),
    uses: row.uses,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    createdAt: row.created_at,
  };
}

/** True of promotions (p) that are switched on, have begun, have not ended, and belong to an active campaign (c). */
export const RUNNING = `p.active = 1 AND c.state = 'active' AND c.deleted_at IS NULL
  AND (p.starts_on IS NULL OR p.starts_on <= :now) AND (p.ends_on IS NULL OR p.ends_on > :now)`;

/** The promotions that count at `now`: all of them, or those of some campaigns. */
export async function runningPromotions(
  scope: Scope,
  now: number,
  campaigns?: readonly number[],
): Promise<Promotion[]> {
  const chosen = campaigns
    ? `${scope.dialect.rows('campaigns', { of_campaign: 'int' }, 'r')} ${scope.dialect.join} marketing_promotions p
         ON p.campaign_id = r.of_campaign AND p.tenant_id = :tenant`
    : 'marketing_promotions p';
  const rows = await scope.all<PromotionRow>(
    `SELECT ${PROMOTION_COLUMNS} FROM ${chosen}
     JOIN marketing_campaigns c ON c.id = p.campaign_id AND c.tenant_id = :tenant
     WHERE p.tenant_id = :tenant AND ${RUNNING} ORDER BY p.id`,
    { now, ...(campaigns ? { campaigns: JSON.stringify([...new Set(campaigns)].map((id) => [id])) } : {}) },
  );
  return rows.map(promotionOf);
}

/** What a promotion is to a cart. */
export function offerOf({ key, name, priority, rule }: Promotion, code?: string): Offer {
  return { key, name, priority, rule, ...(code === undefined ? {} : { code }) };
}
