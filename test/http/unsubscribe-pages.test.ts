import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { createUnsubscribeSigner, type UnsubscribePayload } from '../../lib/compliance';
import { unsubscribeRouter } from '../../lib/http';
import { serve, type Served } from './kit';

const signer = createUnsubscribeSigner({ current: 'a secret of more than sixteen characters' });
const payload: UnsubscribePayload = { tenant: 'default', lead: 7, campaign: 3, message: 11, channel: 'email' };
const token = signer.sign(payload);
const ONE_CLICK = {
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: 'List-Unsubscribe=One-Click',
};

describe('unsubscribe pages', () => {
  let served: Served;
  let clock: VirtualClock;
  let applied: UnsubscribePayload[];
  let failure: Error | undefined;
  let reported: unknown[];

  beforeEach(async () => {
    clock = new VirtualClock();
    applied = [];
    reported = [];
    failure = undefined;
    served = await serve(
      unsubscribeRouter({
        clock,
        verify: (given) => signer.verify(given),
        apply: (what) => {
          if (failure) return Promise.reject(failure);
          applied.push(what);
          return Promise.resolve();
        },
        onError: (error) => reported.push(error),
        guessesPerMinute: 3,
      }),
      '/marketing',
    );
  });
  afterEach(() => served.close());

  it('shows a page on GET and changes nothing', async () => {
    const { status, headers, body } = await served.ask('GET', `/marketing/u/${token}`);
    assert.equal(status, 200);
    assert.match(headers['content-type'] ?? '', /^text\/html/);
    assert.match(body, /<form method="post">/);
    assert.deepEqual(applied, []);
  });

  it('answers HEAD without a body and changes nothing', async () => {
    const { status, body } = await served.ask('HEAD', `/marketing/u/${token}`);
    assert.equal(status, 200);
    assert.equal(body, '');
    assert.deepEqual(applied, []);
  });

  it('unsubscribes on a one-click POST, urlencoded, without a redirect or a cookie', async () => {
    const { status, headers, body } = await served.ask('POST', `/marketing/u/${token}`, ONE_CLICK);
    assert.equal(status, 200);
    assert.equal(headers['set-cookie'], undefined);
    assert.equal(headers.location, undefined);
    assert.match(body, /You are unsubscribed/);
    assert.deepEqual(applied, [payload]);
  });

  it('unsubscribes on a one-click POST, multipart', async () => {
    const body = '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n';
    const { status } = await served.ask('POST', `/marketing/u/${token}`, {
      headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
      body,
    });
    assert.equal(status, 200);
    assert.deepEqual(applied, [payload]);
  });

  it("unsubscribes when the page's button is pressed, which sends nothing but the URL", async () => {
    const { status } = await served.ask('POST', `/marketing/u/${token}`);
    assert.equal(status, 200);
    assert.deepEqual(applied, [payload]);
  });

  it('answers a second POST like the first', async () => {
    const first = await served.ask('POST', `/marketing/u/${token}`, ONE_CLICK);
    const second = await served.ask('POST', `/marketing/u/${token}`, ONE_CLICK);
    assert.equal(second.status, 200);
    assert.equal(second.body, first.body);
    assert.equal(applied.length, 2);
  });

  it('answers a token that is not ours with 404, for GET and POST alike', async () => {
    for (const method of ['GET', 'POST']) {
      const { status, body } = await served.ask(method, `/marketing/u/${token.slice(0, -2)}xx`);
      assert.equal(status, 404);
      assert.match(body, /This link does not work/);
    }
    assert.deepEqual(applied, []);
  });

  it('slows down guessing, but never refuses a good token', async () => {
    for (let guess = 0; guess < 3; guess++)
      assert.equal((await served.ask('GET', `/marketing/u/guess${guess}`)).status, 404);
    const limited = await served.ask('GET', '/marketing/u/guess4');
    assert.equal(limited.status, 429);
    assert.equal(limited.headers['retry-after'], '60');
    assert.equal((await served.ask('POST', `/marketing/u/${token}`, ONE_CLICK)).status, 200);
    await clock.advance(60_000);
    assert.equal((await served.ask('GET', '/marketing/u/guess5')).status, 404);
  });

  it('says so when the opt-out could not be stored, and that one may try again', async () => {
    failure = new Error('the database is away');
    const { status, headers, body } = await served.ask('POST', `/marketing/u/${token}`, ONE_CLICK);
    assert.equal(status, 503);
    assert.equal(headers['retry-after'], '30');
    assert.match(body, /could not be saved/);
    assert.doesNotMatch(body, /database is away/);
    assert.deepEqual(reported, [failure]);
  });

  it('refuses a body that is far larger than any form', async () => {
    const { status } = await served.ask('POST', `/marketing/u/${token}`, { body: Buffer.alloc(1_000_000) });
    assert.equal(status, 413);
    assert.deepEqual(applied, []);
  });

  it('speaks the language that the browser prefers', async () => {
    const german = await served.ask('GET', `/marketing/u/${token}`, {
      headers: { 'Accept-Language': 'de-AT,de;q=0.9,en;q=0.5' },
    });
    assert.match(german.body, /<html lang="de">/);
    const other = await served.ask('GET', `/marketing/u/${token}`, { headers: { 'Accept-Language': 'fi' } });
    assert.match(other.body, /<html lang="en">/);
    assert.match(other.headers.vary ?? '', /Accept-Language/);
  });

  it('lets nothing be stored, framed, indexed or loaded, and gives no referrer away', async () => {
    for (const path of [`/marketing/u/${token}`, '/marketing/u/nonsense']) {
      const { headers } = await served.ask('GET', path);
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(String(headers['x-robots-tag']), /noindex/);
      assert.match(
        String(headers['content-security-policy']),
        /default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/,
      );
    }
  });

  it('answers other methods with 405', async () => {
    const { status, headers } = await served.ask('DELETE', `/marketing/u/${token}`);
    assert.equal(status, 405);
    assert.equal(headers.allow, 'GET, HEAD, POST');
  });
});
