import assert from 'node:assert/strict';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { eventually } from '../kit/eventually';
import { bench } from '../kit/helper';

const TAB = { id: 'tab', type: 'tab', label: 'Tab' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store' };
const CATCH = { id: 'catch', type: 'catch', z: 'tab', x: 1, y: 1, scope: null, wires: [['caught']] };

function drawn(id: string, type: string, wires: string[][], properties: Record<string, unknown> = {}): object {
  return { id, type: `marketing-${type}`, z: 'tab', x: 1, y: 1, name: id, store: 'store', wires, ...properties };
}
function sink(id: string): object {
  return { id, type: 'helper', z: 'tab', x: 1, y: 1, wires: [] };
}

describe('score and goal nodes', function () {
  this.timeout(30_000);
  const red = bench();
  let data: Marketing;
  let ada = 0;

  async function start(flow: object[]): Promise<void> {
    await red.load([TAB, STORE, CATCH, sink('caught'), ...flow]);
    data = await openMarketing({
      database: { url: `sqlite:${path.join(red.userDir, 'marketing.sqlite')}` },
      work: false,
    });
    await eventually(async () => {
      const result = await data.leads.upsert({ email: 'ada@example.org', name: 'Ada', score: 5 });
      assert.ok(result.outcome !== 'rejected');
      ada = result.id;
    });
    await eventually(async () => assert.ok((await data.definitions.list()).length > 0));
  }
  afterEach(() => data?.close());

  const reasons = (): Promise<Record<string, number>> =>
    eventually(async () => {
      const { waiting, ended } = await data.campaigns.report('go');
      assert.equal(waiting, 0);
      return ended;
    });
  const conversions = async (): Promise<number> => {
    const { figures } = await data.metrics.of((await data.campaigns.get('go')).id);
    return figures.converted;
  };

  describe('score', () => {
    it('gives points once per step, and sends people on with the score that they have now', async () => {
      await start([
        drawn('go', 'trigger', [['give']]),
        drawn('give', 'score', [['hot', 'seen']], { amount: '20' }),
        drawn('hot', 'segment', [['out'], []], { mode: 'inline', condition: 'lead.score >= 25' }),
        sink('seen'),
        sink('out'),
      ]);
      red.node('go').receive({});
      const msg = await red.next('seen');
      assert.equal((msg.payload as { score: number }).score, 25);
      assert.equal((msg.payload as { name: string }).name, 'Ada');
      await red.next('out');
      // The same message once more, as after a crash.
      red.node('give').receive({ ...msg });
      await eventually(() => assert.equal(red.received('seen').length, 2));
      assert.equal((red.received('seen')[1]?.payload as { score: number }).score, 25);
      const { reasons: why } = await data.scoring.explain(ada);
      assert.deepEqual(
        why.map(({ name, points }) => [name, points]),
        [['give', 20]],
      );
      await eventually(() => assert.equal(red.badges('give').at(-1), 'green 2 scored'));
    });

    it('sets scores from a property, applies rules, and reports what is no number', async () => {
      await start([
        drawn('go', 'trigger', [['set']]),
        drawn('set', 'score', [['rules']], { action: 'set', amount: 'payload.name.length', amountType: 'msg' }),
        drawn('rules', 'score', [['out']], { action: 'event', event: 'webinar' }),
        drawn('bad', 'score', [['out']], { amount: 'payload.name', amountType: 'msg' }),
        sink('out'),
      ]);
      await data.scoring.rules.create({ key: 'webinar', event: 'webinar', points: 7 });
      red.node('go').receive({});
      const msg = await red.next('out');
      assert.equal((msg.payload as { score: number }).score, 10);
      assert.equal((await data.scoring.explain(ada)).base, 3);
      red.node('bad').receive(msg);
      const { error } = (await red.next('caught')) as unknown as { error: { code: string } };
      assert.equal(error.code, 'E_SCORE_POINTS');
    });
  });

  describe('goal', () => {
    it('counts a conversion once, however often the message comes, with its value', async () => {
      await start([
        drawn('go', 'trigger', [['goal']]),
        drawn('goal', 'goal', [['out'], []], { goal: 'signed', value: '12.5' }),
        sink('out'),
      ]);
      red.node('go').receive({});
      const msg = await red.next('out');
      red.node('goal').receive({ ...msg });
      await eventually(() => assert.equal(red.received('out').length, 2));
      assert.equal(await conversions(), 1);
      const { figures } = await data.metrics.of((await data.campaigns.get('go')).id);
      assert.equal(figures.revenue, 12.5);
      assert.deepEqual(await data.metrics.differences(), []);
      assert.deepEqual(await reasons(), { 'goal: signed': 1 });
      await eventually(() => assert.equal(red.badges('goal').at(-1), 'green 2 reached'));
    });

    it('ends the journey with all its branches, and who still comes from one goes no further', async () => {
      await start([
        drawn('go', 'trigger', [['wait', 'goal', 'late']]),
        drawn('wait', 'delay', [['out']], { amount: '10', unit: 'days' }),
        sink('late'),
        drawn('goal', 'goal', [['out'], []], { ends: 'all' }),
        drawn('wait2', 'delay', [['out']], { amount: '10', unit: 'days' }),
        sink('out'),
      ]);
      red.node('go').receive({});
      const late = await red.next('late');
      assert.deepEqual(await reasons(), { 'goal: goal': 1 });
      red.node('wait').receive(late);
      await eventually(async () => {
        const rows = await data.scope.all<{ state: string }>(
          `SELECT state FROM marketing_steps WHERE tenant_id = :tenant AND state NOT IN ('done', 'cancelled')`,
        );
        assert.deepEqual(rows, []);
      });
      assert.deepEqual(await reasons(), { 'goal: goal': 1 });
      assert.deepEqual(red.received('out'), []);
      assert.equal(await conversions(), 1);
    });

    it('asks whether something has happened since people entered, or a condition is true', async () => {
      await start([
        drawn('go', 'trigger', [['bought']]),
        drawn('bought', 'goal', [['yes'], ['no']], { when: 'event', event: 'purchase', convert: false }),
        drawn('rich', 'goal', [['yes'], ['no']], { when: 'condition', condition: 'lead.score > 50' }),
        sink('yes'),
        sink('no'),
      ]);
      await data.leads.engage([{ leadId: ada, type: 'purchase', at: Date.now() - 60_000 }]);
      red.node('go').receive({});
      const msg = await red.next('no');
      await data.leads.engage([{ leadId: ada, type: 'purchase' }]);
      red.node('bought').receive({ ...msg });
      await red.next('yes');
      red.node('rich').receive({ ...msg });
      await eventually(() => assert.equal(red.received('no').length, 2));
      await data.leads.update(ada, { score: 60 });
      // The message still says 5: the store is asked.
      red.node('rich').receive({ ...msg });
      await eventually(() => assert.equal(red.received('yes').length, 2));
      const { trail } = red.received('yes').at(-1)?.['journey'] as { trail: { node: string; outcome: string }[] };
      assert.deepEqual([trail.at(-1)?.node, trail.at(-1)?.outcome], ['rich', 'reached']);
      assert.equal(await conversions(), 1);
    });
  });
});
