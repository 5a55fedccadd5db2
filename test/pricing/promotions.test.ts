import assert from 'node:assert/strict';
import type { Principal } from '../../lib/access';
import { VirtualClock } from '../../lib/clock';
import { MarketingError } from '../../lib/errors';
import { PricingService, type Cart, type NewPromotion, type PromotionRule } from '../../lib/pricing';
import type { Scope, Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';

const BASKET: Cart = { currency: 'EUR', lines: [{ id: '1', product: 'tea', quantity: 2, unitPrice: 5_000 }] };
const TEN: PromotionRule = { strategy: { kind: 'percentage', percent: 10 } };
const WITH_CODE: PromotionRule = { ...TEN, needsCode: true };
const VIEWER: Principal = { id: 'vera', roles: ['viewer'] };

const code = (expected: string) => (error: unknown) => error instanceof MarketingError && error.code === expected;

eachDatabase((db) => {
  describe('promotions', () => {
    let store: Store;
    let scope: Scope;
    let clock: VirtualClock;
    let pricing: PricingService;
    let campaign: number;

    async function addCampaign(of: Scope, key: string, state = 'active'): Promise<number> {
      return of.insert(
        `INSERT INTO marketing_campaigns (tenant_id, campaign_key, name, definition_key, data, state, on_unknown, created_at, updated_at)
         VALUES (:tenant, :key, :key, 'generic', '{}', :state, 'hold', 0, 0)`,
        { key, state },
      );
    }
    const setState = (state: string): Promise<number> =>
      scope.run(`UPDATE marketing_campaigns SET state = :state WHERE tenant_id = :tenant AND id = :campaign`, {
        state,
        campaign,
      });
    const create = (more: Partial<NewPromotion> = {}): ReturnType<PricingService['create']> =>
      pricing.create({ campaign, key: 'spring', rule: TEN, ...more });
    const events = async (): Promise<string[]> =>
      (
        await scope.all<{ event: string }>(`SELECT event FROM marketing_history WHERE tenant_id = :tenant ORDER BY id`)
      ).map(({ event }) => event);

    beforeEach(async function () {
      this.timeout(60_000);
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      store = await db.open({ clock });
      scope = store.tenant('test');
      pricing = new PricingService(scope);
      campaign = await addCampaign(scope, 'sale');
    });

    it('are created, read, changed, listed and removed, each change in the history', async () => {
      const made = await create({ campaign: 'sale', name: 'Spring', priority: 3, startsOn: 1, endsOn: 9e12 });
      assert.deepEqual(await pricing.get('spring'), made);
      assert.deepEqual(
        [made.campaign, made.rule, made.priority, made.active, made.version],
        [campaign, TEN, 3, true, 1],
      );
      const changed = await pricing.update('spring', { priority: 4, endsOn: null }, { version: 1 });
      assert.deepEqual([changed.priority, changed.endsOn, changed.startsOn, changed.version], [4, undefined, 1, 2]);
      await create({ key: 'summer' });
      assert.deepEqual(
        (await pricing.list({ campaign: 'sale' })).map(({ key }) => key),
        ['spring', 'summer'],
      );
      assert.deepEqual(
        (await pricing.list({ after: made.id, limit: 1 })).map(({ key }) => key),
        ['summer'],
      );
      await pricing.remove('spring', { version: 2 });
      await assert.rejects(pricing.get('spring'), code('E_UNKNOWN_PROMOTION'));
      assert.deepEqual(await events(), [
        'promotion.created',
        'promotion.updated',
        'promotion.created',
        'promotion.removed',
      ]);
    });

    it('are refused when they cannot be, when their key is taken, or another version was seen', async () => {
      await create();
      await assert.rejects(create(), code('E_PROMOTION_EXISTS'));
      await assert.rejects(create({ key: 'a b' }), code('E_PROMOTION'));
      await assert.rejects(create({ key: 'x', startsOn: 5, endsOn: 5 }), code('E_PROMOTION'));
      await assert.rejects(create({ key: 'x', campaign: 'nope' }), code('E_UNKNOWN_CAMPAIGN'));
      await assert.rejects(pricing.update('spring', { priority: 1.5 }), code('E_PROMOTION'));
      await assert.rejects(pricing.update('spring', {}, { version: 7 }), code('E_CONFLICT'));
      await assert.rejects(pricing.remove('spring', { version: 7 }), code('E_CONFLICT'));
      await assert.rejects(pricing.list({ limit: 101 }), code('E_PAGE'));
    });

    it('may be read by a viewer, and changed by others only', async () => {
      await create();
      assert.equal((await pricing.get('spring', { actor: VIEWER })).key, 'spring');
      assert.equal((await pricing.quote(BASKET, {}, { actor: VIEWER })).total, 9_000);
      const refused = [
        () => pricing.create({ campaign, key: 'y', rule: TEN }, { actor: VIEWER }),
        () => pricing.update('spring', {}, { actor: VIEWER }),
        () => pricing.remove('spring', { actor: VIEWER }),
        () => pricing.createCoupons('spring', { count: 1 }, { actor: VIEWER }),
        () => pricing.redeem(BASKET, { order: 'o' }, { actor: VIEWER }),
        () => pricing.release('o', { actor: VIEWER }),
      ];
      for (const attempt of refused) await assert.rejects(attempt(), code('E_FORBIDDEN'));
    });

    it('belong to their tenant', async () => {
      await create();
      const other = new PricingService(store.tenant('other'));
      await assert.rejects(other.get('spring'), code('E_UNKNOWN_PROMOTION'));
      await assert.rejects(other.create({ campaign, key: 'spring', rule: TEN }), code('E_UNKNOWN_CAMPAIGN'));
      assert.equal((await other.quote(BASKET)).total, 10_000);
      await addCampaign(store.tenant('other'), 'sale');
      await other.create({ campaign: 'sale', key: 'spring', rule: TEN });
    });

    it('count from their start to their end, while they are on and their campaign is active', async () => {
      const now = clock.now();
      await create({ startsOn: now, endsOn: now + 1_000 });
      const discount = async (): Promise<number> => (await pricing.quote(BASKET)).discount;
      assert.equal(await discount(), 1_000);
      for (const state of ['draft', 'scheduled', 'paused', 'completed', 'cancelled']) {
        await setState(state);
        assert.equal(await discount(), 0, state);
      }
      await setState('active');
      await pricing.update('spring', { active: false });
      assert.equal(await discount(), 0);
      await pricing.update('spring', { active: true });
      assert.equal(await discount(), 1_000);
      await clock.advance(1_000);
      assert.equal(await discount(), 0, 'its end is exclusive');
      await pricing.update('spring', { startsOn: now + 1_001, endsOn: null });
      assert.equal(await discount(), 0, 'it has not begun');
    });

    it('can be looked at for some campaigns only', async () => {
      const other = await addCampaign(scope, 'other');
      await create();
      await create({ key: 'more', campaign: other });
      assert.equal((await pricing.quote(BASKET)).discount, 1_900);
      assert.equal((await pricing.quote(BASKET, { campaigns: [other] })).discount, 1_000);
      assert.equal((await pricing.quote(BASKET, { campaigns: [] })).discount, 0);
    });

    describe('with coupons', () => {
      beforeEach(() => create({ rule: WITH_CODE }));

      it('take codes that are given, or draw codes without letters that look alike', async () => {
        const [given] = await pricing.createCoupons('spring', { codes: [' hello-1 '], maxUses: 5 });
        assert.deepEqual([given?.code, given?.maxUses, given?.uses], ['HELLO-1', 5, 0]);
        const drawn = await pricing.createCoupons('spring', { count: 1_500, prefix: 'vip-', length: 10 });
        assert.equal(new Set(drawn.map((coupon) => coupon.code)).size, 1_500);
        for (const coupon of drawn) assert.match(coupon.code, /^VIP-[A-HJKMNP-Z2-9]{10}$/);
        const first = await pricing.coupons('spring', { limit: 2 });
        assert.deepEqual(first[0], given);
        assert.equal((await pricing.coupons('spring', { after: first[1]?.id ?? 0, limit: 100 })).length, 100);
      });

      it('refuse codes that exist or are none', async () => {
        await pricing.createCoupons('spring', { codes: ['TAKEN'] });
        await assert.rejects(pricing.createCoupons('spring', { codes: ['NEW', 'taken'] }), code('E_COUPON_EXISTS'));
        assert.equal((await pricing.coupons('spring')).length, 1, 'none of them was made');
        for (const bad of [{}, { codes: ['x'] }, { codes: ['A1B', 'a1b'] }, { count: 0 }, { count: 1, length: 5 }]) {
          await assert.rejects(pricing.createCoupons('spring', bad), code('E_COUPONS'), JSON.stringify(bad));
        }
        await assert.rejects(pricing.createCoupons('nope', { count: 1 }), code('E_UNKNOWN_PROMOTION'));
      });

      it('count with a code only, and say why one does not', async () => {
        const now = clock.now();
        await pricing.createCoupons('spring', { codes: ['GOOD', 'ALSO'] });
        await pricing.createCoupons('spring', { codes: ['OLD'], expiresAt: now });
        await pricing.createCoupons('spring', { codes: ['MINE'], maxUsesPerCustomer: 1 });
        const because = async (...codes: string[]): Promise<string[]> =>
          (await pricing.quote(BASKET, { codes })).refused.map((one) => one.because);
        assert.equal((await pricing.quote(BASKET)).discount, 0);
        const quote = await pricing.quote(BASKET, { codes: [' good '] });
        assert.deepEqual([quote.discount, quote.applied.map((one) => one.code), quote.refused], [1_000, ['GOOD'], []]);
        assert.match((await because('NOPE'))[0] ?? '', /no such code/);
        assert.match((await because('OLD'))[0] ?? '', /expired/);
        assert.match((await because('MINE'))[0] ?? '', /nobody said who/);
        assert.match((await because('GOOD', 'ALSO'))[0] ?? '', /once per order/);
        await pricing.update('spring', { active: false });
        assert.match((await because('GOOD'))[0] ?? '', /not running/);
      });

      it('are used up by orders, each of them once', async () => {
        await pricing.createCoupons('spring', { codes: ['TWICE'], maxUses: 2 });
        const order = (id: string): ReturnType<PricingService['redeem']> =>
          pricing.redeem(BASKET, { order: id, codes: ['TWICE'] });
        const first = await order('o-1');
        assert.deepEqual(
          [first.fresh, first.coupons, first.quote?.total],
          [true, [{ code: 'TWICE', promotion: 'spring', discount: 1_000 }], 9_000],
        );
        const again = await order('o-1');
        assert.deepEqual([again.fresh, again.coupons], [false, first.coupons]);
        await order('o-2');
        const third = await order('o-3');
        assert.deepEqual([third.coupons, third.quote?.total], [[], 10_000]);
        assert.match(third.quote?.refused[0]?.because ?? '', /as often as it can be/);
        assert.equal((await pricing.coupons('spring'))[0]?.uses, 2);
        await assert.rejects(pricing.redeem(BASKET, { order: 'o-1', codes: ['OTHER'] }), code('E_ORDER_REDEEMED'));
        await assert.rejects(pricing.remove('spring'), code('E_PROMOTION_REDEEMED'));
      });

      it('are limited per customer', async () => {
        await pricing.createCoupons('spring', { codes: ['ONCE'], maxUsesPerCustomer: 1 });
        const discount = async (order: string, customer: string): Promise<number | undefined> =>
          (await pricing.redeem(BASKET, { order, customer, codes: ['ONCE'] })).quote?.discount;
        assert.deepEqual(
          [await discount('1', 'ada'), await discount('2', 'ada'), await discount('3', 'bob')],
          [1_000, 0, 1_000],
        );
        assert.match(
          (await pricing.quote(BASKET, { codes: ['ONCE'], customer: 'bob' })).refused[0]?.because ?? '',
          /this customer/,
        );
      });

      it('are given back by an order that is released, once', async () => {
        await pricing.createCoupons('spring', { codes: ['ONE'], maxUses: 1 });
        await pricing.redeem(BASKET, { order: 'o', codes: ['ONE'] });
        const released = await pricing.release('o');
        assert.deepEqual([released.fresh, released.coupons.length], [true, 1]);
        assert.deepEqual([(await pricing.release('o')).fresh, (await pricing.coupons('spring'))[0]?.uses], [false, 0]);
        assert.equal((await pricing.redeem(BASKET, { order: 'o', codes: ['ONE'] })).fresh, true);
        assert.deepEqual((await events()).slice(-3), ['coupon.redeemed', 'coupon.released', 'coupon.redeemed']);
      });

      it('keep their limits under 50 orders at the same moment', async function () {
        this.timeout(60_000);
        await pricing.createCoupons('spring', { codes: ['RUSH'], maxUses: 7, maxUsesPerCustomer: 2 });
        const outcomes = await Promise.all(
          Array.from({ length: 50 }, (_, index) =>
            pricing.redeem(BASKET, { order: `o-${index}`, customer: `c-${index % 3}`, codes: ['RUSH'] }),
          ),
        );
        const used = outcomes.filter(({ coupons }) => coupons.length > 0);
        assert.equal(used.length, 6, 'two for each of three customers');
        const more = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            pricing.redeem(BASKET, { order: `n-${index}`, customer: `new-${index}`, codes: ['RUSH'] }),
          ),
        );
        assert.equal(more.filter(({ coupons }) => coupons.length > 0).length, 1, 'seven in all');
        assert.equal((await pricing.coupons('spring'))[0]?.uses, 7);
      });

      it('count an order once that comes 50 times at the same moment', async function () {
        this.timeout(60_000);
        await pricing.createCoupons('spring', { codes: ['RUSH'], maxUses: 10 });
        const outcomes = await Promise.all(
          Array.from({ length: 50 }, () => pricing.redeem(BASKET, { order: 'same', codes: ['RUSH'] })),
        );
        assert.equal(outcomes.filter(({ fresh }) => fresh).length, 1);
        assert.ok(outcomes.every(({ coupons }) => coupons[0]?.discount === 1_000));
        assert.equal((await pricing.coupons('spring'))[0]?.uses, 1);
      });
    });
  });
});
