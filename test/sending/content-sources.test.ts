import assert from 'node:assert/strict';
import type { OutgoingMessage } from '../../lib/channels';
import type { VirtualClock } from '../../lib/clock';
import { ContentError } from '../../lib/content';
import { parseJson } from '../../lib/store';
import { createTemplates, type Templates } from '../../lib/templates';
import { eachDatabase } from '../kit/databases';
import type { World } from '../ledger/world';
import { sent } from './fake-account';
import { SendingWorld, type Run, type RunOptions } from './sending-world';

const MINUTE = 60_000;
const SENDER = { from: { name: 'Shop', address: 'shop@example.org' }, replyTo: 'help@example.org' };
const WORDS = { subject: 'Hello {{ lead.name }}', text: 'Dear {{ lead.name }}' };

const subjectOf = ({ raw }: OutgoingMessage): string => /^Subject: (.*)\r$/m.exec(String(raw))?.[1] ?? '';

eachDatabase((db) => {
  describe('what a send station sends', () => {
    let bed: SendingWorld;
    let clock: VirtualClock;
    let world: World;
    let templates: Templates;

    beforeEach(async () => {
      bed = await SendingWorld.open(db);
      ({ clock, world } = bed);
      templates = createTemplates(world.scope);
    });
    afterEach(() => bed.close());

    function template(more: RunOptions = {}): RunOptions {
      return { content: { from: 'template', key: 'welcome' }, sender: SENDER, ...more };
    }
    function campaign(more: RunOptions = {}): RunOptions {
      return { content: { from: 'campaign' }, sender: SENDER, ...more };
    }
    /** What a campaign says is to be sent. */
    async function says(key: string, content: unknown): Promise<void> {
      await world.campaigns.ensure('journey');
      await world.scope.run(
        `UPDATE marketing_campaigns SET content = :content, version = version + 1 WHERE tenant_id = :tenant AND campaign_key = :key`,
        { key, content: JSON.stringify(content) },
      );
    }
    async function reasons(): Promise<string[]> {
      return (await world.desk.deadLetters('journey')).map(({ reason }) => reason);
    }
    /** What messages are frozen to. */
    async function frozen(): Promise<{ template: string | null; version: number | null; messages: number }[]> {
      const rows = await world.scope.all<{ k: string | null; v: number | null; n: number }>(
        `SELECT c.template_key AS k, c.template_version AS v, COUNT(*) AS n FROM marketing_messages m
          JOIN marketing_contents c ON c.id = m.content_id AND c.tenant_id = :tenant
         WHERE m.tenant_id = :tenant GROUP BY c.id, c.template_key, c.template_version ORDER BY c.id`,
      );
      return rows.map(({ k, v, n }) => ({ template: k, version: v, messages: Number(n) }));
    }
    /** Waits until the campaign's run is over. */
    async function over({ runtime, settle }: Run): Promise<void> {
      for (let tries = 0; tries < 20 && (await world.campaigns.get('journey')).state !== 'completed'; tries++) {
        await clock.advance(MINUTE);
        // Awaited here: on the clock, a round may take longer than what is waited for.
        await runtime.ledger.sweep();
        await settle();
      }
    }
    /** Puts those of the dead-letter list back into the queue. */
    async function retryAll({ runtime, settle }: Run): Promise<void> {
      await world.desk.retry('journey');
      await runtime.ledger.sweep();
      await settle();
    }

    describe('from a template', () => {
      it('is its newest version, from the account’s sender, and each message says which version', async () => {
        await templates.create({ key: 'welcome', name: 'Welcome', type: 'email', content: WORDS });
        const { delivered } = await bed.run(() => sent, template({ leads: 40 }));
        assert.equal(delivered.length, 40);
        assert.equal(new Set(delivered.map(subjectOf)).size, 40);
        const raw = String(delivered[0]?.raw);
        assert.match(raw, /^From: "Shop" <shop@example\.org>\r$/m);
        assert.match(raw, /^Reply-To: help@example\.org\r$/m);
        assert.match(raw, /List-Unsubscribe: <https:\/\/example\.org\/u\/\d+>/);
        assert.deepEqual(await frozen(), [{ template: 'welcome', version: 1, messages: 40 }]);
      });

      it('has the template’s own sender where it names one', async () => {
        const content = { ...WORDS, from: { name: 'Ada', address: 'ada@example.org' } };
        await templates.create({ key: 'welcome', name: 'Welcome', type: 'email', content });
        const { delivered } = await bed.run(() => sent, template({ leads: 1 }));
        assert.match(String(delivered[0]?.raw), /^From: "Ada" <ada@example\.org>\r$/m);
        assert.equal(delivered[0]?.envelope?.from, 'ada@example.org');
      });

      it('stays what it was at the first try, whatever becomes of the template; whoever comes later gets the new words', async () => {
        await templates.create({ key: 'welcome', name: 'Welcome', type: 'email', content: WORDS });
        const run = await bed.run(
          (_message, nth) => (nth === 1 ? { status: 'deferred', reason: '450 later' } : sent),
          template({ leads: 1 }),
        );
        await templates.update('welcome', { name: 'Only the name' });
        await templates.update('welcome', { content: { ...WORDS, subject: 'News' } });
        await world.campaigns.create({ key: 'later', definition: 'journey' });
        await world.campaigns.launch('later');
        await run.settle();
        await clock.advance(2 * MINUTE);
        await run.settle();
        const [first, later, again] = run.delivered;
        assert.deepEqual(run.delivered.map(subjectOf), ['Hello Lead 1', 'News', 'Hello Lead 1']);
        assert.equal(String(again?.raw), String(first?.raw), 'the same bytes');
        assert.notEqual(later?.idempotencyKey, first?.idempotencyKey);
        assert.deepEqual(await frozen(), [
          { template: 'welcome', version: 1, messages: 1 },
          { template: 'welcome', version: 3, messages: 1 },
        ]);
      });

      it('is kept for a retry even when the template is gone by then, in another process', async () => {
        await templates.create({ key: 'welcome', name: 'Welcome', type: 'email', content: WORDS });
        const first = await bed.run(() => ({ status: 'deferred', reason: '450 later' }), template({ leads: 2 }));
        assert.equal(first.delivered.length, 2);
        await first.runtime.close();
        await templates.remove('welcome');
        await clock.advance(2 * MINUTE);
        const second = await bed.run(() => sent, template({ launched: true }));
        assert.deepEqual(second.delivered.map(subjectOf).sort(), first.delivered.map(subjectOf).sort());
        assert.deepEqual(await frozen(), [{ template: 'welcome', version: 1, messages: 2 }]);
      });

      it('that does not exist puts people into the dead-letter list with what to do, and a retry sends it once it does', async () => {
        const run = await bed.run(() => sent, template({ leads: 3 }));
        assert.deepEqual(await reasons(), Array(3).fill(NO_TEMPLATE));
        assert.ok(bed.died > 0, 'the campaign is looked after');
        assert.equal(await world.count('messages'), 0);
        await templates.create({ key: 'welcome', name: 'Welcome', type: 'email', content: WORDS });
        await retryAll(run);
        assert.equal(run.delivered.length, 3);
        assert.deepEqual(await world.standing(), { 'ended: completed': 3 });
      });

      it('for another channel is refused', async () => {
        await templates.create({ key: 'welcome', name: 'Welcome', type: 'sms', content: { text: 'x' } });
        await bed.run(() => sent, template({ leads: 1 }));
        assert.deepEqual(await reasons(), [
          'The template "welcome" is for sms, and this account sends email. Choose another, then retry.',
        ]);
      });

      it('is refused when nobody is the sender', async () => {
        await templates.create({ key: 'welcome', name: 'Welcome', type: 'email', content: WORDS });
        await bed.run(() => sent, { content: { from: 'template', key: 'welcome' }, leads: 1 });
        assert.match(
          (await reasons())[0] ?? '',
          /^The template "welcome" cannot be used: Nobody is named as the sender/,
        );
      });
    });

    describe('as the campaign says', () => {
      it('is the words that stand in the campaign for the account’s channel', async () => {
        await says('journey', { email: { ...WORDS, from: 'own@example.org' }, sms: { text: 'x' } });
        const { delivered } = await bed.run(() => sent, campaign({ leads: 3 }));
        assert.deepEqual(delivered.map(subjectOf).sort(), ['Hello Lead 1', 'Hello Lead 2', 'Hello Lead 3']);
        assert.equal(delivered[0]?.envelope?.from, 'own@example.org');
        assert.deepEqual(await frozen(), [{ template: null, version: null, messages: 3 }]);
      });

      it('is the template that the campaign names', async () => {
        await templates.create({ key: 'spring', name: 'Spring', type: 'email', content: WORDS });
        await says('journey', { email: { template: 'spring' } });
        const { delivered } = await bed.run(() => sent, campaign({ leads: 2 }));
        assert.equal(delivered.length, 2);
        assert.deepEqual(await frozen(), [{ template: 'spring', version: 1, messages: 2 }]);
      });

      it('differs for campaigns that share a flow; equal words are kept once', async () => {
        await says('journey', { email: { ...WORDS, subject: 'A' } });
        for (const key of ['b', 'c']) await world.campaigns.create({ key, definition: 'journey' });
        await says('b', { email: { ...WORDS, subject: 'B' } });
        await says('c', { email: { ...WORDS, subject: 'A' } });
        const run = await bed.run(() => sent, campaign({ leads: 2 }));
        for (const key of ['b', 'c']) await world.campaigns.launch(key);
        await run.settle();
        assert.deepEqual(run.delivered.map(subjectOf).sort(), ['A', 'A', 'A', 'A', 'B', 'B']);
        assert.equal(await world.count('contents'), 2);
      });

      it('follows the campaign when it changes, and a message that was begun keeps its words', async () => {
        await says('journey', { email: { ...WORDS, subject: 'Old' } });
        const run = await bed.run(
          (_message, nth) => (nth === 1 ? { status: 'deferred', reason: '450 later' } : sent),
          campaign({ leads: 1 }),
        );
        await says('journey', { email: { ...WORDS, subject: 'New' } });
        await clock.advance(2 * MINUTE);
        await run.settle();
        await over(run);
        await world.campaigns.launch('journey');
        await run.settle();
        assert.deepEqual(run.delivered.map(subjectOf), ['Old', 'Old', 'New']);
      });

      it('missing or not usable puts people into the dead-letter list with what to do, and others are served', async () => {
        await says('journey', { sms: { text: 'x' } });
        for (const key of ['broken', 'named', 'good']) await world.campaigns.create({ key, definition: 'journey' });
        await says('broken', { email: { subject: 'x', text: '{{ lead.name | nope }}' } });
        await says('named', { email: { template: 'nope' } });
        await says('good', { email: WORDS });
        const run = await bed.run(() => sent, campaign({ leads: 1 }));
        for (const key of ['broken', 'named', 'good']) await world.campaigns.launch(key);
        await run.settle();
        assert.deepEqual(await reasons(), ['The campaign "journey" has no content for email. Write it, then retry.']);
        const [broken] = await world.desk.deadLetters('broken');
        assert.match(
          broken?.reason ?? '',
          /^The content of the campaign "broken" for email cannot be used: The text template/,
        );
        const [named] = await world.desk.deadLetters('named');
        assert.match(named?.reason ?? '', /^The template "nope" does not exist\./);
        assert.equal(run.delivered.length, 1);
        await says('journey', { email: { ...WORDS, subject: 'Now' } });
        await retryAll(run);
        assert.deepEqual(run.delivered.map(subjectOf), ['Hello Lead 1', 'Now']);
      });
    });

    it('costs a handful of statements per group, and none per person', async () => {
      await templates.create({ key: 'welcome', name: 'Welcome', type: 'email', content: WORDS });
      await says('journey', { email: { template: 'welcome' } });
      const { scope } = world;
      const asked: string[] = [];
      const all = scope.all.bind(scope);
      scope.all = (text, values) => {
        if (/marketing_(?:contents|template_versions)|c\.content/.test(text)) asked.push(text);
        return all(text, values);
      };
      const { delivered } = await bed.run(() => sent, campaign({ leads: 500, capacity: 50 }));
      assert.equal(delivered.length, 500);
      assert.ok(asked.length <= 40, `${asked.length} statements about contents for 500 people`);
    });

    it('from the node itself is checked before anybody comes', async () => {
      const email = { subject: '{{ lead.name', text: 'x', from: { address: 'a@example.org' } };
      await assert.rejects(() => bed.run(() => sent, { content: { channel: 'email', email } }), ContentError);
    });

    it('is kept with its words and their language', async () => {
      await bed.run(() => sent, { leads: 1, language: 'de' });
      const row = await world.scope.get<{ body: string }>(
        `SELECT body FROM marketing_contents WHERE tenant_id = :tenant`,
      );
      const { content, language } = parseJson<Record<string, unknown>>(row?.body, {});
      assert.equal(language, 'de');
      assert.deepEqual(content, {
        channel: 'email',
        email: { subject: 'Hello {{ lead.name }}', text: 'Hi {{ lead.name }}', from: { address: 'a@example.org' } },
      });
    });
  });
});

const NO_TEMPLATE = 'The template "welcome" does not exist. Create it or choose another, then retry.';
