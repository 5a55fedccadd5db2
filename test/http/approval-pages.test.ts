import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Approval, ApprovalLink } from '../../lib/governance';
import { approvalRouter } from '../../lib/http';
import { eachDatabase } from '../kit/databases';
import { Desk, person } from '../governance/desk';

eachDatabase((db) => {
  if (db.name !== 'sqlite') return;
  describe('the pages behind links that decide', function () {
    this.timeout(60_000);
    let desk: Desk;
    let server: Server;
    let root: string;
    let made = 0;

    before(async () => {
      await (await db.open()).close();
      desk = new Desk(db);
      await desk.open({ baseUrl: 'https://crm.example/marketing/' });
      await desk.deploy();
      const app = express().use(approvalRouter({ clock: desk.clock, approvals: desk.marketing.approvals }));
      server = createServer(app).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    after(async () => {
      server.close();
      await desk.marketing.close();
    });

    async function asked(...approvers: string[]): Promise<Approval> {
      const { campaigns, approvals } = desk.marketing;
      const { id } = await campaigns.create(
        { key: `p${++made}`, definition: 'journey', name: 'Spring <b>', budget: 5, currency: 'EUR' },
        { actor: 'ada' },
      );
      const terms = {
        approvers: approvers.map((approver) => ({ kind: 'user' as const, approver })),
        strategy: 'unanimous',
      };
      return approvals.request(id, { ...terms, comment: 'please "look"' }, { actor: 'ada' });
    }
    const linkFor = (id: number, approver: string): Promise<ApprovalLink> =>
      desk.marketing.approvals.linkFor(id, { kind: 'user', approver });
    const at = ({ url }: { url: string }): string => url.replace('https://crm.example/marketing', root);
    const press = (link: { url: string }, decision = 'approve', comment = ''): Promise<Response> =>
      fetch(at(link), { method: 'POST', body: new URLSearchParams({ decision, comment }) });
    const state = async (id: number): Promise<string> => (await desk.marketing.approvals.get(id)).state;

    it('show what is asked, in the reader’s language, and change nothing however often they are opened', async () => {
      const { id } = await asked('ann');
      const link = await linkFor(id, 'ann');
      assert.match(link.url, /^https:\/\/crm\.example\/marketing\/a\/[\w-]+$/);
      for (const method of ['GET', 'HEAD', 'GET']) {
        assert.equal((await fetch(at(link), { method })).status, 200);
      }
      const page = await fetch(at(link), { headers: { 'accept-language': 'de' } });
      const html = await page.text();
      assert.match(html, /Freigeben/);
      assert.ok(html.includes('Spring &#60;b&#62;') && !html.includes('<b>'), 'escaped');
      assert.match(html, /5 EUR/);
      assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
      assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.equal(await state(id), 'pending');
    });

    it('vote once: the second of two tabs is told so', async () => {
      const { id } = await asked('ann', 'bob');
      const link = await linkFor(id, 'ann');
      const both = await Promise.all([press(link, 'approve', 'fine'), press(link, 'approve')]);
      assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409]);
      assert.equal((await press(link, 'reject')).status, 409, 'nor is it good for changing the vote');
      assert.match(await (await fetch(at(link))).text(), /Decided already/);
      const { seats } = await desk.marketing.approvals.get(id);
      assert.deepEqual([seats[0]?.decision, seats[0]?.votedBy, seats[1]?.decision], ['approve', 'ann', undefined]);
      assert.equal((await press(await linkFor(id, 'bob'))).status, 200);
      assert.equal(await state(id), 'approved');
    });

    it('say so when it is too late, the campaign has changed, or nothing was chosen', async () => {
      const one = await asked('ann');
      const link = await linkFor(one.id, 'ann');
      assert.equal((await press(link, 'maybe')).status, 422);
      await desk.marketing.campaigns.update(one.campaign, { budget: 500 });
      const changed = await press(link);
      assert.equal(changed.status, 409);
      assert.match(await changed.text(), /has changed/);
      const other = await asked('ann');
      const late = await linkFor(other.id, 'ann');
      await desk.clock.advance(14 * 86_400_000 + 1);
      assert.equal((await press(late)).status, 410);
      assert.equal(await state(other.id), 'pending');
    });

    it('know nothing of tokens that were not made for this, and slow down who tries many', async () => {
      const { unsubscribe } = desk.marketing;
      for (const url of ['/a/nonsense', unsubscribe.url(1, 1, 'email').replace(/.*\/u\//, '/a/')]) {
        assert.equal((await fetch(`${root}${url}`)).status, 404, url);
      }
      const { url } = await linkFor((await asked('ann')).id, 'ann');
      assert.equal(unsubscribe.verify(url.replace(/.*\/a\//, '')), undefined, 'nor is it one for unsubscribing');
      assert.equal((await fetch(at({ url: `${url.slice(0, -2)}xx` }))).status, 404);
      let last = 0;
      for (let tries = 0; tries < 70; tries++) last = (await fetch(`${root}/a/guess${tries}`)).status;
      assert.equal(last, 429);
      assert.equal((await fetch(at({ url }), { method: 'PUT' })).status, 405);
    });

    it('are made for oneself, and for others by who may make tokens; the history knows for whom', async () => {
      const { approvals } = desk.marketing;
      const { id } = await asked('ann', 'bob');
      const ann = person('ann');
      const user = (approver: string) => ({ kind: 'user' as const, approver });
      assert.equal((await approvals.linkFor(id, user('ann'), { actor: ann })).voter, 'ann');
      await assert.rejects(approvals.linkFor(id, user('bob'), { actor: ann }), { code: 'E_FORBIDDEN' });
      await assert.rejects(approvals.linksFor(id, { actor: ann }), { code: 'E_FORBIDDEN' });
      await assert.rejects(approvals.linkFor(id, user('zoe')), { code: 'E_UNKNOWN_APPROVER' });
      assert.deepEqual(
        (await approvals.linksFor(id)).map(({ voter }) => voter),
        ['ann', 'bob'],
      );
      assert.ok((await desk.history()).includes('links_made by ann'));
    });
  });
});
