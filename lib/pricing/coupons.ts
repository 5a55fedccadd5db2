import { randomInt } from 'node:crypto';
import { authorise, nameOf } from '../access';
import { ConflictError, InputError } from '../errors';
import { record } from '../history';
import type { Scope } from '../store';
import { getPromotion, lockPromotion, pageSize, type PromotionOptions } from './promotions';
import { COUPON_COLUMNS, couponOf, type CouponRow } from './rows';
import type { Coupon, NewCoupons } from './types';

/** Letters and digits that nobody takes for one another: no 0 and O, no 1, I and L. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';
const MOST_CODES = 10_000;
const CHUNK = 1_000;

/** A code as it is stored and compared: without spaces around it, in capitals. */
export function normaliseCode(code: string): string {
  return code.trim().toUpperCase();
}

/**
 * Makes codes for a promotion.
 * @throws InputError `E_COUPONS`; NotFoundError `E_UNKNOWN_PROMOTION`; ConflictError `E_COUPON_EXISTS`; ForbiddenError
 */
export async function createCoupons(
  scope: Scope,
  promotionKey: string,
  input: NewCoupons,
  { actor }: PromotionOptions = {},
): Promise<Coupon[]> {
  authorise(actor, 'campaign:write');
  checkInput(input);
  // Drawn outside of the transaction, which may be repeated. Two equal ones in 31^8 are rare, and are drawn again.
  const codes = input.codes ? input.codes.map(normaliseCode) : drawCodes(input);
  return scope.transaction(async (tx) => {
    const promotion = await lockPromotion(tx, promotionKey, { actor });
    const taken = await couponsByCode(tx, codes);
    if (taken.length > 0) {
      throw new ConflictError(
        'E_COUPON_EXISTS',
        `${taken.length} of these codes exist already, the first is "${taken[0]?.code}". Choose others.`,
        { details: { codes: taken.slice(0, 100).map(({ code }) => code) }, retryable: input.codes === undefined },
      );
    }
    for (let start = 0; start < codes.length; start += CHUNK) {
      await tx.run(
        `INSERT INTO marketing_coupons
           (tenant_id, promotion_id, code, max_uses, max_uses_per_customer, expires_at, created_at)
         SELECT :tenant, :promotion, r.new_code, :maxUses, :perCustomer, :expiresAt, :now
         FROM ${tx.dialect.rows('codes', { new_code: 'text' }, 'r')} WHERE 1 = 1`,
        {
          promotion: promotion.id,
          maxUses: input.maxUses ?? null,
          perCustomer: input.maxUsesPerCustomer ?? null,
          expiresAt: input.expiresAt ?? null,
          now: tx.clock.now(),
          codes: JSON.stringify(codes.slice(start, start + CHUNK).map((code) => [code])),
        },
      );
    }
    await record(tx, {
      event: 'promotion.coupons_created',
      campaign: promotion.campaign,
      actor: nameOf(actor),
      payload: { promotion: promotion.key, count: codes.length },
    });
    return (await couponsByCode(tx, codes)).map(couponOf);
  });
}

/** The coupons of a promotion in the order of their ids: at most 100 after the id `after`. */
export async function listCoupons(
  scope: Scope,
  promotionKey: string,
  { after = 0, limit }: { after?: number; limit?: number } = {},
  { actor }: PromotionOptions = {},
): Promise<Coupon[]> {
  const promotion = await getPromotion(scope, promotionKey, { actor });
  const rows = await scope.all<CouponRow>(
    `SELECT ${COUPON_COLUMNS} FROM marketing_coupons u
     JOIN marketing_promotions p ON p.id = u.promotion_id AND p.tenant_id = :tenant
     WHERE u.tenant_id = :tenant AND u.promotion_id = :promotion AND u.id > :after ORDER BY u.id LIMIT :limit`,
    { promotion: promotion.id, after, limit: pageSize(limit) },
  );
  return rows.map(couponOf);
}

/** The coupons with these (normalised) codes, in the order of their ids; `lock` keeps others from using them meanwhile. */
export async function couponsByCode(scope: Scope, codes: readonly string[], lock = false): Promise<CouponRow[]> {
  if (codes.length === 0) return [];
  const ids = await scope.all<{ id: number }>(
    `SELECT u.id FROM ${scope.dialect.rows('codes', { wanted: 'text' }, 'r')}
     ${scope.dialect.join} marketing_coupons u ON u.code = r.wanted AND u.tenant_id = :tenant`,
    { codes: JSON.stringify([...new Set(codes)].map((code) => [code])) },
  );
  if (ids.length === 0) return [];
  const chosen = JSON.stringify(ids.map(({ id }) => [id]));
  if (lock) await lockCoupons(scope, ids);
  return scope.all<CouponRow>(
    `SELECT ${COUPON_COLUMNS} FROM ${scope.dialect.rows('chosen', { coupon: 'int' }, 'r')}
     ${scope.dialect.join} marketing_coupons u ON u.id = r.coupon AND u.tenant_id = :tenant
     JOIN marketing_promotions p ON p.id = u.promotion_id AND p.tenant_id = :tenant
     ORDER BY u.id`,
    { chosen },
  );
}

/** Locks coupons one by one in the order of their ids: two orders with the same codes never wait for each other in a circle. */
export async function lockCoupons(tx: Scope, coupons: readonly { id: number }[]): Promise<void> {
  for (const id of coupons.map((coupon) => coupon.id).sort((a, b) => a - b)) {
    await tx.get(`SELECT id FROM marketing_coupons WHERE tenant_id = :tenant AND id = :id ${tx.dialect.forUpdate}`, {
      id,
    });
  }
}

function drawCodes({ count = 1, prefix = '', length = 8 }: NewCoupons): string[] {
  const codes = new Set<string>();
  while (codes.size < count) {
    const drawn = Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)] ?? '').join('');
    codes.add(normaliseCode(prefix) + drawn);
  }
  return [...codes];
}

function checkInput({
  codes,
  count,
  prefix = '',
  length = 8,
  maxUses,
  maxUsesPerCustomer,
  expiresAt,
}: NewCoupons): void {
  if ((codes === undefined) === (count === undefined)) throw wrong('give either "codes" or a "count" of random ones');
  if (codes && (codes.length < 1 || codes.length > MOST_CODES)) throw wrong(`give 1 to ${MOST_CODES} codes`);
  const bad = codes?.find((code) => typeof code !== 'string' || !/^[\p{L}\p{N}_-]{3,64}$/u.test(normaliseCode(code)));
  if (bad !== undefined) throw wrong(`"${bad}" is no code: use 3 to 64 letters, digits, "_" or "-"`);
  if (codes && new Set(codes.map(normaliseCode)).size < codes.length) throw wrong('a code stands there twice');
  if (count !== undefined && !isWhole(count, 1, MOST_CODES)) throw wrong(`"count" must be from 1 to ${MOST_CODES}`);
  if (!/^[\p{L}\p{N}_-]{0,32}$/u.test(prefix)) throw wrong('"prefix" must be at most 32 letters, digits, "_" or "-"');
  if (!isWhole(length, 6, 32)) throw wrong('"length" must be from 6 to 32');
  if (maxUses !== undefined && !isWhole(maxUses, 1, 1e9)) throw wrong('"maxUses" must be at least 1');
  if (maxUsesPerCustomer !== undefined && !isWhole(maxUsesPerCustomer, 1, 1e9)) {
    throw wrong('"maxUsesPerCustomer" must be at least 1');
  }
  if (expiresAt !== undefined && !isWhole(expiresAt, 0, 8.64e15)) throw wrong('"expiresAt" must be ms since 1970');
}

function isWhole(value: unknown, low: number, high: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;
}

function wrong(what: string): InputError {
  return new InputError('E_COUPONS', `No coupons were made: ${what}.`);
}
