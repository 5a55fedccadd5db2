import assert from 'node:assert/strict';
import { openMarketing, type Marketing } from '../../lib';
import { VirtualClock } from '../../lib/clock';
import type { Person, StationHandle } from '../../lib/ledger';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) => {
  describe('the facade', () => {
    let marketing: Marketing;
    let clock: VirtualClock;
    const entered: Person[] = [];

    beforeEach(async () => {
      await (await db.open()).close();
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      entered.length = 0;
      marketing = await openMarketing({
        database: { url: db.url() },
        tenant: 'acme',
        clock,
        logger: { error: console.log },
      });
    });
    afterEach(async () => {
      await marketing.close();
    });

    async function deploy(mode: 'launch' | 'event', segment?: string): Promise<StationHandle> {
      await marketing.definitions.deploy('flow', [
        {
          key: 'hello',
          name: 'Hello',
          entry: 'start',
          entryMode: mode,
          ...(mode === 'event' ? { event: 'signed_up' } : {}),
          ...(segment === undefined ? {} : { segment }),
          onUnknown: 'hold',
          stations: [{ step: 'start', kind: 'trigger', node: 'n1', hash: 'h', forks: false }],
          body: {},
        },
      ]);
      return marketing.ledger.attach({
        definition: 'hello',
        step: 'start',
        kind: 'trigger',
        wired: () => true,
        emit: (_port, people) => entered.push(...people),
      });
    }

    it('has the escalation rules of a definition act on its campaigns, after a pause as soon as they go on', async () => {
      await marketing.documents.save({
        id: 'sales',
        stages: ['plan', 'active', 'closed'],
        automation: { escalation: [{ after: '10 minutes', action: 'reassign_to_manager' }] },
      });
      const armed = async (): Promise<void> => {
        while ((await marketing.timers.list('campaign-escalation')).length === 0) {
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const { id } = await marketing.campaigns.create({ name: 'Spring', definition: 'sales' });
      await marketing.campaigns.launch(id);
      await armed();
      await marketing.campaigns.pause(id);
      await clock.advance(15 * 60_000);
      assert.deepEqual(await marketing.campaigns.assignments(id), []);
      await marketing.campaigns.resume(id);
      while ((await marketing.campaigns.assignments(id)).length === 0) await clock.advance(1_000);
      assert.deepEqual(
        (await marketing.campaigns.assignments(id)).map(({ kind, assignee }) => [kind, assignee]),
        [['role', 'manager']],
      );
    });

    it('enters a lead by an event once, however often the event is told', async () => {
      await deploy('event');
      await marketing.campaigns.ensure('hello');
      await marketing.campaigns.launch('hello');
      const event = { type: 'signed_up', lead: { email: 'Ada@Example.org', name: 'Ada' }, eventId: 'e-1' };
      const first = await marketing.events.record(event);
      const again = await Promise.all([marketing.events.record(event), marketing.events.record(event)]);
      await marketing.ledger.idle();
      assert.deepEqual([first.fresh, first.entered], [true, 1]);
      assert.deepEqual(
        again.map(({ fresh, entered: count }) => [fresh, count]),
        [
          [false, 0],
          [false, 0],
        ],
      );
      assert.equal(entered.length, 1);
      assert.equal(entered[0]?.lead.email, 'ada@example.org');
      assert.equal(entered[0]?.campaign.key, 'hello');
    });

    it('does not enter anybody for another event, nor before the campaign is launched', async () => {
      await deploy('event');
      await marketing.campaigns.ensure('hello');
      assert.equal((await marketing.events.record({ type: 'signed_up', lead: { email: 'a@example.org' } })).entered, 0);
      await marketing.campaigns.launch('hello');
      assert.equal((await marketing.events.record({ type: 'bought', lead: 'a@example.org' })).entered, 0);
      await assert.rejects(marketing.events.record({ type: 'bought', lead: 'nobody@example.org' }), {
        code: 'E_UNKNOWN_LEAD',
      });
      await assert.rejects(marketing.events.record({ type: 'not an event', lead: 'a@example.org' }), {
        code: 'E_EVENT',
      });
    });

    it('refuses one bad event alone: those that come at the same moment are recorded', async () => {
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;
      const lead = { email: 'a@example.org' };
      await marketing.leads.upsert(lead);
      const good = { type: 'bought', lead: lead.email };
      const bad = [
        { ...good, type: '9lives' },
        { ...good, type: '.bought' },
        { ...good, eventId: '' },
        { ...good, eventId: 'half \ud83d' },
        { ...good, at: 1.5 },
        { ...good, at: Number.NaN },
        { ...good, channel: 'x'.repeat(33) },
        { ...good, metadata: circle },
        { ...good, metadata: { big: 1n } },
        { ...good, metadata: { nul: 'a\0b' } },
        { ...good, metadata: { half: '\udc00' } },
        { ...good, metadata: { long: 'x'.repeat(65_536) } },
      ];
      const results = await Promise.allSettled(
        [good, ...bad, { ...good, metadata: { text: 'a \\u0000 and a \\ud800, spelled out' } }].map((event) =>
          marketing.events.record(event),
        ),
      );
      results.slice(1, -1).forEach((result, index) => {
        assert.equal(
          result.status === 'rejected' && (result.reason as { code?: string }).code,
          'E_EVENT',
          JSON.stringify(index),
        );
      });
      assert.deepEqual([results[0]?.status, results.at(-1)?.status], ['fulfilled', 'fulfilled']);
    });

    it('launches for a segment: estimates it, enters its members, tells everybody else why not', async () => {
      await marketing.leads.declare('plan', 'string');
      await marketing.leads.upsertAll([
        { email: 'pro@example.org', plan: 'pro' },
        { email: 'free@example.org', plan: 'free' },
      ]);
      await marketing.segments.create({ key: 'pros', kind: 'dynamic', condition: 'lead.plan = "pro"' });
      await deploy('launch', 'pros');
      await marketing.campaigns.ensure('hello');
      assert.deepEqual(await marketing.campaigns.estimate('hello'), { audience: 1, heldOut: 0 });
      await marketing.campaigns.launch('hello');
      await marketing.ledger.idle();
      assert.deepEqual(
        entered.map(({ lead }) => lead.email),
        ['pro@example.org'],
      );
      const story = await marketing.campaigns.why('hello', 'pro@example.org');
      assert.match(story.map(({ text }) => text).join(' → '), /start/);
      await assert.rejects(marketing.campaigns.why('hello', 'free@example.org'), { code: 'E_NOT_ENROLLED' });
    });

    it('launches for a segment that no database can evaluate by itself', async () => {
      await marketing.leads.upsertAll(Array.from({ length: 30 }, (_, index) => ({ email: `p${index}@example.org` })));
      await marketing.segments.create({
        key: 'evens',
        kind: 'dynamic',
        condition: { field: 'email', operator: 'matches', value: '^p\\d*[02468]@' },
      });
      await deploy('launch', 'evens');
      await marketing.campaigns.ensure('hello');
      await marketing.campaigns.launch('hello');
      await marketing.ledger.idle();
      assert.equal(entered.length, 15);
    });

    it('refuses a journey token of another tenant, a forged one and none', async () => {
      const station = await deploy('launch');
      const journey = { tenant: 'acme', definition: 'hello', campaign: 1, enrollment: 1, step: 999_999, trail: [] };
      await assert.rejects(station.arrive({ journey: { ...journey, tenant: 'rival' } }), { code: 'E_NO_JOURNEY' });
      await assert.rejects(station.arrive({ journey }), { code: 'E_UNKNOWN_STEP' });
      await assert.rejects(marketing.ledger.end(undefined as never, 'x'), { code: 'E_NO_JOURNEY' });
    });

    it('keeps its signing secret, so that links stay valid over restarts and mean nothing to another tenant', async () => {
      const url = marketing.unsubscribe.url(7, 3, 'email');
      const token = url.slice(url.lastIndexOf('/') + 1);
      await marketing.close();
      marketing = await openMarketing({
        database: { url: db.url() },
        tenant: 'acme',
        clock,
        logger: { error: console.log },
      });
      assert.equal(marketing.unsubscribe.verify(token)?.lead, 7);
      const rival = await openMarketing({ database: { url: db.url() }, tenant: 'rival', clock, work: false });
      assert.equal(rival.unsubscribe.verify(token), undefined);
      await rival.close();
    });

    it('keeps links valid when a secret is set, and when it is changed', async () => {
      const tokenOf = (): string => marketing.unsubscribe.url(7, 3, 'email', 5).split('/').at(-1) ?? '';
      const tokens = [tokenOf()];
      for (const signingSecret of ['a secret of sixteen letters', 'another secret of that kind']) {
        await marketing.close();
        marketing = await openMarketing({ database: { url: db.url() }, tenant: 'acme', clock, signingSecret });
        tokens.push(tokenOf());
      }
      assert.equal(new Set(tokens).size, 3);
      for (const token of tokens) {
        const payload = marketing.unsubscribe.verify(token);
        assert.deepEqual([payload?.lead, payload?.campaign, payload?.message], [7, 3, 5]);
      }
    });

    it('shows nothing of one tenant to another', async () => {
      await marketing.leads.upsert({ email: 'ada@example.org' });
      const rival = await openMarketing({ database: { url: db.url() }, tenant: 'rival', clock, work: false });
      assert.equal(await rival.leads.count(), 0);
      assert.equal(await rival.leads.get({ email: 'ada@example.org' }), undefined);
      await rival.close();
    });

    it('is well when its database answers', async () => {
      const health = await marketing.health();
      assert.deepEqual(health, { ok: true, database: 'ok', timers: 'ok', ledger: 'open' });
    });
  });
});

describe('opening a store that cannot be opened', () => {
  it('says what is wrong with the URL, without its password', async () => {
    await assert.rejects(
      openMarketing({ database: { url: 'oracle://u:secret@h/d' } }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'E_DATABASE_URL');
        assert.ok(!error.message.includes('secret'));
        return true;
      },
    );
    await assert.rejects(openMarketing({ database: { url: 'postgres://u@127.0.0.1' } }), { code: 'E_DATABASE_URL' });
  });

  it('says that nobody answers, and that trying again may help', async () => {
    await assert.rejects(
      openMarketing({ database: { url: 'postgres://u:secret@127.0.0.1:1/d' } }),
      (error: Error & { code?: string; retryable?: boolean }) => {
        assert.equal(error.code, 'E_DATABASE_UNREACHABLE');
        assert.equal(error.retryable, true);
        assert.ok(!error.message.includes('secret'));
        return true;
      },
    );
  });

  it('refuses a tenant id that is none', async () => {
    await assert.rejects(openMarketing({ database: { url: 'sqlite::memory:' }, tenant: 'a b' }), { code: 'E_TENANT' });
  });
});
