import assert from 'node:assert/strict';
import type { NodeAPI } from 'node-red';
import { openMarketing, type Marketing } from '../../lib';
import { MarketingError } from '../../lib/errors';
import { registerNode, DROPPED, type NodeKit } from '../../nodes/kit/node';
import { runningStores } from '../../nodes/kit/store-node';
import { bench } from '../kit/helper';
import { eventually } from '../kit/eventually';

const TAB = { id: 'tab', type: 'tab', label: 'Tab' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store' };
const CATCH = { id: 'catch', type: 'catch', z: 'tab', x: 1, y: 1, scope: null, wires: [['caught']] };
const COMPLETE = { id: 'complete', type: 'complete', z: 'tab', x: 1, y: 1, scope: ['n'], wires: [['completed']] };

function drawn(id: string, type: string, wires: string[][], properties: Record<string, unknown> = {}): object {
  return { id, type, z: 'tab', x: 1, y: 1, name: id, store: 'store', wires, ...properties };
}
function sink(id: string): object {
  return { id, type: 'helper', z: 'tab', x: 1, y: 1, wires: [] };
}

/** The store as the nodes use it. */
function inside(): Marketing {
  const state = runningStores().get('store')?.connection.state;
  assert.equal(state?.kind, 'open');
  return (state as { marketing: Marketing }).marketing;
}

describe('the base of all nodes', function () {
  this.timeout(30_000);
  let start: (kit: NodeKit) => void = () => undefined;
  const red = bench([
    (RED: NodeAPI) => registerNode(RED, { type: 'test-node', migrations: [], start: (kit) => start(kit) }),
  ]);
  const FLOW = [
    TAB,
    CATCH,
    COMPLETE,
    sink('caught'),
    sink('completed'),
    drawn('n', 'test-node', [['a'], ['b']]),
    sink('a'),
    sink('b'),
  ];
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('ends each message once: done when the handler resolves, an error with its code and cause when it does not', async () => {
    start = (kit) =>
      kit.onInput(async (msg) => {
        await Promise.resolve();
        if (msg.topic === 'fail')
          throw new MarketingError('E_TEST', 'It was asked to fail.', { cause: new Error('root') });
      });
    await red.load(FLOW);
    red.node('n').receive({ topic: 'fine' });
    red.node('n').receive({ topic: 'fail' });
    await turns();
    assert.deepEqual(
      red.received('completed').map(({ topic }) => topic),
      ['fine'],
    );
    assert.equal(red.received('caught').length, 1);
    const { error } = red.received('caught')[0] as unknown as {
      error: { code: string; cause: Error; message: string };
    };
    assert.equal(error.code, 'E_TEST');
    assert.equal(error.cause.message, 'root');
    assert.match(error.message, /asked to fail/);
  });

  it('lets no error escape, whatever is thrown and whenever', async () => {
    const escaped: unknown[] = [];
    const hear = (error: unknown): void => void escaped.push(error);
    process.on('unhandledRejection', hear);
    try {
      start = (kit) =>
        kit.onInput((msg) => {
          if (msg.topic === 'sync') throw new Error('at once');
          const thrown: unknown = msg.topic === 'text' ? 'only text' : new Error('later');
          return Promise.reject(thrown);
        });
      await red.load(FLOW);
      for (const topic of ['sync', 'text', 'async']) red.node('n').receive({ topic });
      await turns();
      const errors = red.received('caught') as unknown as { error: { message: string; code?: string } }[];
      assert.deepEqual(errors.map(({ error }) => error.message.replace(/^.*?Error: /, '')).sort(), [
        'at once',
        'later',
        'only text',
      ]);
      assert.deepEqual(escaped, []);
    } finally {
      process.off('unhandledRejection', hear);
    }
  });

  it('says nothing about a message that it dropped because it closes', async () => {
    start = (kit) => kit.onInput(() => Promise.resolve(DROPPED));
    await red.load(FLOW);
    red.node('n').receive({});
    await turns();
    assert.deepEqual([red.received('completed'), red.received('caught')], [[], []]);
  });

  it('sends one message or several, in order, through the output that is meant, following the wires as they are', async () => {
    let kit: NodeKit | undefined;
    start = (own) => {
      kit = own;
    };
    await red.load(FLOW);
    kit?.send(1, [{ payload: 1 }, { payload: 2 }]);
    kit?.send(0, { payload: 3 });
    await turns();
    assert.deepEqual(
      red.received('b').map(({ payload }) => payload),
      [1, 2],
    );
    assert.deepEqual(
      red.received('a').map(({ payload }) => payload),
      [3],
    );
    assert.equal(kit?.wired(1), true);
    red.node('n').updateWires([['a'], []] as unknown as [][]);
    assert.equal(kit?.wired(1), false);
    assert.equal(kit?.wired(7), false);
  });

  it('closes when its messages are done, in the reverse order of what it opened, whatever one closer throws', async () => {
    const order: string[] = [];
    let release: () => void = () => undefined;
    start = (kit) => {
      kit.onClose((removed) => void order.push(`store ${removed}`));
      kit.onClose(() => Promise.reject(new Error('no')));
      kit.onClose(() => void order.push('station'));
      kit.onInput(() => new Promise<void>((resolve) => (release = resolve)).then(() => void order.push('message')));
      kit.closing.addEventListener('abort', () => {
        order.push('closing');
        release();
      });
    };
    await red.load(FLOW);
    red.node('n').receive({});
    await turns();
    await red.deploy(
      FLOW.filter((node) => (node as { id: string }).id !== 'n'),
      'nodes',
    );
    assert.deepEqual(order, ['closing', 'message', 'station', 'store true']);
  });

  it('keeps a node whose start failed: it refuses every message with the reason', async () => {
    start = () => {
      throw new MarketingError('E_BROKEN', 'This node is not complete.');
    };
    await red.load(FLOW);
    red.node('n').receive({});
    assert.equal(((await red.next('caught')) as unknown as { error: { code: string } }).error.code, 'E_BROKEN');
    await eventually(() => assert.equal(red.badges('n').at(-1), 'red not complete'));
  });

  describe('and the store', () => {
    it('stays open while other nodes are deployed, and is another after its own deploy', async () => {
      const flow = (info: string, store: object = STORE): object[] => [
        TAB,
        store,
        drawn('lead', 'marketing-lead', [[]], { info }),
      ];
      await red.load(flow('1'));
      await eventually(() => inside());
      const before = inside();
      await red.deploy(flow('2'), 'nodes');
      await red.deploy(flow('3'), 'flows');
      assert.equal(inside(), before);
      assert.equal((await before.health()).ok, true);
      await red.deploy(flow('3', { ...STORE, name: 'Renamed' }), 'nodes');
      await eventually(() => assert.notEqual(inside(), before));
      assert.equal((await before.health()).ledger, 'closed');
      assert.equal((await inside().health()).ok, true);
    });

    it('asks the database once for people who arrive together', async () => {
      await red.load([
        TAB,
        STORE,
        drawn('go', 'marketing-trigger', [['free']]),
        drawn('free', 'marketing-consent', [['in'], []], { requireConsent: 'none' }),
        drawn('in', 'marketing-segment', [['out'], []], { mode: 'inline', condition: 'lead.score >= 0' }),
        sink('out'),
      ]);
      await eventually(async () => assert.equal((await inside().definitions.list()).length, 1));
      const marketing = inside();
      await marketing.leads.upsertAll(
        Array.from({ length: 1_000 }, (_, index) => ({ email: `p${index}@example.org` })),
      );
      const { sendability } = marketing.leads;
      const groups: number[] = [];
      marketing.leads.sendability = (ids, ...rest) => {
        groups.push(ids.length);
        return sendability.call(marketing.leads, ids, ...rest);
      };
      red.node('go').receive({});
      await eventually(() => assert.equal(red.received('out').length, 1_000));
      assert.equal(
        groups.reduce((sum, group) => sum + group, 0),
        1_000,
      );
      assert.ok(groups.length <= 20, `${groups.length} statements for 1,000 people`);
    });

    it('leaves people of a deleted store as orphans, which come back with their journey', async () => {
      const journey = [drawn('go', 'marketing-trigger', [['wait']]), drawn('wait', 'marketing-delay', [[]])];
      await red.load([TAB, STORE, ...journey]);
      await eventually(async () => assert.equal((await inside().definitions.list()).length, 1));
      await inside().leads.upsertAll([{ email: 'ada@example.org' }]);
      red.node('go').receive({});
      await eventually(async () =>
        assert.equal((await inside().campaigns.report('go')).stations.find(({ step }) => step === 'wait')?.waiting, 1),
      );
      await red.deploy([TAB, sink('nothing')], 'full');
      const outside = await openMarketing({ database: { url: `sqlite:${red.userDir}/marketing.sqlite` }, work: false });
      try {
        assert.deepEqual(await outside.campaigns.orphans(), [{ definition: 'go', step: 'wait', people: 1 }]);
        assert.equal((await outside.definitions.get('go'))?.deployed, false);
        await red.deploy([TAB, STORE, ...journey], 'full');
        await eventually(async () => assert.deepEqual(await outside.campaigns.orphans(), []));
      } finally {
        await outside.close();
      }
    });
  });
});
