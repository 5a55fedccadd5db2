import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import path from 'node:path';
import { Webhook as Reference } from 'standardwebhooks';
import { VirtualClock } from '../../lib/clock';
import { ConflictError } from '../../lib/errors';
import { verifyWebhook, type Delivery } from '../../lib/outbox';
import { eachDatabase } from '../kit/databases';
import { eventually } from '../kit/eventually';
import { CREATED, House, LAUNCHED, type Tenant } from './kit/house';
import type { Receiver } from './kit/receiver';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

eachDatabase((db) => {
  describe('the dispatcher of webhooks', function () {
    this.timeout(60_000);
    let house: House;
    let acme: Tenant;
    let receiver: Receiver;
    beforeEach(async () => {
      house = await House.open(db);
      acme = house.tenant();
      receiver = await house.receiver();
    });
    afterEach(() => house.close());

    const hook = (events = ['*'], to = receiver, tenant = acme) => tenant.webhooks.create({ url: to.url, events });
    const log = async (tenant = acme): Promise<readonly Delivery[]> =>
      (await tenant.webhooks.deliveries({ limit: 100 })).items;

    it('posts what was announced, at once, signed as Standard Webhooks are', async () => {
      const { secret } = await hook(['marketing.campaign.*']);
      const dispatcher = house.dispatcher(acme.scope);
      await dispatcher.idle();
      await acme.announce(LAUNCHED, CREATED);
      await dispatcher.idle();
      const [one, ...more] = receiver.received;
      assert.ok(one && more.length === 0);
      assert.match(one.id, /^msg_[0-9a-f]{32}$/);
      const at = house.clock.now();
      assert.deepEqual(one.event, {
        ...{
          type: 'marketing.campaign.launched',
          timestamp: new Date(at).toISOString(),
          data: { tenant: 'acme', campaign: 1 },
        },
      });
      assert.equal(verifyWebhook(one.headers, one.body, [secret], { now: at }).id, one.id);
      const signed = new Reference(secret).sign(one.id, new Date(at), one.body);
      assert.equal(one.headers['webhook-signature'], signed, 'as the reference library signs it');
      assert.equal(one.headers['content-type'], 'application/json');
      const [delivery] = await log();
      assert.deepEqual(
        [delivery?.state, delivery?.status, delivery?.attempt, delivery?.eventId],
        ['delivered', 204, 1, one.id],
      );
    });

    it('tells nobody of what was rolled back, or happened in another tenant', async () => {
      const globex = house.tenant('globex');
      await hook();
      await hook(['*'], receiver, globex);
      house.dispatcher(acme.scope);
      const dispatcher = house.dispatcher(globex.scope);
      await acme.announce(LAUNCHED);
      await dispatcher.idle();
      await eventually(() => assert.equal(receiver.received.length, 1));
      assert.deepEqual(await log(globex), []);
      assert.equal(receiver.received[0]?.event.data['tenant'], 'acme');
      const failing = acme.scope.transaction(async (tx) => {
        await tx.run('UPDATE marketing_subscriptions SET version = 9 WHERE tenant_id = :tenant');
        throw new Error('no');
      });
      await assert.rejects(failing);
      assert.equal((await log()).length, 1);
    });

    it('tries again after growing pauses, for three days, with the same id, and then gives up', async () => {
      await hook();
      receiver.answer = () => 503;
      const dispatcher = house.dispatcher(acme.scope);
      const start = house.clock.now();
      await acme.announce(LAUNCHED);
      await dispatcher.idle();
      const pauses: number[] = [];
      for (let tries = 1; tries < 20; tries++) {
        const [delivery] = await log();
        assert.equal(delivery?.attempt, tries);
        assert.deepEqual([delivery.status, delivery.reason?.includes('HTTP 503')], [503, true]);
        if (delivery.state !== 'waiting') break;
        pauses.push((delivery.dueAt - house.clock.now()) / SECOND);
        await house.clock.advanceTo(delivery.dueAt - 1);
        await dispatcher.idle();
        assert.equal(receiver.received.length, tries, 'not before it is due');
        await house.clock.advance(1);
        await dispatcher.idle();
        assert.equal(receiver.received.length, tries + 1);
      }
      const hours = [2, 5, 10, 14, 20, 24].map((n) => n * 3_600);
      assert.deepEqual(pauses, [5, 30, 300, 1_800, ...hours]);
      assert.ok(house.clock.now() - start > 3 * DAY);
      assert.equal(new Set(receiver.received.map(({ id }) => id)).size, 1);
      const dead = await acme.webhooks.deliveries({ state: 'dead' });
      assert.match(dead.items[0]?.reason ?? '', /^Given up after 11 tries: /);
      await house.clock.advance(DAY);
      await dispatcher.idle();
      assert.equal(receiver.received.length, 11);
    });

    it('heeds Retry-After, follows no redirect, and takes any other answer than 2xx for a failure', async () => {
      await hook();
      const answers = [
        { status: 429, headers: { 'retry-after': '120' } },
        { status: 307, headers: { location: `${receiver.url}/elsewhere` } },
        400,
        200,
      ];
      receiver.answer = () => answers.shift() ?? 500;
      const dispatcher = house.dispatcher(acme.scope);
      await acme.announce(LAUNCHED);
      await dispatcher.idle();
      assert.equal(((await log())[0]?.dueAt ?? 0) - house.clock.now(), 120 * SECOND);
      for (const seconds of [120, 30, 300]) {
        await house.clock.advance(seconds * SECOND);
        await dispatcher.idle();
      }
      assert.deepEqual(
        receiver.received.map((one) => one.path),
        Array.from({ length: 4 }, () => '/hook'),
      );
      assert.deepEqual([(await log())[0]?.state, (await log())[0]?.attempt], ['delivered', 4]);
    });

    it('disables an endpoint that says it is gone, and keeps the rest of its deliveries', async () => {
      const { id } = await hook();
      receiver.answer = () => 410;
      const dispatcher = house.dispatcher(acme.scope);
      await acme.announce(LAUNCHED);
      await dispatcher.idle();
      const gone = await acme.webhooks.get(id);
      assert.deepEqual([gone.enabled, gone.disabledReason], [false, 'The endpoint answered 410 Gone.']);
      assert.equal((await log())[0]?.state, 'dead');
      await acme.announce(CREATED);
      assert.equal((await log()).length, 1, 'a disabled one is told of nothing');
      await assert.rejects(
        acme.webhooks.test(id),
        (error: unknown) => error instanceof ConflictError && error.code === 'E_WEBHOOK_DISABLED',
      );
      receiver.answer = () => 204;
      const mended = await acme.webhooks.update(id, { enabled: true });
      assert.deepEqual([mended.enabled, mended.disabledReason, mended.failingSince], [true, undefined, undefined]);
      await acme.webhooks.replay((await log())[0]?.id ?? 0);
      await dispatcher.idle();
      assert.deepEqual(
        (await log()).map(({ state }) => state),
        ['delivered'],
      );
    });

    it('disables an endpoint that nothing has reached for five days, not one that answers in between', async () => {
      const { id } = await hook();
      const dispatcher = house.dispatcher(acme.scope);
      const tell = async (answer: number): Promise<void> => {
        receiver.answer = () => answer;
        await acme.announce(LAUNCHED);
        await dispatcher.idle();
      };
      await tell(500);
      await house.clock.advance(4 * DAY);
      await dispatcher.idle();
      await tell(204);
      assert.equal((await acme.webhooks.get(id)).failingSince, undefined);
      await tell(500);
      await house.clock.advance(5 * DAY - 1);
      await dispatcher.idle();
      assert.equal((await acme.webhooks.get(id)).enabled, true);
      await house.clock.advance(1);
      await tell(500);
      const disabled = await acme.webhooks.get(id);
      assert.deepEqual(
        [disabled.enabled, disabled.disabledReason],
        [false, 'Nothing has reached the endpoint for five days.'],
      );
      assert.ok(house.warnings.some((text) => text.includes('was disabled')));
    });

    it('lets one slow endpoint hold up nobody else, nor flood anybody', async () => {
      const slow = receiver;
      const quick = await house.receiver();
      slow.answer = () => 'hang';
      await hook(['*'], slow);
      await hook(['*'], quick);
      const dispatcher = house.dispatcher(acme.scope);
      await acme.announce(...Array.from({ length: 40 }, () => LAUNCHED));
      await eventually(() => {
        assert.equal(quick.received.length, 40);
        assert.equal(slow.received.length, 5);
      });
      assert.ok(quick.most <= 5);
      slow.answer = () => 204;
      slow.release();
      await dispatcher.idle();
      assert.equal(slow.received.length, 40);
    });

    it('gives up on an answer after 15 seconds', async () => {
      await hook();
      receiver.answer = () => 'hang';
      const dispatcher = house.dispatcher(acme.scope);
      await acme.announce(LAUNCHED);
      await eventually(() => assert.equal(receiver.received.length, 1));
      await house.clock.advance(15 * SECOND);
      await dispatcher.idle();
      assert.match((await log())[0]?.reason ?? '', /No answer within 15000 ms/);
    });

    it('never connects to a private address behind a public name, unless it is allowed', async () => {
      const port = new URL(receiver.url).port;
      await hook();
      await acme.scope.run('UPDATE marketing_subscriptions SET url = :url WHERE tenant_id = :tenant', {
        url: 'https://hooks.example.org/',
      });
      const asked: string[] = [];
      const dispatcher = house.dispatcher(acme.scope, {
        allowPrivate: false,
        resolve: (hostname, done) => {
          asked.push(hostname);
          done(null, [{ address: '127.0.0.1', family: 4 }]);
        },
      });
      await acme.announce(LAUNCHED);
      await dispatcher.idle();
      assert.deepEqual(asked, ['hooks.example.org']);
      assert.match((await log())[0]?.reason ?? '', /does not lead to the public internet/);
      await acme.scope.run('UPDATE marketing_subscriptions SET url = :url WHERE tenant_id = :tenant', {
        url: `http://127.0.0.1:${port}/hook`,
      });
      await house.clock.advance(5 * SECOND);
      await dispatcher.idle();
      assert.equal((await log())[0]?.attempt, 2);
      assert.equal(receiver.received.length, 0, 'what was allowed once is checked each time');
    });

    it('signs with the old secret as well for a day after it was replaced', async () => {
      const first = await hook();
      const dispatcher = house.dispatcher(acme.scope);
      const second = await acme.webhooks.rotateSecret(first.id);
      assert.notEqual(second.secret, first.secret);
      const fits = async (secret: string): Promise<boolean> => {
        const { id } = await acme.webhooks.test(first.id);
        await dispatcher.idle();
        const { eventId } = await acme.webhooks.delivery(id);
        const one = receiver.received.find((received) => received.id === eventId);
        assert.ok(one?.event.type === 'marketing.test');
        try {
          return verifyWebhook(one.headers, one.body, [secret], { now: house.clock.now() }).id === eventId;
        } catch {
          return false;
        }
      };
      assert.deepEqual([await fits(first.secret), await fits(second.secret)], [true, true]);
      await house.clock.advance(DAY);
      assert.deepEqual([await fits(first.secret), await fits(second.secret)], [false, true]);
    });

    it('replays one delivery or all since a time, under the ids that they had', async () => {
      const { id } = await hook();
      receiver.answer = () => 500;
      const dispatcher = house.dispatcher(acme.scope);
      await acme.announce(LAUNCHED);
      await house.clock.advance(HOUR);
      const since = house.clock.now();
      await acme.announce(LAUNCHED, CREATED);
      // All pauses are over; each look at the clock tries what is due.
      for (let n = 0; n < 30; n++) {
        await dispatcher.idle();
        await house.clock.advance(4 * HOUR);
      }
      await dispatcher.idle();
      const dead = await log();
      assert.deepEqual(
        dead.map(({ state }) => state),
        ['dead', 'dead', 'dead'],
      );
      receiver.answer = () => 204;
      receiver.received.length = 0;
      assert.deepEqual(await acme.webhooks.replayAll(id, { since }), { replayed: 2 });
      await dispatcher.idle();
      assert.deepEqual(
        receiver.received.map((one) => one.id).sort(),
        dead
          .slice(0, 2)
          .map(({ eventId }) => eventId)
          .sort(),
      );
      const oldest = dead[2]?.id ?? 0;
      assert.equal((await acme.webhooks.replay(oldest)).state, 'waiting');
      await dispatcher.idle();
      assert.equal((await acme.webhooks.delivery(oldest)).state, 'delivered');
      assert.deepEqual(await acme.webhooks.replayAll(id, { since, delivered: true }), { replayed: 2 });
    });

    it('sends again, under the same id, what a process was posting when it was killed', async () => {
      await hook();
      // The other process lives in real time.
      const now = new VirtualClock(Date.now());
      await house.tenant('acme', await db.open({ clock: now, keep: true })).announce(LAUNCHED);
      let killed = false;
      const child = fork(path.join(__dirname, 'kit', 'dispatcher-process.ts'), [db.url()], { stdio: 'inherit' });
      const gone = new Promise((resolve) => child.once('exit', resolve));
      receiver.answer = () => {
        // It has been delivered; nobody will ever write that down.
        if (!killed) killed = child.kill('SIGKILL');
        return 204;
      };
      const patience = setTimeout(() => child.kill('SIGKILL'), 40_000);
      await gone;
      clearTimeout(patience);
      assert.ok(killed);
      assert.equal((await log())[0]?.state, 'sending');
      const later = new VirtualClock(Date.now() + 10 * 60 * SECOND);
      const other = house.tenant('acme', await db.open({ clock: later, keep: true }));
      const dispatcher = house.dispatcher(other.scope);
      await dispatcher.idle();
      assert.equal(receiver.received.length, 2);
      assert.equal(receiver.received[0]?.id, receiver.received[1]?.id);
      const [delivery] = await log();
      assert.deepEqual([delivery?.state, delivery?.attempt], ['delivered', 2]);
    });

    it('lets two processes share the work: each delivery is posted once', async () => {
      await hook();
      await acme.announce(...Array.from({ length: 60 }, () => LAUNCHED));
      const other = house.tenant('acme', await db.open({ clock: house.clock, keep: true }));
      const dispatchers = [house.dispatcher(acme.scope), house.dispatcher(other.scope)];
      for (const dispatcher of dispatchers) await dispatcher.idle();
      await eventually(async () => assert.ok((await log()).every(({ state }) => state === 'delivered')));
      assert.equal(receiver.received.length, 60);
      assert.equal(new Set(receiver.received.map(({ id }) => id)).size, 60);
    });

    it('lets what is in flight finish when it closes, and charges nothing to what it cuts', async () => {
      await hook();
      receiver.answer = () => 'hang';
      const dispatcher = house.dispatcher(acme.scope);
      await acme.announce(LAUNCHED);
      await eventually(() => assert.equal(receiver.received.length, 1));
      const closing = dispatcher.close(1_000);
      await house.clock.advance(1_000);
      await closing;
      const [delivery] = await log();
      assert.deepEqual([delivery?.state, delivery?.attempt], ['waiting', 0]);
      assert.equal((await acme.webhooks.list())[0]?.failingSince, undefined);
      receiver.answer = () => 204;
      await house.dispatcher(acme.scope).idle();
      assert.equal((await log())[0]?.state, 'delivered');
    });

    it('forgets delivered ones after a week, those given up after a month', async () => {
      await hook();
      const dispatcher = house.dispatcher(acme.scope);
      await acme.announce(LAUNCHED);
      await dispatcher.idle();
      receiver.answer = () => 410;
      await acme.announce(CREATED);
      await dispatcher.idle();
      const after = async (days: number): Promise<string[]> => {
        await house.clock.advance(days * DAY);
        await dispatcher.idle();
        return (await log()).map(({ state }) => state);
      };
      assert.deepEqual(await after(6), ['dead', 'delivered']);
      assert.deepEqual(await after(1), ['dead']);
      assert.deepEqual(await after(22), ['dead']);
      assert.deepEqual(await after(2), []);
    });
  });
});
