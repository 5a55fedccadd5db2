import assert from 'node:assert/strict';
import { Router } from 'express';
import { apiRouter, type OpenApi } from '../../../lib/http/api';
import { enroll } from '../../../lib/ledger';
import type { Marketing } from '../../../lib';
import { graphqlRouter } from '../../../lib/http/graphql';
import { eachDatabase } from '../../kit/databases';
import { described, type Described } from './contract';
import { Maker, seeded, type Json } from './generate';
import { deployHello, makeUndos, openWorld, type Client, type World } from './kit';

/** Stands in names and texts of one tenant: no answer to another may hold it. */
const SECRET = 'ACME-ONLY';

/** Ids and keys of what one tenant has, by the word of its address. */
type Belongings = Readonly<Record<string, readonly (string | number)[]>>;

/** Gives a tenant one of everything. */
async function furnish(client: Client, mark: string): Promise<Belongings> {
  const had: Record<string, (string | number)[]> = {};
  const made = async (path: string, body: object, as = path.split('/')[1] ?? ''): Promise<string> => {
    const answer = await client.ask<{ id?: number; key?: string }>('POST', path, body);
    assert.ok(answer.status < 300, `${path}: ${answer.text}`);
    const { id, key } = answer.body;
    had[as] = [...(had[as] ?? []), ...[id, key].filter((one) => one !== undefined)];
    return String(id ?? key);
  };
  const key = (word: string): string => `${client.tenant}-${word}`;
  const campaign = await made('/campaigns', { key: key('campaign'), name: mark, definition: 'hello' });
  const lead = await made('/leads', { email: `lead@${client.tenant}.example`, externalId: key('lead'), name: mark });
  had['leads']?.push(key('lead'));
  await made('/segments', { key: key('list'), name: mark });
  await made('/segments', { key: key('rule'), name: mark, conditions: 'lead.score >= 0' });
  await made('/templates', { key: key('template'), name: mark, type: 'sms', content: { text: mark } });
  await made('/definitions', {
    document: { id: key('definition'), name: mark, channels: { email: { subject: mark, text: mark } } },
  });
  had['definitions'] = [key('definition')];
  await made('/promotions', {
    campaign,
    key: key('promotion'),
    name: mark,
    rule: { strategy: { kind: 'percentage', percent: 5 } },
  });
  had['promotions'] = [key('promotion')];
  await made(`/promotions/${key('promotion')}/coupons`, { codes: [`${client.tenant}-CODE`.toUpperCase()] }, 'coupons');
  const webhook = await made('/webhooks', { url: 'https://example.org/hook', events: ['*'], name: mark });
  await made(`/webhooks/${webhook}/test`, {}, 'deliveries');
  await made('/score-rules', { key: key('score'), name: mark, event: 'visited', points: 1 });
  had['score-rules'] = [key('score')];
  const variants = ['A', 'B'].map((one) => ({ key: one, name: mark, share: 50 }));
  await made(`/campaigns/${campaign}/experiments`, { key: key('experiment'), name: mark, variants }, 'experiments');
  had['experiments'] = (had['experiments'] ?? []).filter((one) => typeof one === 'number');
  await made('/delegations', { delegator: mark, delegatee: 'bob' });
  await made(`/campaigns/${campaign}/approvals`, { comment: mark }, 'approvals');
  await made('/tokens', { name: mark, roles: ['viewer'] });
  await made('/attributes', { name: `${client.tenant}_only`, type: 'string' });
  had['attributes'] = [`${client.tenant}_only`];
  await made(`/campaigns/${campaign}/comments`, { body: mark }, 'comments');
  await made(
    `/campaigns/${campaign}/attachments`,
    { name: 'a.pdf', mediaType: 'application/pdf', content: 'JVBERi0=' },
    'attachments',
  );
  await made('/events', { type: 'signed_up', lead: Number(lead), metadata: { note: mark } }, 'events');
  const engagements = await client.ask<{ items: { id: number }[] }>('GET', `/leads/${lead}/engagements`);
  had['engagements'] = engagements.body.items.map(({ id }) => id);
  return had;
}

/** Puts a lead into a campaign: its enrollment. */
async function enrollSomebody({ scope, clock }: Marketing): Promise<number> {
  const id = async (table: string): Promise<number> =>
    (await scope.get<{ id: number }>(`SELECT MIN(id) AS id FROM ${table} WHERE tenant_id = :tenant`))?.id ?? 0;
  await enroll(
    scope,
    {
      campaign: await id('marketing_campaigns'),
      run: 1,
      station: await id('marketing_stations'),
      entryKey: 'run:1',
      leads: [await id('marketing_leads')],
    },
    clock.now(),
  );
  return id('marketing_enrollments');
}

/** Everything that a tenant can read in lists. */
async function inventory(client: Client): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const path of [
    'campaigns',
    'leads',
    'segments',
    'templates',
    'definitions',
    'promotions',
    'delegations',
    'score-rules',
    'undos',
    'approvals',
    'webhooks',
    'tokens',
    'attributes',
  ])
    found[path] = (await client.ask('GET', `/${path}`)).body['items'];
  return found;
}

eachDatabase((db) => {
  describe('two tenants of one API', function () {
    this.timeout(120_000);
    let world: World;
    let acme: Client;
    let globex: Client;
    let theirs: Belongings;
    let document: OpenApi;

    before(async () => {
      world = await openWorld(db, {
        mount: (deps) => Router().use('/graphql', graphqlRouter(deps)).use(apiRouter(deps)),
      });
      for (const tenant of ['acme', 'globex']) await deployHello(await world.marketing(tenant));
      acme = await world.client('acme');
      globex = await world.client('globex');
      const own = await furnish(acme, SECRET);
      const marketing = await world.marketing('acme');
      const campaigns = (await acme.ask<{ items: { id: number }[] }>('GET', '/campaigns')).body.items;
      theirs = {
        ...own,
        enrollments: [await enrollSomebody(marketing)],
        undos: await makeUndos(
          marketing,
          campaigns.map(({ id }) => id),
        ),
      };
      await furnish(globex, 'globex');
      document = (await world.stranger.ask<OpenApi>('GET', '/openapi.json')).body;
    });
    after(async () => {
      assert.deepEqual(world.incidents, []);
      await world.close();
    });

    /** A body that the operation takes, so that only the address decides. */
    async function answerFor(one: Described, path: string): Promise<{ status: number; text: string }> {
      const content = one.operation.requestBody?.content['application/json'] as { schema: Json } | undefined;
      for (let seed = 1; ; seed++) {
        const make = new Maker(seeded(seed), document.components.schemas, (name, schema) =>
          name === 'version' || (['from', 'to'].includes(name) && schema['type'] === 'integer') ? 1 : undefined,
        );
        const query = new URLSearchParams();
        for (const { name, in: where, required, schema } of one.operation.parameters)
          if (where === 'query' && required) query.append(name, String(make.valid(schema, name)));
        const body = content && make.valid(content.schema);
        const answer = await globex.ask(one.method, `${path}?${query.toString()}`, body);
        if (answer.status !== 422 || seed >= 30) return answer;
      }
    }

    it('answers 404 for every id of the other, at every address, and tells nothing', async () => {
      const before = await inventory(acme);
      let tried = 0;
      for (const one of described(document)) {
        if (!one.path.includes('{') || one.operation.responses['501']) continue;
        const words = one.path.split('/');
        const at = words.findIndex((word) => word.startsWith('{'));
        const ids = theirs[words[at - 1] ?? ''] ?? [];
        assert.ok(ids.length > 0, `nothing of theirs for ${one.path}`);
        for (const id of ids) {
          const path = one.path
            .replace(/\{\w+\}/, encodeURIComponent(String(id)))
            .replace('{action}', 'launch')
            .replace('{cost}', '1')
            .replace('{lead}', String(theirs['leads']?.[0]));
          const { status, text } = await answerFor(one, path);
          assert.equal(status, 404, `${one.method} ${path} → ${status} ${text}`);
          assert.ok(!text.includes(SECRET), text);
          tried += 1;
        }
      }
      assert.ok(tried > 100, String(tried));
      assert.deepEqual(await inventory(acme), before);
    });

    it('takes no id of the other in a body or a filter', async () => {
      const [campaign = 0] = theirs['campaigns'] ?? [];
      const [lead = 0] = theirs['leads'] ?? [];
      const [segment = 0, segmentKey = ''] = theirs['segments'] ?? [];
      const refused = [
        ['POST', '/campaigns', { name: 'x', definition: 'hello', segment: segmentKey }],
        ['POST', '/campaigns', { name: 'x', definition: 'hello', audience: { include: [segmentKey] } }],
        ['POST', '/campaigns', { name: 'x', definition: 'acme-definition' }],
        ['POST', '/segments', { name: 'x', composition: segmentKey }],
        ['POST', '/segments', { name: 'x', conditions: 'lead.acme_only = "x"' }],
        ['POST', '/events', { type: 'signed_up', lead }],
        ['POST', '/events', { type: 'signed_up', lead: 'lead@acme.example' }],
        [
          'POST',
          '/promotions',
          { campaign: String(campaign), key: 'x', rule: { strategy: { kind: 'percentage', percent: 5 } } },
        ],
        ['GET', `/leads?segment=${segment}`],
        ['GET', `/leads?segment=${segmentKey}`],
        ['GET', `/promotions?campaign=${campaign}`],
        ['GET', `/webhooks/deliveries?webhook=${String(theirs['webhooks']?.[0])}`],
      ] as const;
      for (const [method, path, body] of refused) {
        const { status, text } = await globex.ask(method, path, body);
        assert.ok([404, 422].includes(status), `${method} ${path} → ${status} ${text}`);
        assert.ok(!text.includes(SECRET), text);
      }
      for (const path of [
        `/history?campaign=${campaign}`,
        '/campaigns?search=acme',
        '/campaigns?definition=acme-definition',
        '/leads?search=lead@acme',
      ]) {
        const { body, text } = await globex.ask('GET', path);
        assert.deepEqual(body['items'], [], `${path} → ${text}`);
      }
      const added = await globex.ask('POST', '/segments/globex-list/leads', {
        ids: [lead],
        externalIds: ['acme-lead'],
      });
      assert.deepEqual(added.body, { added: 0, already: 0, unknown: [lead, 'acme-lead'] });
      const quoted = await globex.ask('POST', '/promotions/quote', {
        cart: { lines: [{ id: '1', product: 'p', quantity: 1, unitPrice: 100 }] },
        codes: ['ACME-CODE'],
      });
      assert.deepEqual([quoted.status, quoted.body['discount']], [200, 0]);
      assert.ok(!quoted.text.includes('acme-promotion'), quoted.text);
    });

    it('counts each for itself', async () => {
      for (const path of ['/campaigns?page=1', '/leads?page=1']) {
        const [one, other] = [await acme.ask('GET', path), await globex.ask('GET', path)];
        assert.deepEqual([one.body['total'], other.body['total']], [1, 1], path);
      }
      const { body } = await globex.ask('GET', '/analytics/dashboard');
      assert.deepEqual(body['campaigns'], { draft: 1 });
    });

    it('answers over GraphQL as if there were only one', async () => {
      const [campaign = 0, campaignKey = ''] = theirs['campaigns'] ?? [];
      const [lead = 0] = theirs['leads'] ?? [];
      const [segment = 0] = theirs['segments'] ?? [];
      interface Result {
        data: Record<string, unknown> | null;
        errors?: { extensions: { status: number } }[];
      }
      const ask = async (query: string): Promise<Result> => {
        const { body, text } = await globex.ask<Result & Record<string, unknown>>('POST', '/graphql', { query });
        assert.ok(!text.includes(SECRET), text);
        return body;
      };
      for (const query of [
        `{ campaign(id: "${campaign}") { id } }`,
        `{ campaign(id: "${campaignKey}") { id } }`,
        `{ lead(id: "${lead}") { id } }`,
        `{ leads(segment: "${segment}") { id } }`,
        `mutation { launchCampaign(id: "${campaign}") { id } }`,
        `mutation { pauseCampaign(id: "${campaign}") { id } }`,
        `mutation { updateLeadScore(id: "${lead}", score: 1) { id } }`,
        `mutation { createCampaign(input: { name: "x", definition: "acme-definition" }) { id } }`,
        `mutation { createCampaign(input: { name: "x", definition: "hello", segment: "acme-list" }) { id } }`,
      ]) {
        const { errors } = await ask(query);
        assert.equal(errors?.[0]?.extensions.status, 404, query);
      }
      const { data } = await ask(
        '{ campaigns { name leads { id } } leads { email } segments { key } analytics { campaigns } }',
      );
      assert.deepEqual(data, {
        campaigns: [{ name: 'globex', leads: [] }],
        leads: [{ email: 'lead@globex.example' }],
        segments: [{ key: 'globex-list' }, { key: 'globex-rule' }],
        analytics: { campaigns: { draft: 1 } },
      });
    });

    it('has the same keys and addresses twice, because they are nobody else’s business', async () => {
      const lead = await globex.ask('POST', '/leads', { email: 'lead@acme.example', externalId: 'acme-lead' });
      assert.equal(lead.status, 201, lead.text);
      const campaign = await globex.ask('POST', '/campaigns', { key: 'acme-campaign', name: 'x', definition: 'hello' });
      assert.equal(campaign.status, 201, campaign.text);
      await globex.ask('DELETE', `/leads/${String(lead.body['id'])}`);
      await globex.ask('DELETE', `/campaigns/${String(campaign.body['id'])}`);
      assert.equal((await acme.ask('GET', '/leads/acme-lead')).status, 200);
      assert.equal((await acme.ask('GET', '/campaigns/acme-campaign')).status, 200);
    });
  });
});
