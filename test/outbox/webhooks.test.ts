import assert from 'node:assert/strict';
import type { Principal } from '../../lib/access';
import { ConflictError, ForbiddenError, InputError, type MarketingError, NotFoundError } from '../../lib/errors';
import { Webhooks } from '../../lib/outbox';
import { eachDatabase } from '../kit/databases';
import { House, LAUNCHED, type Tenant } from './kit/house';

type Kind = new (...args: never[]) => MarketingError;
function refused(code: string, kind: Kind): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof kind, String(error));
    assert.equal(error.code, code);
    return true;
  };
}

const INPUT = { url: 'https://hooks.example.org/T123/s3cret-path', events: ['marketing.campaign.*'] };

eachDatabase((db) => {
  describe('webhooks', () => {
    let house: House;
    let acme: Tenant;
    beforeEach(async () => {
      house = await House.open(db);
      acme = house.tenant();
    });

    it('are created with a secret that is shown once and found nowhere else', async () => {
      const made = await acme.webhooks.create({ ...INPUT, name: 'Slack' }, { actor: 'ada' });
      assert.match(made.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
      const { secret, ...shown } = made;
      assert.deepEqual(await acme.webhooks.get(made.id), shown);
      assert.deepEqual([shown.enabled, shown.version, shown.createdBy, shown.name], [true, 1, 'ada', 'Slack']);
      const history = await house.store.system.all('SELECT * FROM marketing_history');
      const elsewhere = JSON.stringify([await acme.webhooks.list(), history, house.warnings]);
      assert.ok(!elsewhere.includes(secret));
      assert.ok(!JSON.stringify(history).includes('s3cret-path'), 'paths of URLs are often secrets');
    });

    it('go to https addresses of the public internet only, unless private ones are allowed', async () => {
      const strict = new Webhooks(acme.scope);
      for (const url of [
        ...['', 'hooks.example.org', 'ftp://example.org', 'http://example.org/hook', 'https://user:pw@example.org'],
        ...[
          'https://127.0.0.1/',
          'https://2130706433/',
          'https://[::1]/',
          'https://10.0.0.1/',
          'https://169.254.169.254/',
        ],
        ...['https://example.org:6379/', `https://example.org/${'x'.repeat(2_100)}`, 'javascript:alert(1)'],
      ]) {
        await assert.rejects(strict.create({ ...INPUT, url }), refused('E_WEBHOOK_TARGET', InputError), url);
      }
      await assert.rejects(
        acme.webhooks.create({ ...INPUT, url: 'http://10.0.0.1/' }),
        refused('E_WEBHOOK_TARGET', InputError),
      );
      await acme.webhooks.create({ ...INPUT, url: 'http://localhost:8080/' });
      await acme.webhooks.create({ ...INPUT, url: 'https://10.0.0.1:8443/' });
    });

    it('name events that exist', async () => {
      for (const events of [[], ['marketing.campagne.*'], ['*', 'lead.created'], 'marketing.lead.created', [1]]) {
        await assert.rejects(
          acme.webhooks.create({ ...INPUT, events } as never),
          refused('E_EVENT_PATTERN', InputError),
          JSON.stringify(events),
        );
      }
      const { events } = await acme.webhooks.create({ ...INPUT, events: ['*', 'marketing.lead.created', '*'] });
      assert.deepEqual(events, ['*', 'marketing.lead.created']);
    });

    it('are changed by version: one of many edits wins, the others hear of it', async () => {
      const { id } = await acme.webhooks.create(INPUT);
      const edits = await Promise.allSettled(
        Array.from({ length: 10 }, (_edit, n) => acme.webhooks.update(id, { name: `Edit ${n}` }, { version: 1 })),
      );
      assert.equal(edits.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const edit of edits) {
        if (edit.status === 'rejected') assert.ok(refused('E_CONFLICT', ConflictError)(edit.reason));
      }
      const changed = await acme.webhooks.update(id, { events: ['*'], enabled: false }, { actor: 'ada', version: 2 });
      assert.deepEqual([changed.version, changed.enabled, changed.events, changed.url], [3, false, ['*'], INPUT.url]);
      const events = await acme.scope.all<{ event: string }>(
        'SELECT event FROM marketing_history WHERE tenant_id = :tenant ORDER BY id',
      );
      assert.deepEqual(
        events.map(({ event }) => event),
        ['webhook.created', 'webhook.updated', 'webhook.updated'],
      );
    });

    it('are removed with everything on its way to them', async () => {
      const { id } = await acme.webhooks.create(INPUT);
      await acme.announce(LAUNCHED);
      assert.equal((await acme.webhooks.deliveries({ webhook: id })).items.length, 1);
      await acme.webhooks.remove(id);
      await assert.rejects(acme.webhooks.get(id), refused('E_UNKNOWN_WEBHOOK', NotFoundError));
      assert.deepEqual((await acme.webhooks.deliveries()).items, []);
    });

    it('need the permission for everything', async () => {
      const { id } = await acme.webhooks.create(INPUT);
      const actor: Principal = { id: 'eve', roles: ['marketer', 'approver', 'compliance'] };
      const { webhooks } = acme;
      for (const attempt of [
        () => webhooks.create(INPUT, { actor }),
        () => webhooks.list({ actor }),
        () => webhooks.get(id, { actor }),
        () => webhooks.update(id, {}, { actor }),
        () => webhooks.remove(id, { actor }),
        () => webhooks.rotateSecret(id, { actor }),
        () => webhooks.test(id, { actor }),
        () => webhooks.deliveries({}, { actor }),
        () => webhooks.delivery(1, { actor }),
        () => webhooks.replay(1, { actor }),
        () => webhooks.replayAll(id, { since: 0 }, { actor }),
      ]) {
        await assert.rejects(attempt, refused('E_FORBIDDEN', ForbiddenError));
      }
    });

    it('of one tenant are unknown to another, with their deliveries', async () => {
      const { id } = await acme.webhooks.create({ ...INPUT, events: ['*'] });
      await acme.announce(LAUNCHED);
      const delivery = (await acme.webhooks.deliveries()).items[0]?.id ?? 0;
      const { webhooks } = house.tenant('globex');
      assert.deepEqual([await webhooks.list(), (await webhooks.deliveries()).items], [[], []]);
      const unknown = refused('E_UNKNOWN_WEBHOOK', NotFoundError);
      await assert.rejects(webhooks.get(id), unknown);
      await assert.rejects(webhooks.update(id, { enabled: false }), unknown);
      await assert.rejects(webhooks.remove(id), unknown);
      await assert.rejects(webhooks.rotateSecret(id), unknown);
      await assert.rejects(webhooks.test(id), unknown);
      await assert.rejects(webhooks.deliveries({ webhook: id }), unknown);
      await assert.rejects(webhooks.replayAll(id, { since: 0 }), unknown);
      await assert.rejects(webhooks.delivery(delivery), refused('E_UNKNOWN_DELIVERY', NotFoundError));
      await assert.rejects(webhooks.replay(delivery), refused('E_UNKNOWN_DELIVERY', NotFoundError));
      assert.equal((await acme.webhooks.get(id)).version, 1);
    });

    it('list their deliveries page by page, the newest first', async () => {
      const first = await acme.webhooks.create(INPUT);
      const second = await acme.webhooks.create(INPUT);
      await acme.announce(...Array.from({ length: 5 }, () => LAUNCHED));
      const one = await acme.webhooks.deliveries({ webhook: second.id, limit: 3 });
      const two = await acme.webhooks.deliveries({ webhook: second.id, limit: 3, cursor: one.cursor ?? '' });
      const ids = [...one.items, ...two.items].map(({ id }) => id);
      assert.deepEqual(
        ids,
        [...new Set(ids)].sort((a, b) => b - a),
      );
      assert.deepEqual([ids.length, two.cursor], [5, undefined]);
      assert.equal((await acme.webhooks.deliveries({ webhook: first.id, state: 'dead' })).items.length, 0);
      const { body } = await acme.webhooks.delivery(ids[0] ?? 0);
      assert.deepEqual((body as { data: unknown }).data, { tenant: 'acme', campaign: 1 });
      await assert.rejects(acme.webhooks.deliveries({ limit: 101 }), refused('E_LIMIT', InputError));
      await assert.rejects(acme.webhooks.deliveries({ cursor: "1' OR 1=1" }), refused('E_CURSOR', InputError));
      await assert.rejects(acme.webhooks.deliveries({ state: 'x' as never }), refused('E_DELIVERY_STATE', InputError));
    });
  });
});
