import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { wakeSteps } from '../../lib/ledger';
import { eachDatabase } from '../kit/databases';
import { MINUTE, NOON, PATIENCE, Runtime, type Plan } from './house';

const PURCHASE: Plan = { spec: { for: { kind: 'event', event: 'purchase', since: 'entry' } } };

eachDatabase((db) => {
  describe('people who wait until something happens', () => {
    let clock: VirtualClock;
    let runtimes: Runtime[];

    beforeEach(async () => {
      await (await db.open()).close();
      clock = new VirtualClock(NOON);
      runtimes = [];
    });
    afterEach(async () => {
      for (const runtime of runtimes) await runtime.close();
    });

    async function open(plan: Plan): Promise<Runtime> {
      const runtime = await Runtime.open(db, clock, plan);
      runtimes.push(runtime);
      return runtime;
    }

    it('go on at once when it happens, by the first output, and by the second when time runs out', async () => {
      const runtime = await open(PURCHASE);
      await runtime.launch(['ada', 'bob']);
      assert.equal(await runtime.waits(), 2);
      await runtime.pass(MINUTE);
      const story = async (name: string): Promise<string[]> =>
        (await runtime.marketing.campaigns.why('cart', `${name}@example.org`)).map(({ text }) => text);
      assert.ok((await story('ada')).includes('wait: waits for purchase'));
      await runtime.did('ada', 'visited');
      await runtime.did('ada', 'purchase', { metadata: { value: 30 } });
      await runtime.settle();
      assert.deepEqual(
        runtime.went.map(({ lead, port }) => [lead, port]),
        [['ada', 0]],
      );
      const { event } = runtime.went[0] ?? {};
      assert.deepEqual(
        { ...(event as object), eventId: '' },
        { type: 'purchase', eventId: '', at: NOON + MINUTE, value: 30 },
      );
      await runtime.pass(PATIENCE - MINUTE - 1);
      assert.equal(runtime.went.length, 1);
      await runtime.pass(1);
      assert.deepEqual(runtime.went[1], { lead: 'bob', port: 1 });
      assert.ok((await story('ada')).includes('wait: purchase happened'));
      assert.ok((await story('bob')).includes('wait: time ran out'));
      await runtime.did('bob', 'purchase');
      await runtime.settle();
      assert.equal(runtime.went.length, 2, 'whoever has gone on is not woken again');
      await runtime.marketing.waiting.tidy();
      assert.equal(await runtime.waits(), 0);
    });

    if (db.name === 'postgres') {
      // (SQLite has one writer at a time.)
      it('keep what woke them when their time runs out at the same moment', async () => {
        const runtime = await open({ spec: { for: { kind: 'condition', condition: 'score > 10' } } });
        await runtime.launch(['ada']);
        const [scope, other] = [await db.open({ clock, keep: true }), await db.open({ clock, keep: true })].map(
          (store) => store.tenant('acme'),
        );
        assert.ok(scope && other);
        const step = await scope.get<{ id: number }>(
          `SELECT s.id FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.port < 0`,
        );
        await scope.transaction(async (tx) => {
          await wakeSteps(tx, [{ step: step?.id ?? 0, port: 0 }]);
          await clock.advance(PATIENCE);
          const blocked = `SELECT COUNT(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND :tenant = :tenant`;
          while (Number((await other.get<{ n: number }>(blocked))?.n) === 0) {
            await new Promise((resolve) => setImmediate(resolve));
          }
        });
        await runtime.settle();
        await runtime.pass(5_000);
        assert.deepEqual(runtime.went, [{ lead: 'ada', port: 0 }]);
      });
    }

    it('are found to have done it between entering the journey and arriving here', async () => {
      const runtime = await open({ ...PURCHASE, entry: 'event' });
      await runtime.launch();
      runtime.holdWire = true;
      await runtime.marketing.events.record({
        type: 'cart_abandoned',
        lead: { email: 'ada@example.org', name: 'ada' },
      });
      await runtime.settle();
      await clock.advance(5_000);
      await runtime.did('ada', 'purchase');
      await runtime.did('ada', 'purchase', { at: NOON - MINUTE });
      for (const person of runtime.onWire) await runtime.arrive(person);
      await runtime.settle();
      assert.deepEqual(
        runtime.went.map(({ lead, port }) => [lead, port]),
        [['ada', 0]],
      );
      assert.equal(await runtime.waits(), 0);
    });

    it('do not count what was done before the point from which it counts', async () => {
      for (const [since, port] of [
        ['arrival', 1],
        ['entry', 1],
        ['ever', 0],
      ] as const) {
        const runtime = await open({ spec: { for: { kind: 'event', event: 'purchase', since } } });
        await runtime.marketing.leads.upsert({ email: 'ada@example.org', name: 'ada' });
        await runtime.did('ada', 'purchase', { at: NOON - MINUTE });
        await runtime.launch();
        // An old one that is told of late does not count either.
        await runtime.did('ada', 'purchase', { at: NOON - MINUTE });
        await runtime.pass(PATIENCE);
        assert.deepEqual(
          runtime.went.map(({ port: taken }) => taken),
          [port],
          since,
        );
        await runtime.close();
        runtimes.pop();
        await (await db.open()).close();
        clock = new VirtualClock(NOON);
      }
    });

    it('wait for an event with certain properties, of a person and not of a program', async () => {
      const condition = 'event.value > 50 and event.product = "x" and lead.name = "ada"';
      const runtime = await open({ spec: { for: { kind: 'event', event: 'purchase', since: 'arrival', condition } } });
      await runtime.launch(['ada']);
      await runtime.did('ada', 'purchase', { metadata: { value: 50, product: 'x' } });
      await runtime.did('ada', 'purchase', { metadata: { value: 60, product: 'y' } });
      await runtime.did('ada', 'purchase', { metadata: { value: '60', product: 'x' } });
      await runtime.did('ada', 'purchase', { metadata: { value: 60, product: 'x', machine: true } });
      await runtime.settle();
      assert.equal(runtime.went.length, 0);
      await runtime.did('ada', 'purchase', { metadata: { value: 60, product: 'x' } });
      await runtime.settle();
      assert.equal(runtime.went.length, 1);
    });

    it('wait for what becomes of the lead, by a change, by behaviour, and by time alone when it runs out', async () => {
      const condition = `lead.score >= 10 or $did("clicked", {"atLeast": 2}) or ($millis() > ${NOON + MINUTE} and name = "tim")`;
      const runtime = await open({ spec: { for: { kind: 'condition', condition } } });
      await runtime.launch(['ada', 'bob', 'tim', 'una']);
      assert.equal(await runtime.waits(), 4);
      const ada = await runtime.marketing.leads.get({ email: 'ada@example.org' });
      await runtime.marketing.leads.update(ada?.id ?? 0, { score: 9 });
      await runtime.did('bob', 'clicked');
      await runtime.settle();
      assert.equal(runtime.went.length, 0);
      await runtime.marketing.leads.update(ada?.id ?? 0, { score: 10 });
      await runtime.did('bob', 'clicked');
      await runtime.settle();
      assert.deepEqual(
        runtime.went.map(({ lead, port }) => `${lead} ${port}`),
        ['ada 0', 'bob 0'],
      );
      await runtime.pass(PATIENCE);
      assert.deepEqual(
        runtime.went
          .slice(2)
          .map(({ lead, port }) => `${lead} ${port}`)
          .sort(),
        ['tim 0', 'una 1'],
      );
      assert.equal(await runtime.waits(), 0);
    });

    it('go on at once when it is true already', async () => {
      const runtime = await open({ spec: { for: { kind: 'condition', condition: 'name = "ada"' } } });
      await runtime.launch(['ada', 'bob']);
      assert.deepEqual(runtime.went, [{ lead: 'ada', port: 0 }]);
      assert.equal(await runtime.waits(), 1);
    });

    it('wait to be in a segment, whoever puts them in', async () => {
      const runtime = await open({ spec: { for: { kind: 'segment', segment: 'vip' } } });
      const { segments } = runtime.marketing;
      await segments.create({ key: 'rich', name: 'Rich', kind: 'dynamic', condition: 'score > 100' });
      await segments.create({ key: 'friends', name: 'Friends', kind: 'static' });
      await segments.create({ key: 'vip', name: 'VIP', kind: 'composed', composition: { or: ['rich', 'friends'] } });
      await runtime.launch(['ada', 'bob', 'una']);
      await segments.add('friends', { emails: ['ada@example.org'] });
      await runtime.marketing.leads.upsert({ email: 'bob@example.org', score: 101 });
      await runtime.settle();
      assert.deepEqual(runtime.went.map(({ lead, port }) => `${lead} ${port}`).sort(), ['ada 0', 'bob 0']);
      await runtime.pass(PATIENCE);
      assert.deepEqual(runtime.went.slice(2), [{ lead: 'una', port: 1 }]);
    });

    it('keep what happens while their campaign is paused, and go on with it', async () => {
      const runtime = await open(PURCHASE);
      await runtime.launch(['ada', 'bob']);
      const { campaigns } = runtime.marketing;
      await campaigns.pause('cart');
      await runtime.marketing.ledger.sweep();
      await runtime.did('ada', 'purchase');
      await runtime.pass(PATIENCE + MINUTE);
      assert.equal(runtime.went.length, 0);
      await campaigns.resume('cart');
      await runtime.marketing.ledger.sweep();
      await runtime.settle();
      assert.deepEqual(runtime.went.map(({ lead, port }) => `${lead} ${port}`).sort(), ['ada 0', 'bob 1']);
    });

    it('are nobody any more when the campaign is cancelled or the lead removed', async () => {
      const runtime = await open(PURCHASE);
      await runtime.launch(['ada', 'bob']);
      const ada = await runtime.marketing.leads.get({ email: 'ada@example.org' });
      await runtime.marketing.leads.remove(ada?.id ?? 0);
      assert.equal(await runtime.waits(), 1);
      await runtime.marketing.campaigns.cancel('cart');
      await runtime.marketing.ledger.sweep();
      await runtime.did('bob', 'purchase');
      await runtime.settle();
      assert.equal(await runtime.waits(), 0);
      assert.equal(runtime.went.length, 0);
    });

    it('keep what happens while their station is not in the flow', async () => {
      const runtime = await open(PURCHASE);
      await runtime.launch(['ada']);
      await runtime.marketing.definitions.deploy('flow', []);
      assert.deepEqual(await runtime.steps(), { orphaned: 1 });
      await runtime.did('ada', 'purchase');
      await runtime.close();
      runtimes.pop();
      const again = await open(PURCHASE);
      await again.settle();
      assert.deepEqual(
        again.went.map(({ port }) => port),
        [0],
      );
    });

    it('lose nobody when the runtime dies, whatever it was about to do', async () => {
      const first = await open(PURCHASE);
      first.holdWire = true;
      await first.launch(['ada', 'bob', 'eve', 'una']);
      const [ada, bob, eve] = first.onWire;
      if (!ada || !bob || !eve) throw new Error('nobody on the wire');
      // Bob has arrived and is woken, and dies on the wire behind; Ada's event comes before she arrives; Eve waits.
      await first.arrive(bob);
      await first.arrive(eve);
      first.cut = true;
      await Promise.all([first.did('bob', 'purchase'), first.did('ada', 'purchase')]);
      await first.settle();
      await first.kill();
      const second = await open(PURCHASE);
      await second.settle();
      await second.pass(MINUTE);
      await second.did('eve', 'purchase');
      await second.settle();
      // MariaDB passes over whoever's row another transaction holds at that moment; a later sweep finds them.
      for (let sweeps = 0; sweeps < 5 && !second.went.some(({ lead }) => lead === 'ada'); sweeps++) {
        await second.marketing.ledger.sweep();
        await second.settle();
        await second.pass(0);
      }
      const seen = new Map([...first.went, ...second.went].map(({ lead, port }) => [lead, port]));
      assert.deepEqual([...seen].sort(), [
        ['ada', 0],
        ['bob', 0],
        ['eve', 0],
      ]);
      await second.pass(PATIENCE);
      assert.deepEqual(second.went.at(-1), { lead: 'una', port: 1 });
      assert.equal(second.went.length, new Set(second.went.map(({ lead }) => lead)).size);
    });

    it('miss nothing when arrival and event meet, in one process or in two', async function () {
      this.timeout(30_000);
      const rounds = Number(process.env['MARKETING_TEST_RACES'] ?? 200);
      const here = await open(PURCHASE);
      const there = await open(PURCHASE);
      here.holdWire = there.holdWire = true;
      const names = Array.from({ length: rounds }, (_, index) => `lead${index}`);
      await here.launch(names);
      await there.settle();
      const wired = [...here.onWire, ...there.onWire];
      assert.equal(wired.length, rounds);
      const ticks = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
      };
      // Ten at a time, each with a head start of its own for one of the two.
      for (let from = 0; from < rounds; from += 10) {
        await Promise.all(
          wired.slice(from, from + 10).map(async (person, index) => {
            const recorder = index % 2 === 0 ? there : here;
            const arriving = ticks((from + index * 3) % 7).then(() => here.arrive(person));
            const happening = ticks((from + index * 5) % 7).then(() =>
              recorder.did(String(person.lead.name), 'purchase'),
            );
            await Promise.all([arriving, happening]);
          }),
        );
      }
      await here.pass(2_000);
      await there.pass(0);
      const went = [...here.went, ...there.went];
      assert.deepEqual(
        went.filter(({ port }) => port !== 0),
        [],
      );
      assert.equal(new Set(went.map(({ lead }) => lead)).size, rounds);
      assert.equal(went.length, rounds);
      assert.equal(await here.waits(), 0);
    });
  });
});
