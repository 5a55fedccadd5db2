import assert from 'node:assert/strict';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { bench } from '../kit/helper';
import { eventually } from '../kit/eventually';

const TAB = { id: 'tab', type: 'tab', label: 'Tab' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store' };
const CATCH = { id: 'catch', type: 'catch', z: 'tab', x: 1, y: 1, scope: null, wires: [['caught']] };
const CAUGHT = { id: 'caught', type: 'helper', z: 'tab', x: 1, y: 1, wires: [] };

function drawn(id: string, type: string, wires: string[][], properties: Record<string, unknown> = {}): object {
  return { id, type, z: 'tab', x: 1, y: 1, name: id, store: 'store', wires, ...properties };
}
function sink(id: string): object {
  return { id, type: 'helper', z: 'tab', x: 1, y: 1, wires: [] };
}

interface Caught {
  error: { message: string; code?: string; source: { id: string; count: number } };
  payload: unknown;
}

describe('nodes in Node-RED', function () {
  this.timeout(30_000);
  const red = bench();
  let marketing: Marketing | undefined;

  /** The same data, from outside. */
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
  async function caught(): Promise<Caught> {
    return (await red.next('caught')) as unknown as Caught;
  }
  const ready = (): Promise<unknown> =>
    eventually(async () => assert.ok((await (await look()).definitions.list()).length > 0));

  describe('loading', () => {
    it('loads every node with nothing but its type, and gives it a badge', async () => {
      const types = [
        'lead',
        'trigger',
        'segment',
        'consent',
        'split',
        'roi',
        'delay',
        'send',
        'join',
        'compensate',
        'campaign',
        'event',
      ];
      await red.load([
        TAB,
        ...types.map((type) => ({ id: type, type: `marketing-${type}`, z: 'tab', x: 1, y: 1, wires: [[], [], []] })),
      ]);
      for (const type of types) assert.equal(red.node(type).type, `marketing-${type}`);
      await eventually(() => {
        for (const type of ['lead', 'trigger', 'consent', 'split', 'roi', 'delay', 'campaign', 'event'])
          assert.equal(red.badges(type).at(-1), 'red no store', type);
      });
    });

    it('loads store and account from credentials without ever putting them on the node', async () => {
      await red.load(
        [STORE, { id: 'account', type: 'marketing-account', host: 'smtp.example.org', fromAddress: 'a@example.org' }],
        {
          account: { password: 'pa55', secret: 's3cret' },
        },
      );
      const { credentials, ...node } = red.node('account') as unknown as { credentials: Record<string, string> };
      assert.equal(credentials['password'], 'pa55');
      assert.ok(
        !JSON.stringify(Object.entries(node).filter(([, value]) => typeof value === 'string')).includes('pa55'),
      );
    });

    it('refuses a node that a newer release has saved, and says so to each message', async () => {
      await red.load([TAB, STORE, CATCH, CAUGHT, drawn('lead', 'marketing-lead', [[]], { configVersion: 99 })]);
      red.node('lead').receive({ payload: { email: 'a@example.org' } });
      assert.equal((await caught()).error.code, 'E_CONFIG_VERSION');
    });
  });

  describe('errors reach Catch nodes once, with their code', () => {
    const cases: [string, object, Record<string, unknown>, string][] = [
      [
        'a node without a store',
        drawn('n', 'marketing-lead', [[]], { store: '' }),
        { payload: { email: 'a@example.org' } },
        'E_NO_STORE',
      ],
      [
        'a node whose store is gone',
        drawn('n', 'marketing-consent', [[], []], { store: 'gone' }),
        { payload: { id: 1 } },
        'E_NO_STORE',
      ],
      [
        'a message without a token at a station',
        drawn('n', 'marketing-delay', [[]]),
        { payload: { id: 1 } },
        'E_NO_JOURNEY',
      ],
      [
        'a message without a token at a switch',
        drawn('n', 'marketing-segment', [[], []], { mode: 'inline', condition: 'lead.score > 1' }),
        { payload: { id: 1 } },
        'E_NO_JOURNEY',
      ],
      [
        'a message without a token at a send node',
        drawn('n', 'marketing-send', [[], [], []]),
        { payload: { id: 1 } },
        'E_NO_JOURNEY',
      ],
      [
        'a message without a token at a join node',
        drawn('n', 'marketing-join', [[], []]),
        { payload: { id: 1 } },
        'E_NO_JOURNEY',
      ],
      [
        'a message without a token at a compensate node',
        drawn('n', 'marketing-compensate', [[], []]),
        { payload: { id: 1 } },
        'E_NO_JOURNEY',
      ],
      [
        'a token of another tenant',
        drawn('n', 'marketing-consent', [[], []]),
        {
          payload: { id: 1 },
          journey: { tenant: 'other', definition: 'd', campaign: 1, enrollment: 1, step: 1, trail: [] },
        },
        'E_NO_JOURNEY',
      ],
      [
        'a token that was tampered with',
        drawn('n', 'marketing-consent', [[], []]),
        {
          payload: { id: 1 },
          journey: { tenant: 'default', definition: 'd', campaign: '1', enrollment: 1, step: 1, trail: [] },
        },
        'E_NO_JOURNEY',
      ],
      [
        'a token at a station of another journey',
        drawn('n', 'marketing-delay', [[]]),
        {
          payload: { id: 1 },
          journey: { tenant: 'default', definition: 'd', campaign: 1, enrollment: 1, step: 1, trail: [] },
        },
        'E_UNKNOWN_STEP',
      ],
      ['a lead that is none', drawn('n', 'marketing-lead', [[]]), { payload: 'ada' }, 'E_LEAD_INPUT'],
      [
        'an unknown campaign',
        drawn('n', 'marketing-campaign', [[]], { action: 'launch', campaign: 'nope' }),
        {},
        'E_UNKNOWN_CAMPAIGN',
      ],
      [
        'a campaign without a key',
        drawn('n', 'marketing-campaign', [[]], { action: 'pause', campaign: 'topic', campaignType: 'msg' }),
        {},
        'E_CAMPAIGN_KEY',
      ],
      [
        'a delay without a number',
        drawn('n', 'marketing-delay', [[]], { amount: 'soon' }),
        { payload: { id: 1 } },
        'E_CONFIG',
      ],
      [
        'a segment node without a segment',
        drawn('n', 'marketing-segment', [[], []]),
        { payload: { id: 1 } },
        'E_CONFIG',
      ],
    ];
    for (const [what, node, msg, code] of cases) {
      it(`${what}: ${code}`, async () => {
        await red.load([TAB, STORE, CATCH, CAUGHT, node]);
        red.node('n').receive(msg);
        const { error } = await caught();
        assert.equal(error.code, code);
        assert.ok(error.message.length > 20 && error.message.length < 300, error.message);
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(red.received('caught').length, 1);
      });
    }
  });

  describe('a database that cannot be used', () => {
    it('is said at each node and to each message: a scheme nobody speaks', async () => {
      await red.load([
        TAB,
        { ...STORE, databaseUrl: 'oracle://db/x' },
        CATCH,
        CAUGHT,
        drawn('n', 'marketing-lead', [[]]),
      ]);
      red.node('n').receive({ payload: { email: 'a@example.org' } });
      assert.equal((await caught()).error.code, 'E_DATABASE_URL');
      await eventually(() => assert.equal(red.badges('n').at(-1), 'red store not usable'));
    });
    it('is tried again while it does not answer, with a red badge at all users; closing does not hang', async () => {
      await red.load([
        TAB,
        { ...STORE, databaseUrl: 'postgres://nobody@127.0.0.1:1/none' },
        drawn('n', 'marketing-lead', [[]]),
        drawn('d', 'marketing-delay', [[]]),
      ]);
      await eventually(() => {
        assert.equal(red.badges('n').at(-1), 'red database unreachable');
        assert.equal(red.badges('d').at(-1), 'red database unreachable');
      });
    });
  });

  describe('join and compensate', () => {
    it('send a person on once for all branches, with their results and with what was undone', async () => {
      await red.load([
        TAB,
        STORE,
        drawn('t', 'marketing-trigger', [['a', 'b']], { audience: 'everybody', definition: 'both' }),
        drawn('a', 'marketing-delay', [['j']], { amount: '0' }),
        drawn('b', 'marketing-delay', [['j']], { amount: '0' }),
        drawn('j', 'marketing-join', [['u', 'joined'], []], { amount: '1', unit: 'hours' }),
        drawn('u', 'marketing-compensate', [['undone'], []], { onFailure: true }),
        sink('joined'),
        sink('undone'),
      ]);
      await ready();
      await (await look()).leads.upsert({ email: 'ada@example.org' });
      red.node('t').receive({});
      const { branches } = (await red.next('joined')) as { branches?: { step: string; ok: boolean }[] };
      assert.deepEqual(
        branches?.map(({ step, ok }) => [step, ok]),
        [
          ['a', true],
          ['b', true],
        ],
      );
      const { compensation } = (await red.next('undone')) as { compensation?: object };
      assert.deepEqual(compensation, { state: 'undone', undone: [], failed: [], sent: 0 });
      assert.equal(red.received('joined').length, 1);
      await eventually(() => assert.equal(red.badges('j').at(-1), 'green 1 joined'));
    });
  });

  describe('lead', () => {
    it('saves one lead or many, adds msg.marketing and leaves the payload as it came', async () => {
      await red.load([TAB, STORE, CATCH, CAUGHT, drawn('n', 'marketing-lead', [['out']]), sink('out')]);
      const payload = [{ email: 'Ada@Example.org', name: 'Ada' }, { email: 'no address' }, { externalId: 'x-1' }];
      red.node('n').receive({ payload, topic: 'kept' });
      const msg = await red.next('out');
      assert.deepEqual(msg.payload, payload);
      assert.equal(msg['topic'], 'kept');
      const summary = msg['marketing'] as {
        created: number;
        rejected: { index: number; code: string }[];
        leads: number[];
      };
      assert.equal(summary.created, 2);
      assert.equal(summary.rejected.length, 1);
      assert.equal(summary.rejected[0]?.index, 1);
      assert.equal((await (await look()).leads.get({ email: 'ada@example.org' }))?.name, 'Ada');
    });
    it('reports a single lead that cannot be saved as an error', async () => {
      await red.load([TAB, STORE, CATCH, CAUGHT, drawn('n', 'marketing-lead', [['out']]), sink('out')]);
      red.node('n').receive({ payload: { name: 'nobody' } });
      assert.match((await caught()).error.code ?? '', /^E_/);
      assert.deepEqual(red.received('out'), []);
    });
    it('records an event, once for each event id', async () => {
      await red.load([
        TAB,
        STORE,
        drawn('n', 'marketing-lead', [['out']], { action: 'event', event: 'page_visited', property: 'lead' }),
        sink('out'),
      ]);
      for (let count = 0; count < 3; count++)
        red.node('n').receive({ lead: { email: 'ada@example.org' }, eventId: 'e1' });
      await eventually(() => assert.equal(red.received('out').length, 3));
      const rows = await (
        await look()
      ).scope.all(`SELECT id FROM marketing_engagements WHERE tenant_id = :tenant AND type = 'page_visited'`);
      assert.equal(rows.length, 1);
    });
  });

  describe('a journey', () => {
    const LEADS = [
      { email: 'ada@example.org', name: 'Ada', country: 'US', score: 10 },
      { email: 'ben@example.org', name: 'Ben', country: 'DE', score: 1 },
      { email: 'cleo@example.org', name: 'Cleo', country: 'US', score: 2, timeZone: 'America/New_York' },
    ];
    async function withLeads(flow: object[]): Promise<Marketing> {
      await red.load([TAB, STORE, CATCH, CAUGHT, ...flow]);
      const data = await look();
      await eventually(async () =>
        assert.ok((await data.leads.upsertAll(LEADS)).every(({ outcome }) => outcome !== 'rejected')),
      );
      await ready();
      return data;
    }
    async function ended(data: Marketing, key: string): Promise<Record<string, number>> {
      return eventually(async () => {
        const { waiting, ended: reasons } = await data.campaigns.report(key);
        assert.equal(waiting, 0);
        return reasons;
      });
    }

    it('holds back who has had enough, where the consent node is told to ask', async () => {
      const data = await withLeads([
        drawn('go', 'marketing-trigger', [['free']]),
        drawn('free', 'marketing-consent', [['out'], []], { requireConsent: 'none', checkFrequency: true }),
        sink('out'),
      ]);
      await data.sendRules.set({ caps: [{ messages: 1, days: 7 }] });
      const ada = await data.leads.get({ email: 'ada@example.org' });
      await data.scope.run(
        `INSERT INTO marketing_messages (tenant_id, step_id, campaign_id, enrollment_id, lead_id, channel, account, message_key,
           content_id, state, attempt, sending_at, settled_at)
         VALUES (:tenant, 99, 99, 99, :lead, 'email', 'a', 'm', 1, 'sent', 1, :now, :now)`,
        { lead: ada?.id ?? 0, now: data.clock.now() },
      );
      red.node('go').receive({ payload: Date.now() });
      await eventually(async () =>
        assert.deepEqual(await ended(data, 'go'), { 'blocked: frequency cap': 1, completed: 2 }),
      );
    });

    it('enters the audience when the trigger gets a message; switches decide, note it on the trail and end the way where nothing is wired', async () => {
      const data = await withLeads([
        drawn('go', 'marketing-trigger', [['rich']]),
        drawn('rich', 'marketing-segment', [['free'], []], { mode: 'inline', condition: 'lead.score > 1' }),
        drawn('free', 'marketing-consent', [['out'], []], { requireConsent: 'all' }),
        sink('out'),
      ]);
      await data.leads.setConsent((await data.leads.get({ email: 'ada@example.org' }))?.id ?? 0, 'email', 'granted', {
        source: 'test',
      });
      red.node('go').receive({ payload: Date.now() });
      const msg = await red.next('out');
      assert.equal((msg.payload as { name: string }).name, 'Ada');
      assert.equal((msg['campaign'] as { key: string }).key, 'go');
      const { trail } = msg['journey'] as { trail: { node: string; outcome: string; saw?: object }[] };
      assert.deepEqual(
        trail.map(({ node, outcome }) => [node, outcome]),
        [
          ['rich', 'matches'],
          ['free', 'allowed'],
        ],
      );
      assert.deepEqual(await ended(data, 'go'), { 'not in segment': 1, 'blocked: no consent': 1, completed: 1 });
      await eventually(() => assert.equal(red.badges('rich').at(-1), 'green 2 yes, 1 no'));
      const story = await data.campaigns.why('go', 'ben@example.org');
      assert.ok(
        story.some(({ text }) => text.includes('rich: else')),
        JSON.stringify(story),
      );
    });

    it('launches the campaign that the message names, and no campaign of another journey', async () => {
      const data = await withLeads([
        drawn('go', 'marketing-trigger', [['out']]),
        drawn('other', 'marketing-trigger', [[]]),
        drawn('campaign', 'marketing-campaign', [['made']], {
          action: 'create',
          campaign: 'topic',
          campaignType: 'msg',
          definition: 'go',
          data: '{"offer":"A"}',
        }),
        sink('out'),
        sink('made'),
      ]);
      red.node('campaign').receive({ topic: 'spring' });
      assert.equal(((await red.next('made')).payload as { state: string }).state, 'draft');
      red.node('other').receive({ campaign: 'spring' });
      assert.equal((await caught()).error.code, 'E_OTHER_DEFINITION');
      red.node('go').receive({ payload: 'spring' });
      const msg = await red.next('out');
      assert.deepEqual((msg['campaign'] as { key: string; data: object }).data, { offer: 'A' });
      await ended(data, 'spring');
    });

    it('does not let a function node change the campaign of others', async () => {
      await withLeads([
        drawn('go', 'marketing-trigger', [['out']]),
        drawn('campaign', 'marketing-campaign', [[]]),
        sink('out'),
      ]);
      red.node('go').receive({});
      const msg = await red.next('out');
      assert.ok(Object.isFrozen(msg['campaign']));
    });

    it('enters one lead for an event that comes to the trigger, once for each event id', async () => {
      const data = await withLeads([
        drawn('go', 'marketing-trigger', [['out']], { mode: 'event', event: 'signed_up' }),
        sink('out'),
      ]);
      await eventually(async () => assert.equal((await data.campaigns.get('go')).state, 'active'));
      for (let count = 0; count < 3; count++)
        red.node('go').receive({ payload: { email: 'new@example.org', name: 'New' }, eventId: 'e-1' });
      red.node('go').receive({ payload: { email: 'ada@example.org' }, eventId: 'e-2' });
      await eventually(() => assert.equal(red.received('out').length, 2));
      assert.equal((await data.campaigns.report('go')).audience, 2);
      red.node('go').receive({ payload: 'nobody' });
      assert.equal((await caught()).error.code, 'E_LEAD_INPUT');
    });

    it('decides by a saved segment, and by behaviour, with one statement for a group', async () => {
      const data = await withLeads([
        drawn('go', 'marketing-trigger', [['gold']]),
        drawn('gold', 'marketing-segment', [['did'], []], { mode: 'saved', segment: 'gold' }),
        drawn('did', 'marketing-segment', [['out'], []], { mode: 'inline', condition: '$did("opened")' }),
        sink('out'),
      ]);
      await data.segments.create({ kind: 'dynamic', key: 'gold', condition: 'lead.country = "US"' });
      await data.segments.recalculate('gold');
      await data.events.record({ type: 'opened', lead: 'cleo@example.org' });
      await red.deploy(
        [
          TAB,
          STORE,
          CATCH,
          CAUGHT,
          drawn('go', 'marketing-trigger', [['gold']]),
          drawn('gold', 'marketing-segment', [['did'], []], { mode: 'saved', segment: 'gold' }),
          drawn('did', 'marketing-segment', [['out'], []], { mode: 'inline', condition: '$did("opened")' }),
          sink('out'),
        ],
        'full',
      );
      red.node('go').receive({});
      assert.equal(((await red.next('out')).payload as { name: string }).name, 'Cleo');
      assert.deepEqual(await ended(data, 'go'), { 'not in segment': 2, completed: 1 });
    });

    it('is not launched while a switch in it cannot decide: an unknown segment, an undeclared attribute', async () => {
      const flow = (properties: object): object[] => [
        TAB,
        STORE,
        CATCH,
        CAUGHT,
        drawn('go', 'marketing-trigger', [['seg']]),
        drawn('seg', 'marketing-segment', [['out'], []], properties as Record<string, unknown>),
        sink('out'),
      ];
      await red.load(flow({ mode: 'saved', segment: 'nope' }));
      await ready();
      red.node('go').receive({});
      assert.equal((await caught()).error.code, 'E_UNKNOWN_SEGMENT');
      await eventually(() => assert.equal(red.badges('seg').at(-1), 'red unknown segment'));
      await red.deploy(flow({ mode: 'inline', condition: 'lead.shoe_size > 40' }), 'full');
      red.node('go').receive({});
      await eventually(() =>
        assert.equal((red.received('caught').at(-1) as unknown as Caught).error.code, 'E_UNKNOWN_ATTRIBUTE'),
      );
      await eventually(() => assert.equal(red.badges('seg').at(-1), 'red condition error'));
      await (await look()).leads.declare('shoe_size', 'number');
      await red.deploy(flow({ mode: 'inline', condition: 'lead.shoe_size > 40', info: 'again' }), 'nodes');
      red.node('go').receive({});
      await eventually(async () => assert.equal((await (await look()).campaigns.get('go')).state, 'active'));
    });

    it('holds people until the moment comes, on the clock of each lead; 400 days work', async () => {
      const data = await withLeads([
        drawn('go', 'marketing-trigger', [['until', 'days']]),
        drawn('until', 'marketing-delay', [[]], { mode: 'until', until: '2099-07-01T09:00' }),
        drawn('days', 'marketing-delay', [[]], { amount: '400' }),
      ]);
      red.node('go').receive({});
      const due = await eventually(async () => {
        const rows = await data.scope.all<{ name: string; step: string; due_at: number }>(
          `SELECT l.name, t.step, s.due_at FROM marketing_steps s JOIN marketing_leads l ON l.id = s.lead_id AND l.tenant_id = :tenant
           JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant WHERE s.tenant_id = :tenant AND s.state = 'waiting'`,
        );
        assert.equal(rows.length, 6);
        return Object.fromEntries(rows.map(({ name, step, due_at }) => [`${name} ${step}`, due_at]));
      });
      // Ada says no zone: it is that of her country.
      assert.equal(due['Ada until'], Date.UTC(2099, 6, 1, 13));
      assert.equal(due['Cleo until'], Date.UTC(2099, 6, 1, 13));
      assert.ok(Math.abs((due['Ben days'] ?? 0) - Date.now() - 400 * 86_400_000) < 60_000);
      await eventually(() => assert.equal(red.badges('days').at(-1), 'yellow 3 waiting'));
    });

    it('keeps people at a send node whose template does not parse: red badge, nobody lost, nothing sent', async () => {
      const data = await withLeads([
        {
          id: 'account',
          type: 'marketing-account',
          host: '127.0.0.1',
          port: '1',
          security: 'none',
          fromAddress: 'news@example.org',
        },
        drawn('go', 'marketing-trigger', [['mail']]),
        drawn('mail', 'marketing-send', [[], [], []], { account: 'account', subject: 'Hello {{ lead.name', html: 'x' }),
      ]);
      red.node('go').receive({});
      await eventually(async () => {
        const report = await data.campaigns.report('go');
        assert.equal(report.stations.find(({ step }) => step === 'mail')?.waiting, 3);
      });
      await eventually(() => assert.equal(red.badges('mail').at(-1), 'red template error'));
    });

    it('holds without charging anybody while the mail server is down, and says so', async () => {
      const data = await withLeads([
        {
          id: 'account',
          type: 'marketing-account',
          host: '127.0.0.1',
          port: '1',
          security: 'none',
          fromAddress: 'news@example.org',
        },
        drawn('go', 'marketing-trigger', [['mail']]),
        drawn('mail', 'marketing-send', [[], [], []], { account: 'account', subject: 'Hello', html: 'x' }),
      ]);
      red.node('go').receive({});
      await eventually(() => assert.equal(red.badges('mail').at(-1), 'yellow held: server down'));
      const report = await data.campaigns.report('go');
      assert.equal(report.waiting, 3);
      assert.equal(report.dead, 0);
    });

    it('says so at both nodes when two stations have the same step name', async () => {
      await red.load([
        TAB,
        STORE,
        CATCH,
        CAUGHT,
        drawn('go', 'marketing-trigger', [['a']]),
        drawn('a', 'marketing-delay', [['b']], { step: 'same' }),
        drawn('b', 'marketing-delay', [[]], { step: 'same' }),
      ]);
      await eventually(() => {
        assert.equal(red.badges('a').at(-1), 'red duplicate step name');
        assert.equal(red.badges('b').at(-1), 'red duplicate step name');
      });
      red.node('go').receive({});
      const { error } = await caught();
      assert.equal(error.code, 'E_DUPLICATE_STEP');
      assert.match(error.message, /"a" \(node a\).*"b" \(node b\)/);
    });

    it('lets a message that comes before the stations are at work wait for them', async () => {
      await red.load([TAB, STORE, drawn('go', 'marketing-trigger', [['out']]), sink('out')]);
      // At once: the store is still opening.
      red.node('go').receive({});
      await eventually(async () => assert.equal((await (await look()).campaigns.get('go')).run, 1));
    });
  });

  describe('admin routes', () => {
    it('answer what the editor asks, with codes and positions', async () => {
      await red.load([TAB, STORE, drawn('go', 'marketing-trigger', [[]])]);
      await ready();
      const made = await red
        .request()
        .post('/marketing/store/segments')
        .send({ key: 'us', name: 'US', condition: 'lead.country = "US"' });
      assert.equal(made.status, 200, made.text);
      const { body: segments } = await red.request().get('/marketing/store/segments');
      assert.deepEqual(
        (segments as unknown as { key: string }[]).map(({ key }) => key),
        ['us'],
      );
      const good = await red
        .request()
        .post('/marketing/condition/check')
        .send({ store: 'store', condition: 'lead.score >  3' });
      assert.deepEqual(good.body, { ok: true, normalised: 'lead.score > 3', attributes: ['score'] });
      const bad = await red
        .request()
        .post('/marketing/condition/check')
        .send({ store: 'store', condition: 'lead.score > "a"' });
      assert.equal(bad.body['ok'], false);
      assert.equal(typeof bad.body['position'], 'number');
      const preview = await red.request().post('/marketing/segment/preview').send({ store: 'store', segment: 'us' });
      assert.deepEqual(preview.body, { count: 0, sample: [] });
      for (const list of ['attributes', 'events', 'definitions', 'campaigns']) {
        assert.equal((await red.request().get(`/marketing/store/${list}`)).status, 200, list);
      }
      const estimate = await red.request().get('/marketing/trigger/go/estimate');
      assert.deepEqual(estimate.body, { audience: 0, state: 'draft' });
      assert.equal((await red.request().post('/marketing/trigger/go/launch').send({})).status, 200);
      assert.equal((await red.request().post('/marketing/trigger/nope/launch').send({})).status, 404);
      const absent = await red.request().get('/marketing/nope/segments');
      assert.equal(absent.status, 404);
      assert.equal(absent.body['code'], 'E_UNKNOWN_STORE');
      assert.equal((await red.request().get('/marketing/store/nope')).status, 404);
      const shown = await red
        .request()
        .post('/marketing/preview')
        .send({ store: 'store', content: { url: 'https://example.org/{{ lead.id }}', payload: '{"a":1}' } });
      assert.equal(shown.body['subject'], 'POST https://example.org/1');
      assert.equal((await red.request().post('/marketing/template/check').send({ content: 'x' })).status, 400);
    });
  });
});
