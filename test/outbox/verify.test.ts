import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { signWebhook } from '../../lib/channels';
import { InputError } from '../../lib/errors';
import { Events } from '../../lib/events';
import { createLeads } from '../../lib/leads';
import { verifyWebhook, type WebhookHeaders } from '../../lib/outbox';
import { eachDatabase } from '../kit/databases';

/** The vector that the Standard Webhooks specification and its libraries publish. */
const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  body: '{"test": 2432232314}',
  at: 1_614_265_330_000,
  headers: {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  },
};

function verify({
  headers = VECTOR.headers,
  body = VECTOR.body,
  secrets = [VECTOR.secret],
  now = VECTOR.at,
}: {
  headers?: WebhookHeaders;
  body?: string | Buffer;
  secrets?: string[];
  now?: number;
} = {}): ReturnType<typeof verifyWebhook> {
  return verifyWebhook(headers, body, secrets, { now });
}

describe('incoming webhooks', () => {
  it('verify by the published vector of Standard Webhooks', () => {
    const { 'webhook-id': id } = VECTOR.headers;
    assert.deepEqual(verify(), { id, sentAt: VECTOR.at });
    assert.deepEqual(verify({ body: Buffer.from(VECTOR.body) }), { id, sentAt: VECTOR.at });
    const written = Object.fromEntries(
      Object.entries(VECTOR.headers).map(([name, value]) => [name.toUpperCase(), value]),
    );
    assert.deepEqual(verify({ headers: written }), { id, sentAt: VECTOR.at });
    assert.equal(
      signWebhook({ id, timestamp: VECTOR.at / 1000, body: VECTOR.body }, VECTOR.secret),
      VECTOR.headers['webhook-signature'],
    );
  });

  it('verify what the reference library signs, with any of several secrets and signatures', () => {
    const other = `whsec_${randomBytes(24).toString('base64')}`;
    const body = JSON.stringify({ type: 'order.paid', name: 'Žofie €' });
    const signature = new Webhook(other).sign('evt_1', new Date(VECTOR.at), body);
    const headers = {
      'webhook-id': 'evt_1',
      'webhook-timestamp': '1614265330',
      'webhook-signature': `v1a,x v1,AAAA ${signature}`,
    };
    assert.equal(verify({ headers, body, secrets: [VECTOR.secret, other] }).id, 'evt_1');
  });

  it('are refused when anything was changed, is missing, too old or too new', () => {
    const { headers } = VECTOR;
    const cases: Record<string, Parameters<typeof verify>[0]> = {
      'another body': { body: '{"test": 2432232315}' },
      'another id': { headers: { ...headers, 'webhook-id': 'msg_other' } },
      'another time': { headers: { ...headers, 'webhook-timestamp': '1614265331' } },
      'another secret': { secrets: ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'] },
      'no secret': { secrets: [] },
      'no signature': { headers: { ...headers, 'webhook-signature': '' } },
      'a signature of another kind': {
        headers: { ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1,', 'v2,') },
      },
      'a shorter signature': { headers: { ...headers, 'webhook-signature': 'v1,g0hM9SsE' } },
      'no id': { headers: { ...headers, 'webhook-id': undefined } },
      'no time': { headers: { ...headers, 'webhook-timestamp': 'soon' } },
      'a time with more': { headers: { ...headers, 'webhook-timestamp': '1614265330.5' } },
      'six minutes late': { now: VECTOR.at + 360_000 },
      'six minutes early': { now: VECTOR.at - 360_000 },
    };
    for (const [what, changed] of Object.entries(cases)) {
      assert.throws(
        () => verify(changed),
        (error: unknown) => error instanceof InputError && error.code === 'E_WEBHOOK_SIGNATURE',
        what,
      );
    }
    assert.ok(verify({ now: VECTOR.at + 299_000 }) && verify({ now: VECTOR.at - 299_000 }));
  });
});

eachDatabase((db) => {
  describe('incoming events', () => {
    it('that come five times each, shuffled and at once, are recorded once', async function () {
      this.timeout(60_000);
      const store = await db.open();
      const scope = store.tenant('acme');
      const leads = createLeads(scope);
      const changed = (): Promise<void> => Promise.resolve();
      const events = new Events({ scope, leads, changed });
      await leads.upsert({ email: 'ada@example.org' });
      const sender = new Webhook(VECTOR.secret);
      const deliveries = Array.from({ length: 20 }, (_event, n) => {
        const [id, body] = [`evt_${n}`, JSON.stringify({ type: 'purchase', email: 'ada@example.org', order: n })];
        return { id, body, signature: sender.sign(id, new Date(VECTOR.at), body) };
      }).flatMap((one) => Array.from({ length: 5 }, () => one));
      // A fixed shuffle: every one of them is somewhere else, duplicates are together and far apart.
      const shuffled = deliveries.map((one, n) => ({ one, at: (n * 37) % 101 })).sort((a, b) => a.at - b.at);
      const outcomes = await Promise.all(
        shuffled.map(async ({ one: { id, body, signature } }) => {
          const headers = {
            'webhook-id': id,
            'webhook-timestamp': String(VECTOR.at / 1000),
            'webhook-signature': signature,
          };
          const verified = verify({ headers, body });
          const { type, email, order } = JSON.parse(body) as { type: string; email: string; order: number };
          return events.record({ type, lead: email, eventId: verified.id, metadata: { order } });
        }),
      );
      assert.equal(outcomes.filter(({ fresh }) => fresh).length, 20);
      const row = await scope.get<{ n: number }>(
        'SELECT COUNT(*) AS n FROM marketing_engagements WHERE tenant_id = :tenant',
      );
      assert.equal(row?.n, 20);
    });
  });
});
