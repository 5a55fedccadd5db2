import assert from 'node:assert/strict';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { eventually } from '../kit/eventually';
import { NODE_RED_VERSIONS, startNodeRed, type NodeRed } from '../kit/node-red';

for (const version of NODE_RED_VERSIONS) {
  describe(`the API inside Node-RED [${version}]`, function () {
    this.timeout(90_000);
    let nodeRed: NodeRed | undefined;
    const opened: Marketing[] = [];

    afterEach(async () => {
      for (const marketing of opened.splice(0)) await marketing.close();
      await nodeRed?.stop();
      nodeRed = undefined;
    });

    async function look({ userDir }: NodeRed, tenant: string): Promise<Marketing> {
      const url = `sqlite:${path.join(userDir, 'marketing.sqlite')}`;
      const marketing = await openMarketing({ database: { url }, tenant, work: false });
      opened.push(marketing);
      return marketing;
    }

    it('is below the path of its store, and knows by the token whose data it is about', async () => {
      nodeRed = await startNodeRed({
        version,
        flow: [
          { id: 'store', type: 'marketing-store', name: 'Store' },
          { id: 'other', type: 'marketing-store', name: 'Other tenant', tenant: 'second' },
        ],
      });
      const root = `${nodeRed.http}/marketing`;
      const document = await eventually(async () => {
        const response = await fetch(`${root}/api/v1/openapi.json`);
        assert.equal(response.status, 200);
        return (await response.json()) as { servers: { url: string }[] };
      });
      assert.deepEqual(document.servers, [{ url: '/marketing/api/v1' }]);
      for (const tenant of ['default', 'second', 'third']) {
        const marketing = await look(nodeRed, tenant);
        const { token } = await marketing.tokens.create({ name: tenant, owner: 'ada', roles: ['admin'] });
        const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
        const made = await fetch(`${root}/api/v1/leads`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ email: `ada@${tenant}.example` }),
        });
        assert.equal(made.status, 201);
        assert.match(made.headers.get('location') ?? '', /^\/marketing\/api\/v1\/leads\/\d+$/);
        const asked = await fetch(`${root}/graphql`, {
          method: 'POST',
          headers,
          body: '{"query":"{ leads { email } }"}',
        });
        assert.deepEqual(await asked.json(), { data: { leads: [{ email: `ada@${tenant}.example` }] } });
        const unknown = await fetch(`${root}/api/v1/campaigns/none`, { headers });
        assert.deepEqual([unknown.status, unknown.headers.get('content-type')], [404, 'application/problem+json']);
      }
      assert.equal((await fetch(`${root}/api/v1/leads`)).status, 401);
    });
  });
}
