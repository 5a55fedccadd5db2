import assert from 'node:assert/strict';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { bench } from '../kit/helper';
import { eventually } from '../kit/eventually';

const TAB = { id: 'tab', type: 'tab', label: 'Tab' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store' };
const sink = (id: string): object => ({ id, type: 'helper', z: 'tab', x: 1, y: 1, wires: [] });
const drawn = (id: string, type: string, wires: string[][], properties: Record<string, unknown> = {}): object => ({
  id,
  type,
  z: 'tab',
  x: 1,
  y: 1,
  name: id,
  store: 'store',
  wires,
  ...properties,
});

describe('the roi node', function () {
  this.timeout(30_000);
  const red = bench();
  let marketing: Marketing;

  afterEach(() => marketing.close());

  async function open(properties: Record<string, unknown>): Promise<void> {
    await red.load([
      TAB,
      STORE,
      drawn('journey', 'marketing-trigger', [['guard']], { audience: 'everybody' }),
      drawn('guard', 'marketing-roi', [['within'], ['breached']], properties),
      sink('within'),
      sink('breached'),
    ]);
    marketing = await openMarketing({
      database: { url: `sqlite:${path.join(red.userDir, 'marketing.sqlite')}` },
      work: false,
    });
    await eventually(async () => assert.ok((await marketing.definitions.list()).length > 0));
    const leads = Array.from({ length: 8 }, (_, nth) => ({ email: `lead${nth}@example.org` }));
    await marketing.leads.upsertAll(leads);
    await marketing.campaigns.ensure('journey');
  }
  const went = (within: number, breached: number): Promise<void> =>
    eventually(() =>
      assert.deepEqual([red.received('within').length, red.received('breached').length], [within, breached]),
    );

  it('lets everybody through whose campaign has money, or no budget, with the figures on the trail', async () => {
    await open({});
    await marketing.campaigns.launch('journey');
    await went(8, 0);
    const { trail } = (await red.next('within'))['journey'] as { trail: Record<string, unknown>[] };
    assert.deepEqual(
      trail.map(({ node, kind, outcome, because }) => [node, kind, outcome, because]),
      [['guard', 'roi', 'within budget', 'the campaign has no budget']],
    );
    await eventually(() => assert.match(red.badges('guard').at(-1) ?? '', /^green /));
  });

  it('sends them the other way once the budget is used up', async () => {
    await open({});
    await marketing.campaigns.update('journey', { budget: 10 });
    await marketing.roi.addCost('journey', { label: 'Agency', amount: 10 });
    await marketing.campaigns.launch('journey');
    await went(0, 8);
    const { trail } = (await red.next('breached'))['journey'] as { trail: Record<string, unknown>[] };
    assert.deepEqual(trail[0]?.['saw'], { budget: 10, cost: 10, reserved: 0, left: 0 });
  });

  it('books what each person costs, for as many as there is money for, once each', async () => {
    await open({ cost: '2.5' });
    await marketing.campaigns.update('journey', { budget: 12 });
    await marketing.campaigns.launch('journey');
    await went(4, 4);
    const { fixed, left } = await marketing.roi.report('journey');
    assert.deepEqual([fixed, left], [10, 2]);
    // The same message once more, as after a crash.
    red.node('guard').receive(await red.next('within'));
    await went(5, 4);
    assert.equal((await marketing.roi.report('journey')).fixed, 10);
    assert.deepEqual(
      (await marketing.roi.costs('journey')).map(({ kind, label, amount }) => [kind, label, amount]),
      Array.from({ length: 4 }, () => ['booked', 'guard', 2.5]),
    );
  });
});
