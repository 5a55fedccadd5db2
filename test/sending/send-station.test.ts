import assert from 'node:assert/strict';
import type { VirtualClock } from '../../lib/clock';
import { createLeads } from '../../lib/leads';
import { eachDatabase } from '../kit/databases';
import type { World } from '../ledger/world';
import { sent } from './fake-account';
import { SendingWorld, type Run } from './sending-world';

const MINUTE = 60_000;

eachDatabase((db) => {
  describe('a send station', () => {
    let bed: SendingWorld;
    let clock: VirtualClock;
    let world: World;

    async function open(options: Parameters<typeof SendingWorld.open>[1] = {}): Promise<void> {
      bed = await SendingWorld.open(db, options);
      ({ clock, world } = bed);
    }
    const run = (...given: Parameters<SendingWorld['run']>): Promise<Run> => bed.run(...given);

    afterEach(() => bed.close());

    it('sends each person one message, with the unsubscribe headers, and ends the journey', async () => {
      await open();
      const { delivered } = await run(() => sent, { leads: 300 });
      assert.equal(delivered.length, 300);
      assert.equal(new Set(delivered.map(({ idempotencyKey }) => idempotencyKey)).size, 300);
      assert.deepEqual(await world.standing(), { 'ended: completed': 300 });
      const raw = String(delivered[0]?.raw);
      assert.match(
        raw,
        /List-Unsubscribe: <https:\/\/example\.org\/u\/\d+>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click/,
      );
      assert.equal(await world.count('messages', `state = 'sent'`), 300);
      assert.equal(await world.count('engagements', `type = 'email_sent'`), 300);
    });

    it('tries a deferred message again after a pause, with the same Message-ID, and charges the try', async () => {
      await open();
      const { delivered, settle } = await run(
        (_message, nth) => (nth === 1 ? { status: 'deferred', reason: '450 later' } : sent),
        { leads: 1 },
      );
      assert.equal(delivered.length, 1);
      await clock.advance(MINUTE - 1_000);
      await settle();
      assert.equal(delivered.length, 1, 'not before the pause is over');
      await clock.advance(2_000);
      await settle();
      assert.equal(delivered.length, 2);
      assert.equal(delivered[0]?.idempotencyKey, delivered[1]?.idempotencyKey);
      assert.equal(String(delivered[0]?.raw), String(delivered[1]?.raw), 'the same bytes');
      assert.equal(await world.count('messages', `state = 'sent' AND attempt = 2`), 1);
    });

    it('gives up after the last try and goes out through "failed"', async () => {
      await open();
      const { delivered, settle } = await run(() => ({ status: 'deferred', reason: '450 no' }), {
        leads: 1,
        maxAttempts: 3,
      });
      for (let i = 0; i < 6; i++) {
        await clock.advance(20 * MINUTE);
        await settle();
      }
      assert.equal(delivered.length, 3);
      assert.deepEqual(await world.standing(), { 'ended: failed: given up after 3 tries: 450 no': 1 });
    });

    it('takes a 5xx as final', async () => {
      await open();
      const { delivered } = await run(() => ({ status: 'rejected', kind: 'address', reason: '550 5.1.1 unknown' }), {
        leads: 1,
      });
      assert.equal(delivered.length, 1);
      assert.deepEqual(await world.standing(), { 'ended: failed: 550 5.1.1 unknown': 1 });
      assert.equal(await world.count('messages', `state = 'failed'`), 1);
    });

    it('holds a message in doubt for somebody to decide, and goes on when it is taken as sent', async () => {
      await open();
      const { settle, runtime } = await run(() => ({ status: 'unknown', reason: 'dropped after the dot' }), {
        leads: 2,
      });
      assert.equal(await world.count('steps', `state = 'unknown'`), 2);
      assert.equal((await world.desk.unknown('journey')).length, 2);
      assert.equal(await world.desk.reconcile('journey', 'sent'), 2);
      assert.equal(await world.count('engagements', `type = 'email_sent' AND channel = 'email' AND lead_id > 0`), 2);
      await runtime.ledger.sweep();
      await settle();
      assert.deepEqual(await world.standing(), { 'ended: completed': 2 });
    });

    it('sends a message in doubt again under "resend", flagged, with the same Message-ID', async () => {
      await open({ onUnknown: 'resend' });
      const { delivered, settle } = await run(
        (_message, nth) => (nth === 1 ? { status: 'unknown', reason: 'dropped' } : sent),
        { leads: 1 },
      );
      await clock.advance(2 * MINUTE);
      await settle();
      assert.equal(delivered.length, 2);
      assert.equal(delivered[0]?.idempotencyKey, delivered[1]?.idempotencyKey);
      assert.equal(await world.count('messages', `state = 'sent' AND in_doubt = 1`), 1);
    });

    it('charges nobody when the server cannot be reached, holds the campaign and goes on by itself', async () => {
      await open();
      let down = true;
      const { delivered, settle } = await run(() => (down ? { status: 'unavailable', reason: 'refused' } : sent), {
        leads: 50,
        capacity: 4,
      });
      assert.ok(delivered.length < 20, `the breaker opened after a few (${delivered.length})`);
      assert.match((await world.campaigns.get('journey')).holdReason ?? '', /refused/);
      assert.equal(await world.count('messages', `attempt > 0`), 0);
      down = false;
      for (let i = 0; i < 10; i++) {
        await clock.advance(MINUTE);
        await settle();
      }
      assert.deepEqual(await world.standing(), { 'ended: completed': 50 });
      assert.equal((await world.campaigns.get('journey')).holdReason, undefined);
      assert.ok(
        bed.held.every((reason) => reason.startsWith('fake: ')),
        bed.held.join(', '),
      );
      assert.equal(
        await world.count('history', `event = 'campaign.released'`),
        await world.count('history', `event = 'campaign.held'`),
      );
      const tries = await world.scope.all(
        `SELECT state, attempt, COUNT(*) AS n FROM marketing_messages WHERE tenant_id = :tenant GROUP BY state, attempt`,
      );
      assert.equal(await world.count('messages', `state = 'sent' AND attempt = 1`), 50, JSON.stringify(tries));
    });

    it('asks at the instant of sending: whoever unsubscribed on the way gets nothing', async () => {
      await open();
      const leads = createLeads(world.scope);
      const { delivered, settle } = await run(() => sent, { leads: 5, rate: 1 });
      assert.equal(delivered.length, 1);
      await leads.suppress('lead3@example.com', 'email', 'unsubscribed');
      for (let i = 0; i < 8; i++) {
        await clock.advance(1_000);
        await settle();
      }
      assert.equal(delivered.length, 4);
      assert.ok(!delivered.some(({ to }) => to.address === 'lead3@example.com'));
      const standing = await world.standing();
      assert.equal(standing['ended: completed'], 4);
      assert.equal(standing['ended: suppressed: suppressed'], 1);
    });

    it('sends nothing more once the campaign is paused, however many it has in its hands, and goes on with resume', async () => {
      await open();
      const { delivered, settle } = await run(() => sent, { leads: 12, rate: 1 });
      assert.equal(delivered.length, 1);
      await world.campaigns.pause('journey');
      for (let i = 0; i < 8; i++) {
        await clock.advance(1_000);
        await settle();
      }
      assert.equal(delivered.length, 1);
      assert.equal(await world.count('messages'), 1, 'nobody else has a message');
      assert.equal(await world.count('steps', `state = 'working'`), 0, 'it keeps nobody');
      await world.campaigns.resume('journey');
      for (let i = 0; i < 16; i++) {
        await clock.advance(1_000);
        await settle();
      }
      assert.equal(delivered.length, 12);
      assert.deepEqual(await world.standing(), { 'ended: completed': 12 });
    });

    it('sends nothing more once the campaign is cancelled', async () => {
      await open();
      const { delivered, settle } = await run(() => sent, { leads: 6, rate: 1 });
      await world.campaigns.cancel('journey');
      for (let i = 0; i < 8; i++) {
        await clock.advance(1_000);
        await settle();
      }
      assert.equal(delivered.length, 1);
      assert.equal(await world.count('messages'), 1);
    });

    it('takes back what a former station of its account has said, and nothing that others have', async () => {
      for (const [reason, released] of [
        ['fake: refused', 1],
        ['fake 2: refused', 0],
        ['20 people could not be served', 0],
      ] as const) {
        await open();
        await world.addLeads(2);
        await world.launch();
        await world.campaigns.hold([(await world.campaigns.get('journey')).id], reason);
        await world.campaigns.hold([(await world.campaigns.get('journey')).id], 'something later');
        assert.equal((await world.campaigns.get('journey')).holdReason, reason, 'the first reason stays');
        const { runtime, settle, delivered } = await run(() => sent, { launched: true });
        await settle();
        assert.equal(delivered.length, 2);
        assert.equal(await world.count('history', `event = 'campaign.released'`), released, reason);
        await runtime.close();
      }
    });

    it('keeps to the rate', async () => {
      await open();
      const { delivered, settle } = await run(() => sent, { leads: 30, rate: 5 });
      const counts: number[] = [delivered.length];
      for (let second = 0; second < 4; second++) {
        await clock.advance(1_000);
        await settle();
        counts.push(delivered.length);
      }
      counts
        .slice(1)
        .forEach((count, index) =>
          assert.ok(count - (counts[index] ?? 0) <= 6, `at most 5 (+1 at the edge) a second: ${counts.join(', ')}`),
        );
      assert.ok((counts.at(-1) ?? 0) >= 20, counts.join(', '));
    });

    it('writes what a server said whatever it said: half a character and NUL keep nobody for ever', async () => {
      await open();
      // Cut at the widths of the columns, it would end in half a character.
      const odd = `550 \0${'x'.repeat(185)}😀${'x'.repeat(62)}😀😀`;
      const { delivered } = await run(() => ({ status: 'rejected', kind: 'content', reason: odd }), { leads: 2 });
      assert.equal(delivered.length, 2);
      assert.equal(await world.count('messages', `state = 'failed' AND reason LIKE '550%xxx%'`), 2);
      assert.equal(await world.count('enrollments', `state = 'ended' AND reason LIKE 'failed: 550%xxx%'`), 2);
    });

    it('tries again on the channel that the node has by then, with its words', async () => {
      await open();
      const first = await run(() => ({ status: 'deferred', reason: '450 later' }), { leads: 1 });
      await first.runtime.close();
      await clock.advance(2 * MINUTE);
      const second = await run(() => sent, {
        launched: true,
        content: { channel: 'webhook', webhook: { url: 'https://example.org/hook' } },
      });
      assert.deepEqual(
        second.delivered.map(({ request }) => request?.url),
        ['https://example.org/hook'],
      );
      assert.equal(await world.count('messages', `state = 'sent' AND channel = 'webhook' AND attempt = 2`), 1);
      const said = await world.scope.get<{ body: string }>(
        `SELECT c.body FROM marketing_messages m JOIN marketing_contents c ON c.id = m.content_id AND c.tenant_id = :tenant
         WHERE m.tenant_id = :tenant`,
      );
      assert.match(said?.body ?? '', /"channel":"webhook"/);
    });

    it('puts somebody whose data the content cannot take into the dead-letter list, alone', async () => {
      await open();
      const { delivered } = await run(() => sent, {
        leads: 4,
        content: {
          channel: 'email',
          email: {
            subject: 'x',
            text: '{% if lead.name == "Lead 2" %}{% for i in (1..90000000) %}x{% endfor %}{% endif %}ok',
            from: { address: 'a@example.org' },
          },
        },
      });
      assert.equal(delivered.length, 3);
      const dead = await world.desk.deadLetters('journey');
      assert.equal(dead.length, 1);
      assert.ok(bed.died > 0);
      assert.equal(await world.count('steps', `state = 'failed'`), 1);
    });
  });
});
