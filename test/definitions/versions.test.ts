import assert from 'node:assert/strict';
import type { Principal } from '../../lib/access';
import { VirtualClock } from '../../lib/clock';
import { Definitions } from '../../lib/definitions';
import type { Scope } from '../../lib/store';
import { planJourneys, type FlowConfig } from '../../nodes/kit/graph';
import { eachDatabase } from '../kit/databases';
import { delay, node, send, TAB, trigger } from '../nodes/flows';

const nobody: Principal = { id: 'eve', roles: [] };

/** A flow with a subflow, a group, an ordinary node, config nodes and things beside the journey. */
function flow(more: Record<string, unknown> = {}): FlowConfig[] {
  return [
    {
      ...TAB,
      env: [
        { name: 'KEY', type: 'cred', value: 's3cret' },
        { name: 'HOST', type: 'str', value: 'h' },
      ],
    },
    { id: 'store', type: 'marketing-store', databaseUrl: 'postgres://u:s3cret@db/x', credentials: { a: 's3cret' } },
    { id: 'group', type: 'group', z: 'tab', nodes: ['welcome', 'beside'], x: 1, y: 1, w: 9, h: 9 },
    trigger('welcome', [['instance']], { name: 'Welcome', g: 'group', credentials: { key: 's3cret' } }),
    {
      id: 'template',
      type: 'subflow',
      name: 'Wait',
      in: [{ wires: [{ id: 'wait' }] }],
      out: [{ wires: [{ id: 'wait', port: 0 }] }],
    },
    delay('wait', [[]], { z: 'template', amount: '1', unit: 'days', ...more }),
    node('note', 'comment', [], { z: 'template' }),
    node('instance', 'subflow:template', [['mail']], { name: 'First' }),
    send('mail', [['seen'], [], []], { name: 'Mail', subject: '${SUBJECT}' }),
    node('seen', 'debug', []),
    node('beside', 'inject', [['welcome']], { g: 'group' }),
  ];
}

eachDatabase((db) => {
  describe('the versions of a drawn definition', () => {
    let clock: VirtualClock;
    let scope: Scope;
    let definitions: Definitions;

    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      scope = (await db.open({ clock })).tenant('test');
      definitions = new Definitions(scope);
    });

    const deploy = async (configs: FlowConfig[], running?: Map<string, Record<string, unknown>>): Promise<string[]> => {
      const plan = planJourneys(configs, running ? { running } : {});
      assert.deepEqual(plan.problems, []);
      const report = await definitions.deploy(
        'store',
        plan.definitions.map(({ declaration }) => declaration),
      );
      return report.changed;
    };

    it('are all kept, with stations and nodes', async () => {
      await deploy(flow());
      await clock.advance(1000);
      await deploy(flow({ amount: '2' }));
      assert.deepEqual(
        (await definitions.versions('welcome')).map(({ version, deployed, createdAt }) => ({
          version,
          deployed,
          createdAt,
        })),
        [
          { version: 2, deployed: true, createdAt: Date.UTC(2026, 0, 1) + 1000 },
          { version: 1, deployed: false, createdAt: Date.UTC(2026, 0, 1) },
        ],
      );
      const first = await definitions.version('welcome', 1);
      assert.equal(first.entry, 'welcome');
      assert.deepEqual(first.stations.map(({ step }) => step).sort(), ['first.wait', 'mail', 'welcome']);
      assert.equal(first.nodes.find(({ id }) => id === 'instance-wait')?.['amount'], '1');
      assert.deepEqual(await definitions.versions('other'), []);
      for (const version of [3, 0, -1, 1.5, NaN, 9e15])
        await assert.rejects(definitions.version('welcome', version), { code: 'E_UNKNOWN_DEFINITION' });
    });

    it('show what is different between them', async () => {
      await deploy(flow());
      await deploy(flow({ amount: '2' }));
      const changes = await definitions.diff('welcome', 1, 2);
      assert.deepEqual(
        changes.filter(({ path }) => !path.endsWith('/hash')),
        [{ path: '/nodes/instance-wait/amount', op: 'replace', before: '1', after: '2' }],
      );
      await deploy(
        flow()
          .filter(({ id }) => id !== 'seen')
          .map((config) => (config.id === 'welcome' ? { ...config, audience: 'segment', segment: 'gold' } : config)),
      );
      const later = await definitions.diff('welcome', 1, 3);
      assert.deepEqual(
        later.find(({ path }) => path === '/head/segment'),
        { path: '/head/segment', op: 'add', after: 'gold' },
      );
      assert.equal(later.find(({ path }) => path === '/nodes/seen')?.op, 'remove');
    });

    it('come back as a flow that deploys as the same definition', async () => {
      await deploy(flow());
      const before = await definitions.version('welcome', 1);
      await deploy(flow({ amount: '2' }));
      const restored = (await definitions.asFlow('welcome', 1)) as FlowConfig[];
      assert.deepEqual(restored.map(({ id }) => id).sort(), [
        'group',
        'instance',
        'mail',
        'note',
        'seen',
        'tab',
        'template',
        'wait',
        'welcome',
      ]);
      // Imported with "replace": nodes keep their ids, what is not in it stays.
      const ids = new Set(restored.map(({ id }) => id));
      assert.deepEqual(await deploy([...flow({ amount: '2' }).filter(({ id }) => !ids.has(id)), ...restored]), [
        'welcome',
      ]);
      const after = await definitions.version('welcome', 3);
      assert.equal(after.hash, before.hash);
      assert.deepEqual(after.nodes, before.nodes);
    });

    it('hold no secrets, and variables as they are written', async () => {
      const running = new Map([['mail', { subject: 'the value of the variable' }]]);
      await deploy(flow(), running);
      const text = JSON.stringify(await definitions.asFlow('welcome', 1));
      assert.ok(!text.includes('s3cret'));
      assert.ok(!text.includes('marketing-store'));
      assert.ok(text.includes('"${SUBJECT}"'));
      assert.ok(text.includes('"HOST"'));
      const [group] = (await definitions.asFlow('welcome', 1)).filter(({ type }) => type === 'group');
      assert.deepEqual(group?.['nodes'], ['welcome']);
    });

    it('do not become more when nodes are moved; the newest position is kept', async () => {
      assert.deepEqual(await deploy(flow()), ['welcome']);
      const moved = flow().map((config) => (config.id === 'mail' ? { ...config, x: 700, y: 300 } : config));
      assert.deepEqual(await deploy(moved.reverse()), []);
      const mail = (await definitions.asFlow('welcome', 1)).find(({ id }) => id === 'mail');
      assert.deepEqual([mail?.['x'], mail?.['y']], [700, 300]);
    });

    it('of releases that kept no drawing say so', async () => {
      await deploy(flow());
      await scope.run(`UPDATE marketing_definitions SET drawing = NULL WHERE tenant_id = :tenant`);
      assert.equal((await definitions.version('welcome', 1)).drawn, false);
      await assert.rejects(definitions.asFlow('welcome', 1), { code: 'E_NO_DRAWING' });
      await deploy(flow());
      assert.equal((await definitions.version('welcome', 1)).drawn, true, 'the next deploy brings it');
    });

    it('are read by who may read definitions', async () => {
      await deploy(flow());
      for (const read of [
        () => definitions.versions('welcome', { actor: nobody }),
        () => definitions.version('welcome', 1, { actor: nobody }),
        () => definitions.diff('welcome', 1, 1, { actor: nobody }),
        () => definitions.asFlow('welcome', 1, { actor: nobody }),
      ])
        await assert.rejects(async () => read(), { code: 'E_FORBIDDEN' });
    });
  });
});
