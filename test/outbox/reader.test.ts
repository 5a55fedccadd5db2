import assert from 'node:assert/strict';
import { ConflictError, InputError } from '../../lib/errors';
import type { Announced, FlowReader, FlowSubscription } from '../../lib/outbox';
import { eachDatabase } from '../kit/databases';
import { CREATED, House, LAUNCHED, type Tenant } from './kit/house';

const DAY = 86_400_000;

eachDatabase((db) => {
  describe('reading events for a flow', () => {
    let house: House;
    let acme: Tenant;
    let heard: Announced[];
    let readers: FlowReader[];
    beforeEach(async () => {
      house = await House.open(db);
      acme = house.tenant();
      heard = [];
      readers = [];
    });
    afterEach(async () => {
      for (const reader of readers) await reader.close();
      await house.close();
    });
    const read = async (flow: Partial<FlowSubscription> = {}, tenant = acme): Promise<FlowReader> => {
      const reader = await tenant.outbox.read({
        ...{ key: 'events', node: 'n1', events: ['*'], deliver: (one: Announced) => void heard.push(one), ...flow },
      });
      readers.push(reader);
      return reader;
    };
    const launched = (campaign: number): typeof LAUNCHED => ({ ...LAUNCHED, data: { campaign } });
    const campaigns = (): unknown[] => heard.map(({ data }) => data['campaign']);

    it('hands over what was announced, in order, as it was', async () => {
      const reader = await read({ events: ['marketing.campaign.*'] });
      await acme.announce(launched(1), CREATED, launched(2));
      await house.tenant('globex').announce(launched(9));
      await reader.idle();
      assert.deepEqual(campaigns(), [1, 2]);
      const { id, ...one } = heard[0] ?? assert.fail('nothing');
      assert.match(id, /^msg_/);
      assert.deepEqual(one, { ...launched(1), tenant: 'acme', at: house.clock.now() });
    });

    it('hands over after the start what happened while the flow was stopped, each event once', async () => {
      await (await read()).close();
      await acme.announce(...Array.from({ length: 250 }, (_event, n) => launched(n)));
      const reader = await read();
      await reader.idle();
      await reader.close();
      await (await read()).idle();
      assert.deepEqual(
        campaigns(),
        Array.from({ length: 250 }, (_event, n) => n),
      );
    });

    it('keeps nothing for a flow that was removed, or for a key that its node no longer has', async () => {
      await (await read()).close(true);
      await acme.announce(launched(1));
      await (await read({ key: 'old' })).close();
      await acme.announce(launched(2));
      await (await read({ key: 'new' })).idle();
      const rows = await acme.scope.all<{ subscription_key: string }>(
        `SELECT subscription_key FROM marketing_subscriptions WHERE tenant_id = :tenant AND kind = 'flow'`,
      );
      assert.deepEqual([rows.map((row) => row.subscription_key), heard], [['new'], []]);
    });

    it('gives each event to one of two runtimes', async () => {
      const other = house.tenant('acme', await db.open({ clock: house.clock, keep: true }));
      const both = [await read(), await read({}, other)];
      await acme.announce(...Array.from({ length: 300 }, (_event, n) => launched(n)));
      for (const reader of both) reader.wake();
      for (const reader of both) await reader.idle();
      assert.deepEqual(
        campaigns()
          .map(Number)
          .sort((a, b) => a - b),
        Array.from({ length: 300 }, (_event, n) => n),
      );
    });

    it('refuses a second node with the same key, until the first one is gone', async () => {
      const first = await read();
      await assert.rejects(
        read({ node: 'n2' }),
        (error: unknown) => error instanceof ConflictError && error.code === 'E_DUPLICATE_STEP',
      );
      await read({}, house.tenant('globex'));
      await first.close();
      await read({ node: 'n2' });
      await assert.rejects(read({ key: 'other', events: ['nothing.*'] }), InputError);
      await assert.rejects(read({ key: '' }), InputError);
    });

    it('keeps what the flow could not take, and tries again', async () => {
      const troubles: unknown[] = [];
      let broken = true;
      const reader = await read({
        deliver: (one) => {
          if (broken && one.data['campaign'] === 2) throw new Error('not now');
          heard.push(one);
        },
        onTrouble: (error) => troubles.push(error),
      });
      await acme.announce(launched(1), launched(2), launched(3));
      await reader.idle();
      assert.deepEqual([campaigns(), troubles.length], [[1], 1]);
      broken = false;
      await house.clock.advance(5_000);
      reader.wake();
      await reader.idle();
      assert.deepEqual(campaigns(), [1, 2, 3]);
    });

    it('waits while the flow is not ready', async () => {
      let ready = false;
      const reader = await read({ ready: () => ready });
      await acme.announce(launched(1));
      await reader.idle();
      assert.deepEqual(heard, []);
      ready = true;
      reader.wake();
      await reader.idle();
      assert.deepEqual(campaigns(), [1]);
    });

    it('stops collecting for a flow that nobody has run for a month; it begins anew when it comes back', async () => {
      await (await read()).close();
      await acme.announce(launched(1));
      await house.clock.advance(31 * DAY);
      await house.dispatcher(acme.scope).idle();
      await acme.announce(launched(2));
      const reader = await read();
      await acme.announce(launched(3));
      await reader.idle();
      assert.deepEqual(campaigns(), [3]);
    });
  });
});
