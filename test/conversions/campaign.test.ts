import assert from 'node:assert/strict';
import { openMarketing, type Marketing } from '../../lib';
import { VirtualClock } from '../../lib/clock';
import type { Conversion } from '../../lib/campaigns';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) =>
  describe('what a campaign says of its conversions', function () {
    this.timeout(60_000);
    let marketing: Marketing;
    before(async () => {
      await db.open();
      marketing = await openMarketing({ database: { url: db.url() }, work: false, clock: new VirtualClock() });
      await marketing.documents.save({ id: 'plain', name: 'Plain', stages: ['plan', 'active', 'closed'] });
    });
    after(() => marketing.close());

    const events = async (campaign: number): Promise<[string, number, string][]> => {
      const rows = await marketing.scope.all<{ event: string; window_ms: number; model: string }>(
        'SELECT event, window_ms, model FROM marketing_conversion_events WHERE tenant_id = :tenant AND campaign_id = :campaign ORDER BY event',
        { campaign },
      );
      return rows.map(({ event, window_ms, model }) => [event, Number(window_ms) / 86_400_000, model]);
    };

    it('is kept, found by the event, cloned, changed and taken away', async () => {
      const { campaigns } = marketing;
      const conversion: Conversion = { event: ['purchase', 'donation'], windowDays: 30, model: 'linear' };
      const made = await campaigns.create({ name: 'Spring', definition: 'plain', conversion });
      assert.deepEqual(made.conversion, conversion);
      const copy = await campaigns.clone(made.id);
      assert.deepEqual(copy.conversion, conversion);
      for (const { id } of [made, copy]) {
        assert.deepEqual(await events(id), [
          ['donation', 30, 'linear'],
          ['purchase', 30, 'linear'],
        ]);
      }
      await campaigns.update(made.id, { conversion: { event: 'signed_up' } });
      assert.deepEqual(await events(made.id), [['signed_up', 7, 'last']]);
      await campaigns.update(made.id, { conversion: null });
      assert.deepEqual(await events(made.id), []);
      assert.equal((await campaigns.get(made.id)).conversion, undefined);
      assert.equal((await events(copy.id)).length, 2);
    });

    it('is refused with all that is wrong', async () => {
      const wrong: [unknown, RegExp][] = [
        [{ event: 'purchase', windowDays: 31 }, /windowDays must be a whole number of days from 1 to 30/],
        [{ event: 'purchase', windowDays: 0 }, /windowDays/],
        [{ event: 'not a word' }, /event must be a type/],
        [{ event: [] }, /1 to 10/],
        [{ event: 'a', model: 'middle' }, /model is one of first, last, linear/],
        [{ event: 'a', value: { property: 'x', fixed: 1 } }, /either property or fixed/],
        [{ event: 'a', value: { fixed: -1 } }, /fixed must be an amount/],
        [{ event: 'a', value: { property: '__proto__' } }, /property/],
        [{ event: 'a', touch: 'seen', more: 1 }, /more is unknown.*touch is one of/],
      ];
      for (const [conversion, message] of wrong) {
        await assert.rejects(
          marketing.campaigns.create({ name: 'x', definition: 'plain', conversion: conversion as Conversion }),
          message,
        );
      }
    });
  }),
);
