import assert from 'node:assert/strict';
import path from 'node:path';
import { Definitions } from '../../lib/definitions';
import { openStore, type Store } from '../../lib/store';
import { conditionExtensions } from '../kit/databases';
import { eventually } from '../kit/eventually';
import { NODE_RED_VERSIONS, startNodeRed, type Flow, type NodeRed } from '../kit/node-red';

const STORE = { id: 'store', type: 'marketing-store', name: 'Store', tenant: 'default', configVersion: 1 };

function drawn(
  id: string,
  type: string,
  wires: string[][],
  properties: Record<string, unknown>,
): Record<string, unknown> {
  return { id, type, z: 'tab', x: 100, y: 100, name: id, configVersion: 1, wires, ...properties };
}

/** trigger → a subflow with a delay in it. */
function journey(amount: string): Flow {
  return [
    { id: 'tab', type: 'tab', label: 'Journey' },
    STORE,
    drawn('go', 'marketing-trigger', [['instance']], { store: 'store' }),
    { id: 'instance', type: 'subflow:wait', z: 'tab', x: 300, y: 100, name: 'Patience', wires: [[]] },
    {
      id: 'wait',
      type: 'subflow',
      name: 'Wait',
      info: '',
      in: [{ x: 50, y: 30, wires: [{ id: 'delay' }] }],
      out: [{ x: 400, y: 30, wires: [{ id: 'delay', port: 0 }] }],
    },
    { ...drawn('delay', 'marketing-delay', [[]], { store: 'store', amount, unit: 'days' }), z: 'wait' },
  ];
}

for (const version of NODE_RED_VERSIONS) {
  describe(`restoring a drawn definition [${version}]`, function () {
    this.timeout(120_000);
    let nodeRed: NodeRed;
    let store: Store | undefined;

    afterEach(async () => {
      await store?.close();
      await nodeRed.stop();
    });

    it('a former version, deployed again as it was kept, is the same definition', async () => {
      nodeRed = await startNodeRed({ version, flow: journey('1') });
      const file = path.join(nodeRed.userDir, 'marketing.sqlite');
      const definitions = await eventually(async () => {
        store ??= await openStore({ url: `sqlite:${file}`, sqliteExtensions: conditionExtensions() });
        const found = new Definitions(store.tenant('default'));
        assert.equal((await found.versions('go')).length, 1);
        return found;
      });
      await nodeRed.deploy(journey('2'), 'full');
      await eventually(async () => assert.equal((await definitions.versions('go')).length, 2));
      const changes = await definitions.diff('go', 1, 2);
      assert.ok(changes.some((change) => change.path.endsWith('/amount') && change.after === '2'));

      const former = await definitions.asFlow('go', 1);
      await nodeRed.deploy([STORE, ...former], 'full');
      await eventually(async () => assert.equal((await definitions.versions('go')).length, 3));
      const [restored, , first] = await definitions.versions('go');
      assert.equal(restored?.hash, first?.hash);
      assert.equal(restored?.deployed, true);
      assert.deepEqual(await definitions.diff('go', 1, 3), []);
      assert.deepEqual(await definitions.asFlow('go', 3), former);
    });
  });
}
