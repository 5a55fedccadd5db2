import assert from 'node:assert/strict';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { eventually } from '../kit/eventually';
import { bench } from '../kit/helper';

const TAB = { id: 'tab', type: 'tab', label: 'Tab' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store' };
const CATCH = { id: 'catch', type: 'catch', z: 'tab', x: 1, y: 1, scope: null, wires: [['caught']] };
const VARIANTS = [
  { key: 'A', name: 'Plain', share: 40 },
  { key: 'B', name: 'Loud', share: 40 },
];

function drawn(id: string, type: string, wires: string[][], properties: Record<string, unknown> = {}): object {
  return { id, type, z: 'tab', x: 1, y: 1, name: id, store: 'store', wires, ...properties };
}
function sink(id: string): object {
  return { id, type: 'helper', z: 'tab', x: 1, y: 1, wires: [] };
}

describe('the split node', function () {
  this.timeout(30_000);
  const red = bench();
  let marketing: Marketing | undefined;

  async function look(): Promise<Marketing> {
    marketing ??= await openMarketing({
      database: { url: `sqlite:${path.join(red.userDir, 'marketing.sqlite')}` },
      work: false,
    });
    return marketing;
  }
  afterEach(async () => {
    await marketing?.close();
    marketing = undefined;
  });

  it('sends each person through the output of their variant, with bucket and variant on the trail; the control ends there', async () => {
    await red.load([
      TAB,
      STORE,
      drawn('go', 'marketing-trigger', [['Try']]),
      drawn('Try', 'marketing-split', [['a'], ['b'], []], { variants: VARIANTS, control: true, controlShare: '20' }),
      sink('a'),
      sink('b'),
    ]);
    const data = await look();
    await eventually(async () => assert.ok((await data.definitions.list()).length > 0));
    await data.leads.upsertAll(Array.from({ length: 120 }, (_, at) => ({ email: `p${at}@example.org` })));
    red.node('go').receive({ payload: 1 });
    const [experiment] = await eventually(async () => {
      const found = await data.experiments.list();
      assert.equal(
        found[0]?.variants.reduce((sum, { counts }) => sum + counts.exposed, 0),
        120,
      );
      return found;
    });
    assert.equal(experiment?.key, 'go/try');
    const exposed = experiment?.variants.map(({ counts }) => counts.exposed) ?? [];
    await eventually(() => {
      assert.equal(red.received('a').length, exposed[0]);
      assert.equal(red.received('b').length, exposed[1]);
    });
    const { trail } = (red.received('b')[0] as unknown as { journey: { trail: Record<string, unknown>[] } }).journey;
    const [{ node, kind, outcome, saw } = {}] = trail;
    assert.deepEqual([node, kind, outcome], ['Try', 'split', 'B']);
    assert.ok(Number((saw as { bucket: number }).bucket) >= 0);
    await eventually(async () =>
      assert.equal((await data.campaigns.report('go')).ended['control group of an experiment'], exposed[2]),
    );
    await eventually(() => assert.equal(red.badges('Try').at(-1), 'green 120 divided'));
  });

  it('refuses messages where the shares are not 100 percent, and says what is wrong', async () => {
    await red.load([
      TAB,
      STORE,
      CATCH,
      sink('caught'),
      drawn('n', 'marketing-split', [[], []], { variants: [VARIANTS[0], { ...VARIANTS[1], share: 50 }] }),
    ]);
    assert.equal(red.badges('n').at(-1), 'red not complete');
    red.node('n').receive({ payload: { id: 1 } });
    const { error } = (await red.next('caught')) as unknown as { error: { code?: string; message: string } };
    assert.equal(error.code, 'E_EXPERIMENT');
    assert.match(error.message, /sum to 100 percent/);
  });
});
