import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { NODE_RED_VERSIONS, startNodeRed, type DeployType, type Flow, type NodeRed } from '../kit/node-red';
import { eventually } from '../kit/eventually';

const PEOPLE = 1_000;
const DAY = 86_400_000;

interface Waiting {
  lead: number;
  due: number;
}

const TAB = { id: 'tab', type: 'tab', label: 'Journey' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store', tenant: 'default', configVersion: 1 };

function drawn(
  id: string,
  type: string,
  wires: string[][],
  properties: Record<string, unknown> = {},
): Record<string, unknown> {
  return { id, type, z: 'tab', x: 100, y: 100, name: id, store: 'store', configVersion: 1, wires, ...properties };
}

/** trigger → wait (400 days) → later. `more` is drawn besides. */
function journey(wait: Record<string, unknown> = {}, ...more: Record<string, unknown>[]): Flow {
  return [
    TAB,
    STORE,
    drawn('go', 'marketing-trigger', [['wait']]),
    drawn('wait', 'marketing-delay', [['later']], { amount: '400', unit: 'days', ...wait }),
    drawn('later', 'marketing-delay', [[]], { amount: '1', unit: 'hours' }),
    ...more,
  ];
}

for (const version of NODE_RED_VERSIONS) {
  describe(`deploys with people inside [${version}]`, function () {
    this.timeout(120_000);
    let nodeRed: NodeRed;
    let marketing: Marketing;

    async function start(flow: Flow): Promise<void> {
      nodeRed = await startNodeRed({ version, flow });
      marketing = await openMarketing({
        database: { url: `sqlite:${path.join(nodeRed.userDir, 'marketing.sqlite')}` },
        work: false,
      });
      const people = Array.from({ length: PEOPLE }, (_, index) => ({
        email: `p${index}@example.org`,
        name: `Person ${index}`,
      }));
      await marketing.leads.upsertAll(people);
      await eventually(async () => assert.equal((await marketing.definitions.list()).length, 1));
    }
    afterEach(async () => {
      await marketing?.close();
      await nodeRed?.stop();
    });

    function at(step: string, state = 'waiting'): Promise<Waiting[]> {
      return marketing.scope.all<Waiting & object>(
        `SELECT s.lead_id AS lead, s.due_at AS due FROM marketing_steps s
         JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant AND t.step = :step
         WHERE s.tenant_id = :tenant AND s.state = :state ORDER BY s.lead_id`,
        { step, state },
      );
    }
    async function launchAndWait(step: string): Promise<Waiting[]> {
      await nodeRed.post('marketing/trigger/go/launch');
      return eventually(async () => {
        const people = await at(step);
        assert.equal(people.length, PEOPLE);
        return people;
      }, 60_000);
    }
    /** Deploys and waits until Node-RED has started what changed and the store has followed. */
    async function deploy(flow: Flow, type: DeployType): Promise<void> {
      const before = nodeRed.log().split('Started').length;
      await nodeRed.deploy(flow, type);
      await eventually(() => assert.ok(nodeRed.log().split('Started').length > before));
      await eventually(() => nodeRed.get('marketing/trigger/go/estimate'));
    }

    it('full, flows and nodes deploys lose nobody and keep due times', async () => {
      await start(journey());
      const before = await launchAndWait('wait');
      const due = before.map((person) => person.due);
      assert.ok(Math.min(...due) > Date.now() + 399 * DAY && Math.max(...due) < Date.now() + 401 * DAY);

      const note = drawn('note', 'comment', [], { name: 'a note' });
      const other = drawn('other', 'marketing-delay', [[]], { amount: '5' });
      const deploys: [DeployType, Flow, string][] = [
        ['full', journey({}, note), 'a full deploy'],
        ['flows', journey({ x: 300 }, note, other), 'a flows deploy of the tab'],
        ['nodes', journey({ info: 'changed' }, note, other), 'a nodes deploy that restarts the station'],
        [
          'nodes',
          journey({ amount: '3', step: 'wait' }, note, other),
          'a nodes deploy that changes the delay (policy keep)',
        ],
        [
          'nodes',
          [...journey({ amount: '3', step: 'wait', name: 'Patience' }, note, other)],
          'a new name, the same step name',
        ],
        [
          'nodes',
          journey({ amount: '3', step: 'wait' }).map((node) =>
            node['id'] === 'store' ? { ...node, name: 'Renamed' } : node,
          ),
          'a nodes deploy that restarts the store',
        ],
        ['full', journey({ amount: '3', step: 'wait' }), 'a full deploy without the rest'],
      ];
      for (const [type, flow, what] of deploys) {
        await deploy(flow, type);
        assert.deepEqual(await at('wait'), before, what);
      }
      assert.deepEqual(await marketing.campaigns.orphans(), []);
    });

    it('computes due times again where the node says so', async () => {
      await start(journey({ onChange: 'recompute' }));
      const before = await launchAndWait('wait');
      await deploy(journey({ onChange: 'recompute', amount: '10' }), 'nodes');
      const after = await at('wait');
      assert.deepEqual(
        after.map(({ lead }) => lead),
        before.map(({ lead }) => lead),
      );
      assert.ok(after.every(({ due }) => due < Date.now() + 11 * DAY && due > Date.now() + 9 * DAY));
    });

    it('deploys of every kind while people are on their way lose nobody', async () => {
      await start(journey());
      await nodeRed.post('marketing/trigger/go/launch');
      for (const [index, type] of (['nodes', 'full', 'flows', 'nodes', 'full'] as const).entries()) {
        await nodeRed.deploy(journey({ info: `version ${index}` }), type);
      }
      await eventually(async () => assert.equal((await at('wait')).length, PEOPLE), 60_000);
      const report = await marketing.campaigns.report('go');
      assert.equal(report.audience, PEOPLE);
      assert.equal(report.waiting, PEOPLE);
    });

    it('people at a deleted station are orphans: listed, and moved to another station', async () => {
      await start(journey());
      const before = await launchAndWait('wait');
      const without = journey()
        .filter(({ id }) => id !== 'wait')
        .map((node) => (node['id'] === 'go' ? { ...node, wires: [['later']] } : node));
      await deploy(without, 'nodes');
      await eventually(async () =>
        assert.deepEqual(await marketing.campaigns.orphans(), [{ definition: 'go', step: 'wait', people: PEOPLE }]),
      );
      assert.equal((await at('wait', 'orphaned')).length, PEOPLE);
      const report = await marketing.campaigns.report('go');
      assert.equal(report.orphaned, PEOPLE);

      assert.equal(await marketing.campaigns.move({ definition: 'go', from: 'wait', to: 'later' }), PEOPLE);
      assert.deepEqual(await at('later'), before);
      assert.deepEqual(await marketing.campaigns.orphans(), []);

      // And a station that comes back gets its people back.
      await deploy(
        without
          .filter(({ id }) => id !== 'later')
          .map((node) => (node['id'] === 'go' ? { ...node, wires: [[]] } : node)),
        'full',
      );
      await eventually(async () => assert.equal((await at('later', 'orphaned')).length, PEOPLE));
      await deploy(without, 'full');
      await eventually(async () => assert.deepEqual(await at('later'), before));
    });

    it('a journey with two stations of one name is not at work, says so, and keeps its people; others go on', async () => {
      await start(journey());
      const before = await launchAndWait('wait');
      const other = drawn('second', 'marketing-trigger', [['hold']], {});
      const hold = drawn('hold', 'marketing-delay', [[]], { amount: '7' });
      const twice = journey({}, other, hold).map((node) => (node['id'] === 'later' ? { ...node, step: 'wait' } : node));
      await nodeRed.deploy(twice, 'full');
      await eventually(() =>
        assert.match(
          nodeRed.log(),
          /E_DUPLICATE_STEP.*"wait" \(node wait\).*"later" \(node later\)|E_DUPLICATE_STEP.*"later" \(node later\).*"wait" \(node wait\)/,
        ),
      );
      await assert.rejects(nodeRed.post('marketing/trigger/go/launch'), /E_DUPLICATE_STEP/);
      assert.deepEqual(await at('wait'), before);
      await nodeRed.post('marketing/trigger/second/launch');
      await eventually(async () => assert.equal((await at('hold')).length, PEOPLE), 60_000);
      await deploy(journey(), 'full');
      assert.deepEqual(await at('wait'), before);
    });

    it('pause and resume: nobody is skipped, nobody is repeated', async () => {
      const calls = new Map<string, number>();
      const server = http.createServer((request, response) => {
        const who = request.url ?? '';
        calls.set(who, (calls.get(who) ?? 0) + 1);
        request.resume();
        response.writeHead(204).end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      try {
        await start([
          TAB,
          STORE,
          {
            id: 'account',
            type: 'marketing-account',
            channel: 'webhook',
            allowPrivate: true,
            connections: '10',
            rate: '400',
            ratePer: 'second',
          },
          drawn('go', 'marketing-trigger', [['wait']]),
          drawn('wait', 'marketing-delay', [['call']], { amount: '1', unit: 'seconds' }),
          drawn('call', 'marketing-send', [[], [], []], {
            account: 'account',
            method: 'POST',
            url: `http://127.0.0.1:${port}/{{ lead.id }}`,
            payload: '{}',
          }),
        ]);
        await nodeRed.post('marketing/trigger/go/launch');
        await eventually(() => assert.ok(calls.size > 100), 60_000);
        await marketing.campaigns.pause('go');
        // What is being sent at this moment is finished; then nothing moves.
        const quiet = await eventually(async () => {
          const before = calls.size;
          await new Promise((resolve) => setTimeout(resolve, 1_500));
          assert.equal(calls.size, before);
          return before;
        }, 30_000);
        assert.ok(quiet < PEOPLE, `everybody (${quiet}) had been served before the pause`);
        await deploy(
          (await nodeRed.get<Flow>('flows')).map((node) =>
            node['id'] === 'go' ? { ...node, info: 'while it is paused' } : node,
          ),
          'full',
        );
        assert.equal(calls.size, quiet);

        await marketing.campaigns.resume('go');
        await eventually(() => assert.equal(calls.size, PEOPLE), 60_000);
        await eventually(async () => assert.equal((await marketing.campaigns.get('go')).state, 'completed'), 60_000);
        assert.deepEqual(
          [...calls.values()].filter((count) => count !== 1),
          [],
        );
        const report = await marketing.campaigns.report('go');
        assert.equal(report.audience, PEOPLE);
        assert.equal(report.messages['sent'], PEOPLE);
      } finally {
        server.close();
        server.closeAllConnections();
      }
    });
  });
}
