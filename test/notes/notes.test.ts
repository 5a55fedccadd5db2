import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { VirtualClock } from '../../lib/clock';
import { createHistory } from '../../lib/history';
import { createEngagements, createLeads } from '../../lib/leads';
import { createNotes, LARGEST_ATTACHMENT, MOST_ATTACHMENTS, type Entity, type Notes } from '../../lib/notes';
import { listenersOf, type Announced } from '../../lib/outbox';
import type { Scope, Store } from '../../lib/store';
import { campaignRow } from '../kit/campaign-rows';
import { eachDatabase } from '../kit/databases';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const file = (name: string): { name: string; mediaType: string; content: Uint8Array } => ({
  name,
  mediaType: 'text/plain',
  content: text('x'),
});

eachDatabase((db) =>
  describe('notes', function () {
    this.timeout(60_000);
    let store: Store;
    let scope: Scope;
    let notes: Notes;
    let campaign: Entity;
    let engagement: Entity;
    let lead: number;

    beforeEach(async () => {
      store = await db.open({ clock: new VirtualClock() });
      scope = store.tenant('acme');
      notes = createNotes(scope);
      campaign = { kind: 'campaign', id: await campaignRow(scope, { key: 'spring' }) };
      const leads = createLeads(scope);
      const result = await leads.upsert({ email: 'ana@example.com' });
      lead = 'id' in result ? result.id : 0;
      await leads.engage([{ leadId: lead, type: 'purchase', campaignId: campaign.id, eventId: 'e1' }]);
      engagement = { kind: 'engagement', id: (await createEngagements(scope).list()).items[0]?.id ?? 0 };
    });

    it('keep comments in order, page by page, with who wrote them', async () => {
      for (let nth = 1; nth <= 5; nth++) await notes.comment(campaign, `Word ${nth} <b>`, { actor: 'ana' });
      const first = await notes.comments(campaign, { limit: 3 });
      assert.deepEqual(
        first.items.map(({ body, author }) => [body, author]),
        [1, 2, 3].map((nth) => [`Word ${nth} <b>`, 'ana']),
      );
      const second = await notes.comments(campaign, { limit: 3, cursor: first.cursor ?? '' });
      assert.deepEqual(
        second.items.map(({ body }) => body),
        ['Word 4 <b>', 'Word 5 <b>'],
      );
      assert.equal(second.cursor, undefined);
    });

    it('keep files as they are, with their hash, on campaigns and engagements', async () => {
      const content = Uint8Array.from({ length: LARGEST_ATTACHMENT }, (_, index) => (index * 7) % 256);
      const kept = await notes.attach(engagement, { name: 'plan.pdf', mediaType: 'application/pdf', content });
      const back = await notes.attachment(kept.id);
      assert.ok(Buffer.from(content).equals(back.content));
      assert.equal(back.sha256, createHash('sha256').update(content).digest('hex'));
      assert.deepEqual(
        (await notes.attachments(engagement)).map(({ name, size }) => [name, size]),
        [['plan.pdf', LARGEST_ATTACHMENT]],
      );
    });

    it('refuse what is too large, of a type that is not allowed, or nothing', async () => {
      const refuse = async (change: object, code: string): Promise<void> =>
        void (await assert.rejects(notes.attach(campaign, { ...file('a.txt'), ...change }), { code }));
      await refuse({ content: new Uint8Array(LARGEST_ATTACHMENT + 1) }, 'E_ATTACHMENT_SIZE');
      await refuse({ content: new Uint8Array(0) }, 'E_ATTACHMENT_SIZE');
      for (const mediaType of ['text/html', 'image/svg+xml', 'application/javascript', '']) {
        await refuse({ mediaType }, 'E_ATTACHMENT_TYPE');
      }
      await refuse({ name: '../..' }, 'E_ATTACHMENT_NAME');
      for (const words of ['', '   ', 'a\0b', 'x'.repeat(10_001)]) {
        await assert.rejects(notes.comment(campaign, words), { code: 'E_COMMENT' });
      }
    });

    it('make names of files safe', async () => {
      for (const [given, kept] of [
        ['../../etc/passwd', 'passwd'],
        ['C:\\temp\\plan.pdf', 'plan.pdf'],
        ['nul.txt', '_nul.txt'],
        ['.htaccess', 'htaccess'],
        ['a\r\nSet-Cookie: x.txt', 'a__Set-Cookie_ x.txt'],
        ['exe\u202Egpj.pdf', 'exe_gpj.pdf'],
        ['Übersicht 2026.xlsx', 'Übersicht 2026.xlsx'],
        [`${'long'.repeat(100)}.pdf`, `${'long'.repeat(100).slice(0, 146)}.pdf`],
      ] as const) {
        assert.equal((await notes.attach(campaign, file(given))).name, kept);
      }
    });

    it('are at most so many files', async () => {
      for (let nth = 0; nth < MOST_ATTACHMENTS; nth++) await notes.attach(campaign, file(`${nth}.txt`));
      await assert.rejects(notes.attach(campaign, file('more.txt')), { code: 'E_ATTACHMENTS_FULL' });
    });

    it('are told to the history and to listeners without what they say', async () => {
      const heard: Announced[] = [];
      const stop = listenersOf(scope).on(['*'], (one) => void heard.push(one));
      const { id } = await notes.comment(campaign, 'Call ana@example.com', { actor: 'bob' });
      const kept = await notes.attach(engagement, file('ana.txt'), { actor: 'bob' });
      await notes.removeComment(id, { actor: 'bob' });
      await notes.removeAttachment(kept.id, { actor: 'bob' });
      await new Promise((resolve) => setImmediate(resolve));
      stop();
      assert.deepEqual(
        heard.map(({ type, data }) => [type, data]),
        [['marketing.campaign.commented', { campaign: campaign.id, comment: id, author: 'bob' }]],
      );
      const { items } = await createHistory(scope).list();
      assert.deepEqual(
        items.map(({ event }) => event),
        ['engagement.attachment_removed', 'campaign.comment_removed', 'engagement.attached', 'campaign.commented'],
      );
      assert.doesNotMatch(JSON.stringify(items), /ana/);
      assert.deepEqual((await notes.comments(campaign)).items, []);
      assert.deepEqual(await notes.attachments(engagement), []);
    });

    it('on an engagement go with the lead', async () => {
      await notes.comment(engagement, 'Ana was happy');
      const kept = await notes.attach(engagement, file('ana.txt'));
      await createLeads(scope).remove(lead);
      assert.deepEqual((await notes.comments(engagement)).items, []);
      await assert.rejects(notes.attachment(kept.id), { code: 'E_UNKNOWN_ATTACHMENT' });
      const nobodys = await createEngagements(scope).get(engagement.id);
      assert.deepEqual([nobodys.leadId, nobodys.metadata, nobodys.campaignId], [undefined, {}, campaign.id]);
    });

    it('of another tenant are not there', async () => {
      const comment = await notes.comment(campaign, 'Secret');
      const kept = await notes.attach(campaign, file('a.txt'));
      const other = createNotes(store.tenant('other'));
      await assert.rejects(other.comments(campaign), { code: 'E_UNKNOWN_CAMPAIGN' });
      await assert.rejects(other.comment(engagement, 'x'), { code: 'E_UNKNOWN_ENGAGEMENT' });
      await assert.rejects(other.attachment(kept.id), { code: 'E_UNKNOWN_ATTACHMENT' });
      await assert.rejects(other.removeComment(comment.id), { code: 'E_UNKNOWN_COMMENT' });
      assert.equal((await notes.comments(campaign)).items.length, 1);
    });

    it('are read by viewers and written by marketers', async () => {
      const viewer = { id: 'v', roles: ['viewer' as const] };
      const marketer = { id: 'm', roles: ['marketer' as const] };
      await assert.rejects(notes.comment(campaign, 'x', { actor: viewer }), { code: 'E_FORBIDDEN' });
      const { id } = await notes.comment(campaign, 'x', { actor: marketer });
      assert.equal((await notes.comments(campaign, { actor: viewer })).items.length, 1);
      await assert.rejects(notes.removeComment(id, { actor: viewer }), { code: 'E_FORBIDDEN' });
      await assert.rejects(notes.attach(engagement, file('a.txt'), { actor: viewer }), { code: 'E_FORBIDDEN' });
    });
  }),
);
