import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import express from 'express';
import { openMarketing, type Marketing } from '../../lib';
import { SystemClock } from '../../lib/clock';
import { signWebhook } from '../../lib/channels';
import { inboundRouter } from '../../lib/http';
import { registerTrigger, type TriggerContext } from '../../lib/triggers';
import { endpointAt } from '../../nodes/kit/inbound';
import { migrateConfig } from '../../nodes/kit/migrate';
import { migrations } from '../../nodes/trigger/migrations';
import { describeTrigger, triggerRules } from '../../nodes/trigger/rules';
import { eventually } from '../kit/eventually';
import { bench } from '../kit/helper';

const TAB = { id: 'tab', type: 'tab', label: 'Tab' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store' };
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const KEY = 'k'.repeat(24);

function trigger(properties: Record<string, unknown>): object {
  return {
    ...{ id: 'in', type: 'marketing-trigger', z: 'tab', x: 1, y: 1, name: 'in', store: 'store', wires: [['out']] },
    ...{ configVersion: 2, ...properties },
  };
}
const OUT = { id: 'out', type: 'helper', z: 'tab', x: 1, y: 1, wires: [] };

describe('the trigger node’s configuration', () => {
  it('of before lets in whoever comes, as it did', () => {
    const saved = { mode: 'event', event: 'bought', audience: 'segment', segment: 'left over' };
    const config = migrateConfig(saved, migrations);
    assert.deepEqual(triggerRules(config), {
      ...{ listens: { on: 'event', event: 'bought' }, delayMs: 0, reentry: { when: 'always' }, cooldown: {} },
    });
    assert.equal(config['audience'], 'everybody');
    assert.deepEqual(describeTrigger(migrateConfig({ mode: 'launch' }, migrations)), {});
  });

  it('says everything that the engine needs', () => {
    const rules = { reentry: 'pause', pause: '2', pauseUnit: 'hours', pauseSince: 'entry', frequency: '7d' };
    const more = { cooldown: '30', cooldownUnit: 'minutes', cooldownOf: 'campaign', delay: '1.5', delayUnit: 'days' };
    const date = { attribute: 'birthday', offsetDays: '3', offsetSide: 'before', at: '18:30', leapDay: 'mar1' };
    assert.deepEqual(triggerRules({ mode: 'date', ...date, ...rules, ...more, condition: ' lead.score > 1 ' }), {
      listens: {
        ...{ on: 'date', attribute: 'birthday', every: 'year', offsetDays: -3, at: '18:30', leapDay: 'mar1' },
        graceMs: 86_400_000,
      },
      condition: 'lead.score > 1',
      delayMs: 129_600_000,
      reentry: { when: 'pause', ms: 7_200_000, since: 'entry' },
      frequencyMs: 604_800_000,
      cooldown: { campaignMs: 1_800_000 },
    });
    for (const wrong of [{ delay: '31' }, { delay: 'x' }, { frequency: '2h' }, { mode: 'score', threshold: '' }]) {
      const config = { mode: 'event', event: 'a', ...wrong };
      assert.throws(() => triggerRules(config), { name: 'InputError' }, JSON.stringify(wrong));
      assert.ok('broken' in (describeTrigger(config).config?.trigger ?? {}), 'lets in nobody');
    }
  });
});

/** What serves the endpoints of triggers: Node-RED's HTTP root, which the test helper leaves out. */
function serve(): Promise<{ url: string; close(): void }> {
  const app = express().use(
    '/marketing',
    inboundRouter({ clock: new SystemClock(), find: (key) => endpointAt('/marketing', key) }),
  );
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({ url: `http://127.0.0.1:${port}`, close: () => server.close() });
    });
  });
}

describe('the trigger node in Node-RED', function () {
  this.timeout(30_000);
  const red = bench();
  let marketing: Marketing | undefined;

  async function look(): Promise<Marketing> {
    const url = `sqlite:${path.join(red.userDir, 'marketing.sqlite')}`;
    marketing ??= await openMarketing({ database: { url }, work: false });
    return marketing;
  }
  let web: { url: string; close(): void };
  beforeEach(async () => {
    web = await serve();
  });
  afterEach(async () => {
    web.close();
    await marketing?.close();
    marketing = undefined;
  });
  /** Posts to an inbound endpoint. */
  async function post(to: string, body: string, headers: Record<string, string> = {}): Promise<[number, string]> {
    const response = await fetch(`${web.url}/marketing/in/${to}`, { method: 'POST', headers, body });
    return [response.status, await response.text()];
  }
  const listens = (): Promise<unknown> =>
    eventually(async () => assert.equal((await (await look()).campaigns.get('in')).state, 'active'));
  const report = async (): Promise<object> => {
    const [one] = await (await look()).triggers.report(await (await look()).campaigns.get('in'));
    return { entered: one?.entered, refused: one?.refused };
  };

  it('lets in by an event with its rules, whoever records it, and counts under it', async () => {
    await red.load([
      ...[TAB, STORE, OUT],
      trigger({ mode: 'event', event: 'bought', condition: 'event.value > 50', reentry: 'never' }),
    ]);
    await listens();
    const house = await look();
    const { id } = (await house.leads.upsert({ email: 'ada@example.org' })) as { id: number };
    await house.leads.engage([{ leadId: id, type: 'bought', metadata: { value: 51 } }]);
    red.node('in').receive({ payload: { email: 'ada@example.org' }, metadata: { value: 60 } });
    red.node('in').receive({ payload: { email: 'bob@example.org' }, metadata: { value: 5 } });
    await eventually(async () =>
      assert.deepEqual(await report(), { entered: 1, refused: { reentry: 1, condition: 1 } }),
    );
    assert.equal(((await red.next('out')) as { payload: { id: number } }).payload.id, id);
    await eventually(() => assert.equal(red.badges('in').at(-1), 'green 1 in, 2 not'));
  });

  it('takes in signed webhooks, once each, and nothing else', async () => {
    await red.load(
      [
        ...[TAB, STORE, OUT],
        trigger({
          ...{ mode: 'webhook', event: 'order', webhookKey: KEY, webhookAuth: 'signature' },
          ...{ leadPath: 'customer.email', dataPath: 'order', createLeads: true, condition: 'event.total >= 10' },
        }),
      ],
      { in: { webhookSecret: SECRET } },
    );
    await listens();
    const body = (total: number): string =>
      JSON.stringify({ customer: { email: 'ada@example.org' }, order: { total } });
    const send = async (id: string, text: string, secret = SECRET, seconds = Date.now() / 1000): Promise<number> => {
      const timestamp = Math.floor(seconds);
      const [status, answer] = await post(KEY, text, {
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signWebhook({ id, timestamp, body: text }, secret),
      });
      assert.ok(!/ada|@/i.test(answer), answer);
      return status;
    };
    assert.equal(await send('m1', body(20)), 202);
    assert.equal(await send('m1', body(20)), 202, 'sent again');
    assert.equal(await send('m2', body(5)), 202);
    assert.equal(await send('m3', body(20), `whsec_${Buffer.alloc(24, 8).toString('base64')}`), 401);
    assert.equal(await send('m4', body(20), SECRET, Date.now() / 1000 - 3_600), 401, 'an old one, played again');
    assert.equal(await send('m5', '{'), 400);
    assert.equal(await send('m6', JSON.stringify({ customer: { email: 7 } })), 400);
    assert.equal((await post(KEY, '{}'))[0], 401);
    assert.equal((await post(KEY, 'x'.repeat(300_000)))[0], 413);
    assert.equal((await fetch(`${web.url}/marketing/in/${KEY}`)).status, 405);
    assert.equal((await post('somebody-elses', '{}'))[0], 404);
    assert.deepEqual(await report(), { entered: 1, refused: { condition: 1 } });
    const guesses: number[] = [];
    for (let n = 0; n < 70; n++) guesses.push((await post('guess', '{}'))[0]);
    assert.deepEqual([guesses[0], guesses.at(-1)], [404, 429]);
    assert.equal(await send('m7', body(30)), 202, 'who may is not kept out by who may not');
  });

  it('takes in webhooks with a shared secret, and makes no leads where it must not', async () => {
    await red.load(
      [
        ...[TAB, STORE, OUT],
        trigger({
          ...{ mode: 'webhook', event: 'order', webhookKey: KEY, webhookAuth: 'secret', webhookHeader: 'X-Key' },
          ...{ leadPath: '', dataPath: '', idPath: 'ref', createLeads: false },
        }),
      ],
      { in: { webhookSecret: 'a secret of its own' } },
    );
    await listens();
    const house = await look();
    await house.leads.upsert({ email: 'ada@example.org' });
    const send = async (text: object, secret: string): Promise<number> =>
      (await post(KEY, JSON.stringify(text), { 'X-Key': secret }))[0];
    const ada = { email: 'ada@example.org', ref: 'r1', id: 1 };
    assert.equal(await send(ada, 'a secret of its ow'), 401);
    assert.equal(await send(ada, 'a secret of its own'), 202);
    assert.equal(await send(ada, 'a secret of its own'), 202);
    assert.equal(await send({ ...ada, email: 'nobody@example.org', ref: 'r2' }, 'a secret of its own'), 202);
    assert.equal(await send({ id: 1, ref: 'r3' }, 'a secret of its own'), 202, 'numbers of leads are ours');
    assert.deepEqual(await report(), { entered: 1, refused: {} });
    assert.equal(await house.leads.count(), 1);
  });

  it('has a custom trigger watch while it is deployed', async () => {
    const contexts: TriggerContext[] = [];
    let stopped = 0;
    const undo = registerTrigger({
      name: 'queue',
      validate: ({ topic }) => assert.equal(topic, 'orders'),
      start(context) {
        contexts.push(context);
        return { stop: () => void stopped++ };
      },
    });
    await red.load([
      ...[TAB, STORE, OUT],
      trigger({ mode: 'custom', contract: 'queue', options: '{"topic":"orders"}' }),
    ]);
    await listens();
    await eventually(() => assert.equal(contexts.length, 1));
    const [context] = contexts;
    assert.deepEqual([context?.definition, context?.options], ['in', { topic: 'orders' }]);
    const outcome = await context?.enter({ email: 'ada@example.org' }, { key: 'm1' });
    assert.equal(outcome?.entered, 1);
    assert.equal((await context?.enter('ada@example.org', { key: 'm1' }))?.entered, 0);
    assert.equal(((await red.next('out')) as { payload: { email: string } }).payload.email, 'ada@example.org');
    await red.deploy([TAB, STORE, OUT], 'nodes');
    await eventually(() => assert.equal(stopped, 1));
    assert.equal(context?.signal.aborted, true);
    undo();
  });

  it('says what it cannot listen to', async () => {
    const cases: [object, string][] = [
      [{ mode: 'segment', watchSegment: 'gone' }, 'red unknown segment'],
      [{ mode: 'date', attribute: 'gone' }, 'red not complete'],
      [{ mode: 'event', event: 'a', condition: 'lead.gone = 1' }, 'red not complete'],
      [{ mode: 'custom', contract: 'gone' }, 'red not complete'],
      [{ mode: 'webhook', event: 'a', webhookKey: KEY }, 'red not complete'],
      [{ mode: 'event', event: 'a', delay: '40' }, 'red not complete'],
    ];
    await red.load([TAB, STORE, OUT]);
    for (const [properties, badge] of cases) {
      await red.deploy([TAB, STORE, OUT, trigger({ ...properties })], 'full');
      await eventually(() => assert.equal(red.badges('in').at(-1), badge, JSON.stringify(properties)));
    }
  });

  it('lets in by hand, and by a segment and a score, under the same rules', async () => {
    await red.load([...[TAB, STORE, OUT], trigger({ mode: 'score', threshold: '50', reentry: 'never' })]);
    await listens();
    const house = await look();
    await house.leads.upsert({ email: 'ada@example.org', score: 60 });
    red.node('in').receive({ payload: { email: 'ada@example.org' } });
    red.node('in').receive({ payload: { email: 'bob@example.org' } });
    await eventually(async () => assert.deepEqual(await report(), { entered: 2, refused: { reentry: 1 } }));
  });
});
