import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Router } from 'express';
import { apiRouter } from '../../lib/http/api';
import { graphqlRouter, SCHEMA } from '../../lib/http/graphql';
import { deployHello, onSqlite, openWorld, type Client, type World } from './api/kit';

interface Result {
  data?: Record<string, unknown> | null;
  errors?: { message: string; extensions?: { code?: string; status?: number } }[];
}

onSqlite((db) => {
  describe('GraphQL', function () {
    this.timeout(60_000);
    let world: World;
    let admin: Client;
    let leads: number[];

    before(async () => {
      world = await openWorld(db, {
        mount: (deps) => Router().use('/graphql', graphqlRouter(deps)).use(apiRouter(deps)),
      });
      await deployHello(await world.marketing('acme'));
      admin = await world.client('acme');
      leads = [];
      for (let i = 0; i < 12; i++) {
        const made = await admin.ask<{ id: number }>('POST', '/leads', { email: `lead${i}@example.org`, score: i });
        leads.push(made.body.id);
      }
    });
    after(async () => {
      assert.deepEqual(world.incidents, []);
      await world.close();
    });

    async function ask(query: string, variables: object = {}, client = admin): Promise<Result> {
      const { body } = await client.ask<Result>('POST', '/graphql', { query, variables });
      return body;
    }
    const codeOf = ({ errors }: Result): string | undefined => errors?.[0]?.extensions?.code;

    it('has every field of the requirement’s schema', () => {
      for (const line of REQUIREMENT.split('\n')
        .map((text) => text.trim())
        .filter(Boolean))
        assert.ok(SCHEMA.includes(line), line);
    });

    it('asks for a token, and takes POST only', async () => {
      const { status, body } = await world.stranger.ask<{ code: string }>('POST', '/graphql', {
        query: '{ segments { id } }',
      });
      assert.deepEqual([status, body.code], [401, 'E_UNAUTHENTICATED']);
      assert.equal(
        (await world.stranger.ask('POST', '/graphql', { query: '{ __schema { types { name } } }' })).status,
        401,
      );
      const get = await admin.ask('GET', '/graphql?query={segments{id}}');
      assert.deepEqual([get.status, get.headers.allow], [405, 'OPTIONS, POST']);
    });

    it('creates, launches, pauses and reads a campaign', async () => {
      const { data } = await ask(
        'mutation($i: CreateCampaignInput!) { createCampaign(input: $i) { id status budget } }',
        {
          i: { name: 'Spring', definition: 'hello', budget: 12.5 },
        },
      );
      const made = data?.['createCampaign'] as { id: string; status: string; budget: number };
      assert.deepEqual([made.status, made.budget], ['DRAFT', 12.5]);
      const launched = await ask('mutation($id: ID!) { launchCampaign(id: $id) { status startedAt } }', {
        id: made.id,
      });
      assert.deepEqual(launched.data, { launchCampaign: { status: 'ACTIVE', startedAt: '2026-01-15T12:00:00.000Z' } });
      const paused = await ask('mutation($id: ID!) { pauseCampaign(id: $id) { status } }', { id: made.id });
      assert.deepEqual(paused.data, { pauseCampaign: { status: 'PAUSED' } });
      const again = await ask('mutation($id: ID!) { pauseCampaign(id: $id) { status } }', { id: made.id });
      assert.equal(codeOf(again), 'E_CAMPAIGN_STATE');
      const read = await ask(
        `query($id: ID!) { campaign(id: $id) { name spent revenue roi leads { id } engagements(type: EMAIL_OPENED) { id }
           analytics { sent openRate } completedAt } analytics { activeCampaigns campaigns } }`,
        { id: made.id },
      );
      assert.deepEqual(read.data, {
        campaign: {
          ...{ name: 'Spring', spent: 0, revenue: 0, roi: null, leads: [], engagements: [] },
          ...{ analytics: { sent: 0, openRate: null }, completedAt: null },
        },
        analytics: { activeCampaigns: 0, campaigns: { paused: 1 } },
      });
    });

    it('creates leads and segments, and follows them to each other', async () => {
      await ask('mutation { createLead(input: { email: "Grace@Example.org", score: 90.4, country: "US" }) { id } }');
      const made = await ask(
        'mutation($i: CreateSegmentInput!) { createSegment(input: $i) { id leadCount conditions kind } }',
        {
          i: { name: 'Top', conditions: 'lead.score > 80' },
        },
      );
      const segment = made.data?.['createSegment'] as { id: string };
      assert.deepEqual(segment, { id: segment.id, leadCount: 1, conditions: 'lead.score > 80', kind: 'DYNAMIC' });
      const { data } = await ask(
        'query($s: ID!) { leads(segment: $s, limit: 2) { email score metadata segments { name leads(limit: 2) { email } } } }',
        {
          s: segment.id,
        },
      );
      assert.deepEqual(data, {
        leads: [
          {
            ...{ email: 'grace@example.org', score: 90, metadata: { country: 'US' } },
            segments: [{ name: 'Top', leads: [{ email: 'grace@example.org' }] }],
          },
        ],
      });
      const id = leads[0];
      const scored = await ask('mutation($id: ID!) { updateLeadScore(id: $id, score: 95) { score } }', { id });
      assert.deepEqual(scored.data, { updateLeadScore: { score: 95 } });
    });

    it('reads any window of a list', async () => {
      const { data } = await ask('{ leads(limit: 3, offset: 4) { email } }');
      assert.deepEqual(
        (data?.['leads'] as { email: string }[]).map(({ email }) => email),
        ['lead4@example.org', 'lead5@example.org', 'lead6@example.org'],
      );
      for (let i = 0; i < 7; i++) await admin.ask('POST', '/campaigns', { name: `Window ${i}`, definition: 'hello' });
      const all = (await ask('{ campaigns { id } }')).data?.['campaigns'] as { id: string }[];
      const window = (await ask('{ campaigns(limit: 3, offset: 2) { id } }')).data?.['campaigns'];
      assert.deepEqual(window, all.slice(2, 5));
      assert.equal(codeOf(await ask('{ campaigns(limit: 0) { id } }')), 'E_LIMIT');
      assert.equal(codeOf(await ask('{ leads(limit: 101) { id } }')), 'E_LIMIT');
    });

    it('needs as many statements for twelve leads as for one', async () => {
      const query = (limit: number): string =>
        `{ leads(limit: ${limit}) { email segments { name leads(limit: 1) { email } } engagements { name } } }`;
      const [one, twelve] = [await statementsOf(() => ask(query(1))), await statementsOf(() => ask(query(12)))];
      assert.ok(one > 3, 'statements are counted');
      assert.ok(twelve <= one + 3, `${one} statements for one, ${twelve} for twelve`);
    });

    /** How many statements the tenant's door was given. */
    async function statementsOf(work: () => Promise<Result>): Promise<number> {
      const { scope } = await world.marketing('acme');
      let count = 0;
      const all = scope.all.bind(scope);
      const spied = Object.assign(scope, {
        all: (...args: Parameters<typeof all>) => {
          count += 1;
          return all(...args);
        },
      });
      try {
        assert.equal((await work()).errors, undefined);
      } finally {
        Object.assign(spied, { all });
      }
      return count;
    }

    it('refuses what would cost too much before anything is read', async () => {
      const deep = '{ leads { segments { leads { segments { leads { segments { leads { segments { id } } } } } } } } }';
      assert.equal(codeOf(await ask(deep)), 'E_QUERY_LIMIT');
      assert.equal(codeOf(await ask('{ campaigns(limit: 100) { leads { id } } }')), 'E_QUERY_LIMIT');
      assert.equal(
        codeOf(await ask('query($n: Int) { campaigns(limit: $n) { leads { id } } }', { n: 100 })),
        'E_QUERY_LIMIT',
      );
      const aliases = Array.from({ length: 31 }, (_none, i) => `a${i}: __typename`).join(' ');
      assert.equal(codeOf(await ask(`{ ${aliases} }`)), 'E_QUERY_LIMIT');
      const roots = Array.from({ length: 11 }, (_none, i) => `a${i}: segments { id }`).join(' ');
      assert.equal(codeOf(await ask(`{ ${roots} }`)), 'E_QUERY_LIMIT');
      const bomb = Array.from(
        { length: 20 },
        (_none, i) => `fragment f${i} on Lead { ...f${i + 1} ...f${i + 1} }`,
      ).join(' ');
      assert.equal(
        codeOf(await ask(`{ leads { ...f0 } } ${bomb} fragment f20 on Lead { segments { leads { id } } }`)),
        'E_QUERY_LIMIT',
      );
      assert.equal(codeOf(await ask(`{ leads { id ${'id '.repeat(3_000)} } }`)), 'GRAPHQL_PARSE_FAILED');
      const large = await admin.ask<{ code: string }>('POST', '/graphql', {
        query: `{ segments { id } } #${'x'.repeat(70_000)}`,
      });
      assert.deepEqual([large.status, large.body.code], [413, 'E_TOO_LARGE']);
      const batch = await admin.ask<{ code: string }>('POST', '/graphql', [{ query: '{ segments { id } }' }]);
      assert.deepEqual([batch.status, batch.body.code], [422, 'E_BODY']);
    });

    it('counts the longest list of segments that there may be', async () => {
      assert.equal(codeOf(await ask('{ segments { leads(limit: 10) { id } } }')), 'E_QUERY_LIMIT');
      const spread = '{ ...all } fragment all on Query { segments { leads(limit: 10) { id } } }';
      assert.equal(codeOf(await ask(spread)), 'E_QUERY_LIMIT');
      assert.equal((await ask('{ segments { leads(limit: 5) { id } } }')).errors, undefined);
    });

    it('reads as many lists at once as a query may ask for', async () => {
      const { segments } = await world.marketing('acme');
      for (let i = 0; i < 60; i++) await segments.create({ key: `many-${i}`, name: `Many ${i}`, kind: 'static' });
      const windows = Array.from({ length: 9 }, (_none, i) => `w${i}: leads(limit: 1, offset: ${i}) { id }`).join(' ');
      const { data, errors } = await ask(`{ segments { ${windows} } }`);
      assert.equal(errors, undefined);
      assert.ok((data?.['segments'] as object[]).length > 60);
    });

    it('takes no text that a database cannot keep, wherever it is written', async () => {
      for (const query of [
        '{ campaign(id: "a\\u0000b") { id } }',
        '{ leads(segment: "a\\u0000b") { id } }',
        'mutation { createLead(input: { email: "nul@example.org", name: "a\\u0000b" }) { id } }',
        'mutation { createCampaign(input: { name: "x", data: { a: ["\\u0000"] } }) { id } }',
        'mutation { createCampaign(input: { name: "x", data: { __proto__: { admin: true } } }) { id } }',
        'mutation { createLead(input: { email: "nul@example.org", score: 1e400 }) { id } }',
      ])
        assert.equal(codeOf(await ask(query)), 'E_BODY', query);
    });

    it('lets who has a token look into the schema, but not without end', async () => {
      const types = await ask('{ __schema { queryType { name } types { name fields { name type { name } } } } }');
      assert.equal(types.errors, undefined);
      const deep = `{ __schema { types { ${'fields { type { '.repeat(6)} name ${'} }'.repeat(6)} } } }`;
      assert.ok((await ask(deep)).errors);
    });

    it('says what is wrong with a query, and nothing of its own insides', async () => {
      const { errors } = await ask('{ leads { shoe } }');
      assert.match(errors?.[0]?.message ?? '', /Cannot query field "shoe"/);
      assert.equal(errors?.[0]?.extensions?.code, 'GRAPHQL_VALIDATION_FAILED');
      assert.equal(codeOf(await ask('{ campaign(id: "none") { id } }')), 'E_UNKNOWN_CAMPAIGN');
      assert.equal(codeOf(await ask('mutation { createLead(input: { email: "nobody" }) { id } }')), 'E_LEAD_EMAIL');
    });

    it('holds every field to the roles of whoever asks', async () => {
      const viewer = await world.client('acme', 'viewer');
      assert.equal((await ask('{ leads { id segments { id } } analytics { sent } }', {}, viewer)).errors, undefined);
      const refused = await ask('mutation { createLead(input: { email: "x@example.org" }) { id } }', {}, viewer);
      assert.deepEqual([codeOf(refused), refused.data], ['E_FORBIDDEN', null]);
    });
  });
});

/** nexus-marketing.md, "GraphQL Schema": read from the project's own copy of it. */
const REQUIREMENT = readFileSync(`${__dirname}/requirement.graphql`, 'utf8');
