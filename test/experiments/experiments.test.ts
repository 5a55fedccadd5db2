import assert from 'node:assert/strict';
import { openMarketing, type Marketing } from '../../lib';
import { VirtualClock } from '../../lib/clock';
import type { Experiment, NewExperiment } from '../../lib/experiments';
import { Assigner } from '../../lib/experiments/assign';
import { eachDatabase } from '../kit/databases';

const AB: NewExperiment & { key: string } = {
  key: 'hello/split',
  name: 'Subject',
  metric: 'click',
  settings: { baseline: 0.2, minSample: 1_000 },
  variants: [
    { key: 'A', name: 'Plain', share: 50 },
    { key: 'B', name: 'Loud', share: 50 },
  ],
};
const VIEWER = { id: 'user:vera', roles: ['viewer'] } as const;

eachDatabase((db) => {
  describe('experiments', function () {
    this.timeout(60_000);
    let marketing: Marketing;
    let clock: VirtualClock;
    let campaign: number;

    before(async () => {
      await (await db.open()).close();
    });
    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      marketing = await openMarketing({
        database: { url: db.url() },
        tenant: `t${Math.round(Math.random() * 1e9)}`,
        clock,
        logger: { error: console.log, warn: console.log },
      });
      await marketing.documents.save({ id: 'sales', stages: ['plan', 'active', 'closed'] });
      campaign = (await marketing.campaigns.create({ name: 'Spring', definition: 'sales' })).id;
    });
    afterEach(async () => {
      await marketing.close();
    });

    const people = (from: number, to: number): { campaign: number; lead: number }[] =>
      Array.from({ length: to - from + 1 }, (_, at) => ({ campaign, lead: from + at }));
    const split = (from: number, to: number, declared = AB): ReturnType<Marketing['experiments']['split']> =>
      marketing.experiments.split(people(from, to), declared);
    async function only(): Promise<Experiment> {
      const [one] = await marketing.experiments.list({ campaign });
      assert.ok(one);
      return one;
    }
    /** As if so many had clicked. */
    async function clicks(counts: Readonly<Record<string, [exposed: number, clicked: number]>>): Promise<Experiment> {
      const { id } = await only();
      for (const [key, [exposed, clicked]] of Object.entries(counts)) {
        await marketing.scope.run(
          `UPDATE marketing_variants SET exposed = :exposed, expected = :exposed, clicked = :clicked
           WHERE tenant_id = :tenant AND experiment_id = :id AND variant_key = :key`,
          { id, key, exposed, clicked },
        );
      }
      return only();
    }
    /** As if a look had first seen all people so many hours ago. */
    async function fullSince(hours: number): Promise<void> {
      const { id, looks } = await only();
      const json = marketing.scope.dialect.name === 'postgres' ? '::jsonb' : '';
      await marketing.scope.run(
        `UPDATE marketing_experiments SET looks = (:looks)${json} WHERE tenant_id = :tenant AND id = :id`,
        { id, looks: JSON.stringify({ ...looks, fullAt: (looks.fullAt ?? NaN) - hours * 3_600_000 }) },
      );
    }
    async function history(event: string): Promise<number> {
      const rows = await marketing.scope.all(
        'SELECT id FROM marketing_history WHERE tenant_id = :tenant AND event = :event',
        {
          event,
        },
      );
      return rows.length;
    }

    it('creates the experiment of a campaign when the first people come, once, and keeps everybody where they are', async () => {
      const [first, second] = await Promise.all([split(1, 400), split(201, 600)]);
      const again = await split(1, 600);
      assert.deepEqual(
        again.map(({ variant }) => variant),
        [...first.slice(0, 200), ...second].map(({ variant }) => variant),
      );
      assert.ok(again.every(({ because }) => because === 'stays'));
      const experiment = await only();
      assert.equal(experiment.state, 'running');
      const { counts: a } = experiment.variants[0] ?? assert.fail();
      const { counts: b } = experiment.variants[1] ?? assert.fail();
      assert.equal(a.exposed + b.exposed, 600);
      assert.equal(a.expected, 300);
      assert.equal(a.exposed, again.filter(({ variant }) => variant === 'A').length);
      assert.equal(await history('experiment.created'), 1);
      assert.equal(await history('experiment.started'), 1);
      assert.equal((await marketing.timers.list('experiment')).length, 1);
    });

    it('gives the same variants in another process', async () => {
      const here = await split(1, 100);
      const other = await openMarketing({ database: { url: db.url() }, tenant: marketing.tenant, clock, work: false });
      try {
        const there = await other.experiments.split(people(51, 150), AB);
        assert.deepEqual(
          there.slice(0, 50),
          here.slice(50).map((one) => ({ ...one, because: 'stays' })),
        );
        assert.deepEqual(
          (await split(101, 150)).map(({ variant }) => variant),
          there.slice(50).map(({ variant }) => variant),
        );
      } finally {
        await other.close();
      }
    });

    it('moves nobody who was exposed when shares change, and of the others only those who must move', async () => {
      const before = await split(1, 1_000);
      const { id, version, ranges } = await only();
      await assert.rejects(marketing.experiments.allocate(id, { A: 90 }), { code: 'E_EXPERIMENT' });
      await assert.rejects(marketing.experiments.allocate(id, { A: 90, B: 10 }, { version: version - 1 }), {
        code: 'E_CONFLICT',
      });
      await assert.rejects(marketing.experiments.allocate(id, { A: 90, B: 10 }, { actor: VIEWER }), {
        code: 'E_FORBIDDEN',
      });
      const after = await marketing.experiments.allocate(id, { A: 90, B: 10 });
      assert.deepEqual(
        (await split(1, 1_000)).map(({ variant }) => variant),
        before.map(({ variant }) => variant),
      );
      for (const { variant, bucket } of await split(1_001, 1_500)) {
        if (variant === 'B')
          assert.ok(ranges.some((range) => range.variant === 'B' && bucket >= range.from && bucket < range.to));
      }
      // The check of the sample ratio knows what was meant at each moment.
      const report = await marketing.experiments.report(id);
      assert.equal(report.sampleRatio?.alarm, false);
      assert.ok(report.warnings.some(({ code }) => code === 'shares_changed'));
      assert.equal(after.variants[0]?.share, 90);
    });

    it('counts what people did once each, without machines, and conversions whoever gets the credit', async () => {
      const { results } = await leadsOf(12);
      const control = {
        ...AB,
        variants: [
          ...AB.variants.map((one) => ({ ...one, share: 45 })),
          { key: 'none', name: 'Nobody', share: 10, control: true },
        ],
      };
      const assigned = await marketing.experiments.split(
        results.map((lead) => ({ campaign, lead })),
        control,
      );
      const lead = results[0] ?? 0;
      const { variant } = assigned[0] ?? assert.fail();
      const counts = async (): Promise<object | undefined> =>
        (await only()).variants.find(({ key }) => key === variant)?.counts;
      const did = (type: string, more: object = {}): Promise<unknown> =>
        marketing.events.record({ type, lead, ...more });
      const at = clock.now();
      await clock.advance(1_000);
      const inCampaign = { campaignId: campaign };
      await marketing.leads.engage(
        [
          { leadId: lead, type: 'email_opened', ...inCampaign, metadata: { machine: true } },
          { leadId: lead, type: 'email_clicked', ...inCampaign, metadata: { machine: true } },
          { leadId: lead, type: 'email_clicked', campaignId: undefined as unknown as number },
          { leadId: lead, type: 'email_clicked', ...inCampaign, at: at - 1 },
        ].map(({ campaignId, ...one }) => ({ ...one, ...(campaignId === undefined ? {} : { campaignId }) })),
      );
      const before = await counts();
      assert.deepEqual(before, {
        ...zero(),
        exposed: (before as { exposed: number }).exposed,
        expected: (before as { expected: number }).expected,
      });
      await marketing.leads.engage([
        { leadId: lead, type: 'email_clicked', eventId: 'c1', ...inCampaign },
        { leadId: lead, type: 'email_clicked', eventId: 'c2', ...inCampaign },
        { leadId: lead, type: 'email_opened', eventId: 'o1', ...inCampaign },
        { leadId: lead, type: 'email_opened', eventId: 'o1', ...inCampaign },
      ]);
      await did('purchase', { eventId: 'p1', metadata: { value: 10 } });
      await did('purchase', { eventId: 'p2', metadata: { value: 5.5 } });
      await did('purchase', { eventId: 'p2', metadata: { value: 5.5 } });
      assert.deepEqual(await counts(), {
        ...before,
        opened: 1,
        clicked: 1,
        converted: 1,
        revenue: 15.5,
        revenueSquares: 15.5 ** 2,
      });
      // Engagements in the campaign carry the variant.
      const [row] = await marketing.scope.all<{ variant: string }>(
        `SELECT variant FROM marketing_engagements WHERE tenant_id = :tenant AND event_id = 'c1'`,
      );
      assert.equal(row?.variant, variant);
      await did('purchase', { eventId: 'p3', metadata: { value: 100 }, at: at + 8 * 86_400_000 });
      assert.equal(((await counts()) as { revenue: number }).revenue, 15.5, 'after the window');
      await marketing.leads.remove(lead);
      assert.equal(((await counts()) as { clicked: number }).clicked, 1, 'counters are about nobody');
    });

    it('names a winner by the clock, moves everybody who comes then, and shows what comes late without counting it', async () => {
      const told: string[] = [];
      marketing.outbox.on('marketing.experiment.*', ({ type }) => void told.push(type));
      await split(1, 200);
      await clicks({ A: [3_000, 600], B: [3_000, 800] });
      await clock.advance(11 * 60_000);
      await settled(async () => (await only()).state === 'decided');
      const experiment = await only();
      assert.equal(experiment.winner, 'B');
      assert.equal(experiment.decision?.method, 'experiments/1');
      assert.deepEqual(experiment.ranges, [{ variant: 'B', from: 0, to: 10_000 }]);
      assert.deepEqual(experiment.decision?.inputs['B']?.clicked, 800);
      assert.ok((await split(1_000, 1_100)).every(({ variant, because }) => variant === 'B' && because === 'decided'));
      assert.deepEqual(new Set((await split(1, 200)).map(({ variant }) => variant)), new Set(['A', 'B']));
      const report = await marketing.experiments.report(experiment.id);
      assert.equal(report.verdict.kind, 'winner');
      assert.equal(report.variants[1]?.exposed, 3_000);
      assert.equal(report.variants[1]?.late?.exposed, 101);
      assert.equal(await history('experiment.decided'), 1);
      assert.deepEqual(told, ['marketing.experiment.started', 'marketing.experiment.decided']);
      assert.deepEqual(await marketing.timers.list('experiment'), []);
      await assert.rejects(marketing.experiments.decide(experiment.id, 'A'), { code: 'E_EXPERIMENT_STATE' });
    });

    it('keeps the least p of all looks, and names nobody while the sample ratio is wrong', async () => {
      await split(1, 200);
      await clicks({ A: [2_000, 400], B: [2_000, 450] });
      const { id } = await only();
      await marketing.experiments.look(id);
      const first = (await only()).looks.pairs?.['A|B'];
      assert.ok(first && first.p < 1 && first.ahead === 'B');
      await clicks({ A: [2_500, 500], B: [2_500, 500] });
      await marketing.experiments.look(id);
      assert.deepEqual((await only()).looks.pairs?.['A|B'], first);
      await clicks({ A: [3_000, 600], B: [3_300, 1_000] });
      await marketing.scope.run(
        'UPDATE marketing_variants SET expected = 3150 WHERE tenant_id = :tenant AND experiment_id = :id',
        { id },
      );
      await marketing.experiments.look(id);
      const report = await marketing.experiments.report(id);
      assert.equal(report.verdict.kind, 'blocked');
      assert.equal(report.state, 'running');
    });

    it('looks once at the planned size, and "no winner" is an outcome', async () => {
      await split(1, 200, { ...AB, settings: { ...AB.settings, rule: 'planned_size' } });
      const { id } = await clicks({ A: [6_000, 1_200], B: [6_000, 1_500] });
      await marketing.experiments.look(id);
      assert.equal((await only()).state, 'running');
      await clicks({ A: [6_600, 1_320], B: [6_600, 1_330] });
      await marketing.experiments.look(id);
      assert.equal((await only()).state, 'running', 'those who came last have time to answer');
      await fullSince(25);
      await marketing.experiments.look(id);
      const experiment = await only();
      assert.equal(experiment.state, 'decided');
      assert.equal(experiment.winner, undefined);
      assert.equal(experiment.decision?.winner, null);
      assert.ok((await split(1_000, 1_050)).every(({ variant }) => variant === 'A'));
    });

    it('does not end with nothing found before people have had time to answer', async () => {
      await split(1, 200, { ...AB, settings: { ...AB.settings, maxSample: 3_000 } });
      // A campaign that is sent within minutes: everybody has been shown something, and hardly anybody has looked yet.
      const { id } = await clicks({ A: [5_000, 12], B: [5_000, 9] });
      await marketing.experiments.look(id);
      await fullSince(3);
      await marketing.experiments.look(id);
      const early = await only();
      assert.deepEqual([early.state, (await marketing.experiments.report(id)).verdict.kind], ['running', 'undecided']);
      await clicks({ A: [5_000, 1_000], B: [5_000, 1_300] });
      await marketing.experiments.look(id);
      assert.equal((await only()).winner, 'B');
    });

    it('is not kept from deciding by a variant that gets nobody', async () => {
      await split(1, 300);
      await marketing.experiments.clone((await only()).id, 'A', { name: 'Never shown', key: 'C' });
      const { id } = await clicks({ A: [3_000, 600], B: [3_000, 800] });
      await marketing.experiments.look(id);
      assert.equal((await only()).winner, 'B');
    });

    it('does not call the only variant that is left a winner', async () => {
      await split(1, 300);
      const { id } = await clicks({ A: [3_000, 600], B: [40, 8] });
      await marketing.experiments.allocate(id, { A: 100, B: 0 });
      await marketing.experiments.look(id);
      assert.deepEqual(
        [(await only()).state, (await marketing.experiments.report(id)).verdict.kind],
        ['running', 'undecided'],
      );
    });

    it('leaves it to a person where shares were changed while it ran: the times may have made the difference', async () => {
      await split(1, 200);
      const { id } = await clicks({ A: [3_000, 600], B: [3_000, 800] });
      await marketing.experiments.allocate(id, { A: 20, B: 80 });
      await marketing.experiments.look(id);
      const { state, looks } = await only();
      assert.equal(state, 'running');
      assert.equal(looks.found?.winner, 'B');
      assert.match(looks.found?.because ?? '', /shares were changed/);
    });

    it('knows all experiments of a group, also when it has to forget others', async () => {
      const other = (await marketing.campaigns.create({ name: 'Autumn', definition: 'sales' })).id;
      const assigner = new Assigner(marketing.scope, 0);
      await split(1, 10);
      await marketing.experiments.split([{ campaign: other, lead: 1 }], AB);
      const asIs = { create: () => Promise.resolve(false), begin: () => Promise.resolve(false) };
      const ask = (...campaigns: number[]): ReturnType<Assigner['assign']> =>
        assigner.assign(
          campaigns.map((one) => ({ campaign: one, lead: 1 })),
          AB.key,
          asIs,
        );
      await ask(campaign);
      assert.deepEqual(
        (await ask(campaign, other)).map((one) => one?.because),
        ['stays', 'stays'],
      );
    });

    it('tells what was found and waits for a person where the winner does not take over by itself', async () => {
      const told: unknown[] = [];
      marketing.outbox.on('marketing.experiment.found', ({ data }) => void told.push(data));
      await split(1, 200, { ...AB, settings: { ...AB.settings, autoWinner: false } });
      const { id } = await clicks({ A: [3_000, 600], B: [3_000, 800] });
      await marketing.experiments.look(id);
      await marketing.experiments.look(id);
      const report = await marketing.experiments.report(id);
      assert.equal(report.state, 'running');
      assert.equal(report.verdict.kind, 'winner');
      assert.equal(told.length, 1);
      await assert.rejects(marketing.experiments.decide(id, 'Z'), { code: 'E_UNKNOWN_VARIANT' });
      const decided = await marketing.experiments.decide(id, 'A', { actor: 'user:mia', reason: 'we like it' });
      assert.equal(decided.decision?.by, 'user:mia');
      assert.equal(decided.winner, 'A');
    });

    it('moves a bandit to what does well, and says nothing about significance', async () => {
      await split(1, 200, { ...AB, settings: { ...AB.settings, mode: 'bandit' } });
      const { id } = await clicks({ A: [500, 50], B: [500, 80] });
      await marketing.experiments.look(id);
      const experiment = await only();
      assert.ok((experiment.variants[1]?.share ?? 0) > 90 && (experiment.variants[0]?.share ?? 0) >= 5);
      const report = await marketing.experiments.report(id);
      assert.deepEqual(report.pairs, []);
      assert.equal(report.overall, undefined);
      assert.equal(report.sampleRatio, undefined);
      assert.ok(report.warnings.some(({ code }) => code === 'bandit'));
      assert.doesNotMatch(JSON.stringify(report.verdict), /signific/);
    });

    it('starts no test below 100 people: everybody gets the baseline, and it says why', async () => {
      await leadsOf(40);
      await marketing.definitions.deploy('flow', [
        {
          key: 'hello',
          name: 'Hello',
          entry: 'start',
          entryMode: 'launch',
          onUnknown: 'hold',
          stations: [{ step: 'start', kind: 'trigger', node: 'n1', hash: 'h', forks: false }],
          body: {},
        },
      ]);
      const small = await marketing.campaigns.create({ name: 'Small', definition: 'hello' });
      await marketing.campaigns.launch(small.id);
      const who = Array.from({ length: 40 }, (_, at) => ({ campaign: small.id, lead: at + 1 }));
      const given = await marketing.experiments.split(who, AB);
      assert.ok(given.every(({ variant, because }) => variant === 'A' && because === 'too_small'));
      const [experiment] = await marketing.experiments.list({ campaign: small.id });
      assert.equal(experiment?.state, 'too_small');
      assert.equal(experiment?.variants[0]?.counts.exposed, 0);
      assert.equal(await history('experiment.not_started'), 1);
      // What an active campaign says is changed in a pause: an approval may be about it.
      const content = { sms: { text: 'Something else' } };
      const refused = { code: 'E_CAMPAIGN_STATE' };
      const words = {
        variants: [
          { name: 'one', share: 50 },
          { name: 'two', share: 50, content },
        ],
      };
      await assert.rejects(marketing.experiments.create(small.id, words), refused);
      const id = experiment?.id ?? 0;
      await assert.rejects(marketing.experiments.clone(id, 'A', { name: 'x', content }), refused);
      // Nothing is asked anew for the same run.
      await marketing.experiments.split(who, AB);
      assert.equal(await history('experiment.not_started'), 1);
    });

    it('clones a variant, with five at most, and follows what a node says after a deploy', async () => {
      await split(1, 100);
      const { id } = await only();
      const cloned = await marketing.experiments.clone(id, 'A', { name: 'Plain, again', key: 'A2' });
      assert.equal(cloned.variants.find(({ key }) => key === 'A2')?.share, 0);
      await assert.rejects(marketing.experiments.clone(id, 'A', { name: 'x', key: 'A2' }), { code: 'E_EXPERIMENT' });
      await marketing.experiments.clone(id, 'A', { name: 'x', key: 'A3' });
      await marketing.experiments.clone(id, 'A', { name: 'x', key: 'A4' });
      await assert.rejects(marketing.experiments.clone(id, 'A', { name: 'x', key: 'A5' }), { code: 'E_EXPERIMENT' });
      const again = {
        ...AB,
        variants: [
          { key: 'A', name: 'Plain', share: 20 },
          { key: 'B', name: 'Loud', share: 80 },
        ],
      };
      await split(1, 100, again);
      const experiment = await only();
      assert.deepEqual(
        experiment.variants.map(({ share }) => share),
        [20, 80, 0, 0, 0],
      );
      assert.equal(experiment.variants[0]?.counts.exposed, cloned.variants[0]?.counts.exposed);
    });

    it("keeps the tenant's control group out of every send, the same people when it grows", async () => {
      assert.deepEqual(await marketing.controlGroup.get(), { percent: 0 });
      await assert.rejects(marketing.controlGroup.set({ percent: 21 }), { code: 'E_CONTROL_GROUP' });
      await assert.rejects(marketing.controlGroup.set({ percent: 5 }, { actor: VIEWER }), { code: 'E_FORBIDDEN' });
      await marketing.controlGroup.set({ percent: 5 });
      const all = Array.from({ length: 20_000 }, (_, at) => at + 1);
      const few = await marketing.controlGroup.members(all);
      await marketing.controlGroup.set({ percent: 10 });
      const more = await marketing.controlGroup.members(all);
      assert.ok(Math.abs(few.size - 1_000) < 120 && Math.abs(more.size - 2_000) < 160);
      for (const lead of few) assert.ok(more.has(lead));
    });

    it('leaves nothing behind of a campaign that is deleted for good', async () => {
      await split(1, 20);
      await marketing.campaigns.remove(campaign);
      await marketing.campaigns.purgeDeleted(clock.now() + 1);
      for (const table of ['experiments', 'variants', 'exposures']) {
        assert.deepEqual(
          await marketing.scope.all(`SELECT id FROM marketing_${table} WHERE tenant_id = :tenant`),
          [],
          table,
        );
      }
    });

    async function leadsOf(count: number): Promise<{ results: number[] }> {
      const done = await marketing.leads.upsertAll(
        Array.from({ length: count }, (_, at) => ({ email: `p${at}@example.org` })),
      );
      return { results: done.flatMap((one) => ('id' in one && typeof one.id === 'number' ? [one.id] : [])) };
    }
    async function settled(holds: () => Promise<boolean>): Promise<void> {
      for (let turn = 0; turn < 2_000 && !(await holds()); turn++)
        await new Promise((resolve) => setImmediate(resolve));
    }
  });
});

function zero(): object {
  return { exposed: 0, opened: 0, clicked: 0, converted: 0, revenue: 0, revenueSquares: 0, expected: 0 };
}
