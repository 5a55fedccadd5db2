import assert from 'node:assert/strict';
import { openMarketing, type Marketing } from '../../lib';
import { VirtualClock } from '../../lib/clock';
import { registerConditionEvaluator } from '../../lib/conditions';
import type { StationDeclaration } from '../../lib/ledger';
import { checkTriggerConfig, whatItListensTo } from '../../lib/triggers';
import { eachDatabase } from '../kit/databases';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

eachDatabase((db) => {
  describe('triggers at work', function () {
    this.timeout(60_000);
    let clock: VirtualClock;
    let marketing: Marketing;

    beforeEach(async () => {
      await (await db.open()).close();
      clock = new VirtualClock(Date.UTC(2026, 5, 1, 12));
      marketing = await open();
    });
    afterEach(() => marketing.close());

    function open(): Promise<Marketing> {
      // Nothing that ticks: the clock is moved by days.
      const calm = { leaseMs: 100 * DAY, sweepMs: 100 * DAY };
      return openMarketing({
        database: { url: db.url() },
        tenant: 'acme',
        clock,
        logger: { error: console.log },
        ...calm,
      });
    }

    /** Deploys journeys that are nothing but their trigger, and launches them. */
    async function deploy(triggers: Record<string, object>, audience: Record<string, object> = {}): Promise<void> {
      await marketing.definitions.deploy(
        'flow',
        Object.entries(triggers).map(([key, written]) => {
          const config = checkTriggerConfig(written);
          const { listens } = config;
          const what = whatItListensTo(listens);
          const station: StationDeclaration = { step: 'in', kind: 'trigger', node: 'n', hash: key, forks: false };
          return {
            ...{ key, name: key, entry: 'in', entryMode: 'event' as const, onUnknown: 'hold' as const, body: {} },
            ...('event' in listens ? { event: listens.event } : {}),
            ...(what ? { listens: what } : {}),
            stations: [{ ...station, config: { trigger: config } }],
          };
        }),
      );
      for (const key of Object.keys(triggers)) {
        const campaign = await marketing.campaigns.ensure(key);
        const who = audience[key];
        if (who) await marketing.campaigns.update(campaign.id, { audience: who });
        if (campaign.state === 'draft') await marketing.campaigns.launch(key);
      }
      await marketing.triggers.listen();
    }
    async function lead(name: string, more: object = {}): Promise<number> {
      const result = await marketing.leads.upsert({ email: `${name}@example.org`, ...more });
      assert.notEqual(result.outcome, 'rejected', JSON.stringify(result));
      return 'id' in result ? result.id : 0;
    }
    async function entries(key: string): Promise<number> {
      const [report] = await marketing.triggers.report(await marketing.campaigns.get(key));
      return report?.entered ?? 0;
    }
    async function refused(key: string): Promise<object> {
      const [report] = await marketing.triggers.report(await marketing.campaigns.get(key));
      return report?.refused ?? {};
    }
    async function end(key: string): Promise<void> {
      const { id: campaign } = await marketing.campaigns.get(key);
      for (const set of [
        `marketing_steps SET state = 'done'`,
        `marketing_enrollments SET state = 'ended', ended_at = :now`,
      ])
        await marketing.scope.run(`UPDATE ${set} WHERE tenant_id = :tenant AND campaign_id = :campaign`, {
          campaign,
          ...(set.includes(':now') ? { now: clock.now() } : {}),
        });
    }
    const on = (event: string, more: object = {}): object => ({ listens: { on: 'event', event }, ...more });

    it('let one lead in once, although twenty events come at the same moment', async () => {
      const second = await open();
      await deploy({
        never: on('bought', { reentry: { when: 'never' } }),
        pause: on('bought', { reentry: { when: 'pause', ms: DAY, since: 'entry' } }),
        finished: on('bought', { reentry: { when: 'finished' } }),
        daily: on('bought', { frequencyMs: DAY }),
        always: on('bought'),
      });
      const ada = await lead('ada');
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          n % 2 === 0
            ? marketing.events.record({ type: 'bought', lead: ada, eventId: `e${n}` })
            : second.leads.engage([{ leadId: ada, type: 'bought', eventId: `e${n}` }]),
        ),
      );
      assert.equal(outcomes.length, 20);
      const counts = await Promise.all(['never', 'pause', 'finished', 'daily', 'always'].map(entries));
      assert.deepEqual(counts, [1, 1, 1, 1, 20]);
      assert.deepEqual(
        [await refused('never'), await refused('daily'), await refused('always')],
        [{ reentry: 19 }, { frequency: 19 }, {}],
      );
      const campaign = (await marketing.campaigns.get('never')).id;
      const [why] = await marketing.triggers.refusals({ campaign, lead: ada });
      assert.deepEqual([why?.reason, why?.times, why?.cause.startsWith('event:e')], ['reentry', 19, true]);
      await second.close();
    });

    it('let somebody in again when the pause is over, the journey finished, the day gone by', async () => {
      await deploy({
        never: on('bought', { reentry: { when: 'never' } }),
        pause: on('bought', { reentry: { when: 'pause', ms: DAY, since: 'end' } }),
        finished: on('bought', { reentry: { when: 'finished' } }),
        daily: on('bought', { frequencyMs: DAY }),
      });
      const all = ['never', 'pause', 'finished', 'daily'];
      await lead('ada');
      const buy = async (): Promise<number[]> => {
        await marketing.events.record({ type: 'bought', lead: 'ada@example.org' });
        return Promise.all(all.map(entries));
      };
      assert.deepEqual(await buy(), [1, 1, 1, 1]);
      for (const key of all) await end(key);
      assert.deepEqual(await buy(), [1, 1, 2, 1]);
      await clock.advance(DAY - 1);
      assert.deepEqual(await buy(), [1, 1, 2, 1]);
      await clock.advance(1);
      assert.deepEqual(await buy(), [1, 2, 2, 2]);
    });

    it('let in whose event has the properties, once by each event, and keep in mind why', async () => {
      await deploy({
        big: on('bought', { condition: 'event.value > 50 and event.product = "x" and lead.country = "AT"' }),
        regular: on('bought', { condition: '$did("bought", {"atLeast": 3})' }),
      });
      const ada = await lead('ada', { country: 'AT' });
      const bob = await lead('bob', { country: 'DE' });
      const buy = (who: number, metadata: Record<string, unknown>): Promise<{ entered: number }> =>
        marketing.events.record({ type: 'bought', lead: who, metadata });
      assert.equal((await buy(ada, { value: 51, product: 'x' })).entered, 1);
      assert.equal((await buy(ada, { value: '51', product: 'x' })).entered, 0);
      assert.equal((await buy(bob, { value: 51, product: 'x' })).entered, 0);
      assert.equal((await buy(ada, {})).entered, 1, 'her third');
      assert.deepEqual([await entries('big'), await refused('big')], [1, { condition: 3 }]);
      const { id } = await marketing.campaigns.get('big');
      const [why] = await marketing.triggers.refusals({ campaign: id, lead: bob });
      assert.deepEqual(why?.saw, { country: 'DE', 'event.value': 51, 'event.product': 'x' });
      const [story] = await marketing.campaigns
        .list()
        .then(async () =>
          marketing.scope.all<{ trail: string }>(
            'SELECT s.trail FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.campaign_id = :id',
            { id },
          ),
        );
      assert.match(story?.trail ?? '', /"kind":"trigger".*"event.value":51/);
    });

    it('keep out whom the campaign is not for at that moment, and what a program did', async () => {
      await marketing.leads.declare('plan', 'string');
      await marketing.segments.create({ kind: 'dynamic', key: 'pros', condition: 'lead.plan = "pro"' });
      await marketing.segments.create({ kind: 'static', key: 'calm' });
      await deploy(
        { some: on('opened'), half: on('opened'), all: on('opened') },
        { some: { include: ['pros'], exclude: ['calm'], condition: 'lead.score >= 5' }, half: { holdout: 20 } },
      );
      const pro = { plan: 'pro', score: 5 };
      const ids = [
        await lead('ada', pro),
        await lead('bob', { ...pro, plan: 'free' }),
        await lead('cem', { ...pro, score: 4 }),
        await lead('dan', pro),
      ];
      await marketing.segments.add('calm', { ids: [ids[3] ?? 0] });
      for (const leadId of ids) await marketing.leads.engage([{ leadId, type: 'opened' }]);
      assert.deepEqual([await entries('some'), await refused('some')], [1, { audience: 3 }]);
      await marketing.leads.engage([{ leadId: ids[0] ?? 0, type: 'opened', metadata: { machine: true } }]);
      assert.deepEqual([await entries('all'), await refused('all')], [4, { machine: 1 }]);
      for (let n = 0; n < 40; n++)
        await marketing.events.record({ type: 'opened', lead: { email: `x${n}@example.org` } });
      const { holdout = 0 } = (await refused('half')) as { holdout?: number };
      assert.ok(holdout > 0 && holdout < 25 && (await entries('half')) === 44 - holdout);
    });

    it('cool down, one lead or the whole campaign, and wait before they let go on', async () => {
      await deploy({
        lead: on('came', { cooldown: { leadMs: HOUR } }),
        campaign: on('came', { cooldown: { campaignMs: HOUR }, delayMs: 3 * HOUR }),
      });
      const ids = await Promise.all(['ada', 'bob', 'cem'].map((name) => lead(name)));
      const come = (): Promise<unknown> =>
        Promise.all(ids.map((leadId) => marketing.events.record({ type: 'came', lead: leadId })));
      await come();
      assert.deepEqual([await entries('lead'), await entries('campaign')], [3, 1]);
      await clock.advance(HOUR);
      await come();
      assert.deepEqual([await entries('lead'), await entries('campaign')], [6, 2]);
      assert.deepEqual([await refused('lead'), await refused('campaign')], [{}, { cooldown: 4 }]);
      const gone: number[] = [];
      const emit = (_port: number, people: readonly { lead: { id: number } }[]): void =>
        void gone.push(...people.map(({ lead: { id } }) => id));
      await marketing.ledger.attach({ definition: 'campaign', step: 'in', kind: 'trigger', wired: () => true, emit });
      await marketing.ledger.idle();
      await clock.advance(HOUR);
      await marketing.ledger.idle();
      assert.equal(gone.length, 0);
      await clock.advance(HOUR);
      await marketing.ledger.idle();
      assert.equal(gone.length, 1);
    });

    it('let in who comes into a segment or leaves it: by a calculation, by a change, on a list', async () => {
      await marketing.segments.create({ kind: 'dynamic', key: 'high', condition: 'lead.score > 50' });
      await marketing.segments.create({ kind: 'static', key: 'list' });
      const segment = (key: string, more: object = {}): object => ({
        listens: { on: 'segment', segment: key, ...more },
      });
      await deploy({
        entered: segment('high'),
        left: segment('high', { change: 'left' }),
        first: segment('high', { atFirst: true }),
        listed: { ...segment('list'), reentry: { when: 'never' } },
      });
      const all = ['entered', 'left', 'first', 'listed'];
      await marketing.leads.upsertAll(
        Array.from({ length: 150 }, (_, n) => ({ email: `p${n}@example.org`, score: n < 120 ? 60 : 10 })),
      );
      await marketing.scope.run('DELETE FROM marketing_segment_members WHERE tenant_id = :tenant');
      const before = await Promise.all(all.map(entries));
      await marketing.segments.recalculate('high');
      const found = await Promise.all(all.map(entries));
      assert.deepEqual(
        found.map((count, index) => count - (before[index] ?? 0)),
        [0, 0, 120, 0],
        'those who belong from the beginning have not come in',
      );
      // A change of a lead, and one that the next calculation finds.
      await lead('p130', { score: 70 });
      await marketing.scope.run('UPDATE marketing_leads SET score = 80 WHERE tenant_id = :tenant AND score = 10');
      await marketing.scope.run('UPDATE marketing_leads SET score = 1 WHERE tenant_id = :tenant AND score = 70');
      await marketing.segments.recalculate('high');
      assert.deepEqual(await Promise.all(all.map(entries)), [30, 1, before[2] === undefined ? 0 : before[2] + 150, 0]);
      const ada = await lead('ada');
      for (const _ of [1, 2]) {
        await marketing.segments.add('list', { ids: [ada] });
        await marketing.segments.takeOff('list', { ids: [ada] });
      }
      assert.deepEqual([await entries('listed'), await refused('listed')], [1, { reentry: 1 }]);
    });

    it('let in whose score crosses a threshold, each crossing once', async () => {
      await deploy({
        up: { listens: { on: 'score', threshold: 50 } },
        down: { listens: { on: 'score', threshold: 50, direction: 'falls' } },
      });
      for (const score of [10, 49, 50, 51, 80, 49.5, 50, 50, 20]) await lead('ada', { score });
      await lead('bob', { score: 60 });
      assert.deepEqual([await entries('up'), await entries('down')], [3, 2]);
    });

    it('let in on a birthday at nine where people live, once, and make up for what was missed', async () => {
      await marketing.leads.declare('birthday', 'date');
      const born = (text: string): number => Date.parse(text);
      await deploy({ birthday: { listens: { on: 'date', attribute: 'birthday', at: '09:00', graceMs: DAY } } });
      await lead('vienna', { birthday: born('1990-06-02'), timeZone: 'Europe/Vienna' });
      await lead('tokyo', { birthday: born('1965-06-02'), country: 'JP' });
      await lead('utc', { birthday: born('2000-06-02') });
      await lead('missed', { birthday: born('2000-06-04') });
      await lead('toolate', { birthday: born('2000-06-03') });
      await lead('none');
      const counts: number[] = [];
      const past = async (hours: number): Promise<void> => {
        await clock.advance(hours * HOUR);
        // The timer has rung on the clock; this waits for what it does, and looks once more.
        await marketing.triggers.listen();
        counts.push(await entries('birthday'));
      };
      await past(10); // 22:00 UTC on the 1st: two hours to nine in Tokyo
      await past(1); // 23:00: within the hour ahead
      await past(1);
      await past(9); // 09:00 in Vienna was at 07:00 UTC
      assert.deepEqual(counts, [0, 1, 1, 3]);
      const due = await marketing.scope.all<{ due_at: number }>(
        'SELECT due_at FROM marketing_steps WHERE tenant_id = :tenant ORDER BY due_at',
      );
      assert.deepEqual(
        due.slice(0, 1).map(({ due_at }) => new Date(Number(due_at)).toISOString()),
        ['2026-06-02T00:00:00.000Z'],
      );
      await marketing.close();
      await clock.advance(2 * DAY - 2 * HOUR); // the 4th, 07:00: nobody was there on the 3rd
      await clock.advance(5 * HOUR);
      marketing = await open();
      await marketing.triggers.listen();
      assert.equal(await entries('birthday'), 4, 'the 4th is made up for; the 3rd is longer ago than a day');
      await marketing.triggers.listen();
      assert.deepEqual([await entries('birthday'), await refused('birthday')], [4, {}]);
    });

    it('let in once by a date after a look that was cut off', async () => {
      await marketing.leads.declare('ends', 'date');
      await deploy({
        ends: { listens: { on: 'date', attribute: 'ends', every: 'once', offsetDays: -3 }, reentry: { when: 'never' } },
      });
      await lead('ada', { ends: Date.parse('2026-06-05') });
      await clock.advance(DAY);
      await marketing.triggers.listen();
      assert.equal(await entries('ends'), 1);
      // As if the process had died before its mark was written.
      await marketing.scope.run('DELETE FROM marketing_trigger_marks WHERE tenant_id = :tenant');
      await marketing.triggers.listen();
      assert.deepEqual([await entries('ends'), await refused('ends')], [1, {}]);
    });

    it('let in what a custom trigger names, once by each cause, and forget leads that are removed', async () => {
      await deploy({
        mine: {
          listens: { on: 'custom', contract: 'queue' },
          condition: 'event.kind = "good"',
          frequencyMs: HOUR,
        },
      });
      const enter = (key: string, kind: string): Promise<{ lead: number; entered: number }> =>
        marketing.triggers.enter('mine', { email: 'ada@example.org' }, { key, metadata: { kind } });
      const [first] = await Promise.all([enter('a', 'good'), enter('a', 'good')]);
      assert.equal(await entries('mine'), 1);
      assert.equal((await enter('a', 'good')).entered, 0);
      assert.deepEqual(await refused('mine'), {}, 'the same cause again is no refusal');
      assert.equal((await enter('b', 'bad')).entered, 0);
      assert.equal((await enter('c', 'good')).entered, 0);
      assert.deepEqual(await refused('mine'), { condition: 1, frequency: 1 });
      await assert.rejects(marketing.triggers.enter('mine', 'nobody@example.org'), { code: 'E_UNKNOWN_LEAD' });
      await marketing.leads.remove(first?.lead ?? 0);
      const { id } = await marketing.campaigns.get('mine');
      assert.deepEqual(await marketing.triggers.refusals({ campaign: id }), []);
    });

    it('let in nobody by a condition that cannot be used any more, and take no event back for it', async () => {
      const undo = registerConditionEvaluator('there', { evaluate: () => true });
      await marketing.leads.declare('plan', 'string');
      await deploy({ gone: on('came', { condition: 'lead.plan = "pro"' }), other: on('came') });
      await marketing.leads.undeclare('plan');
      undo();
      assert.equal((await marketing.events.record({ type: 'came', lead: { email: 'ada@example.org' } })).entered, 1);
      assert.deepEqual(await refused('gone'), { broken: 1 });
    });
  });
});
