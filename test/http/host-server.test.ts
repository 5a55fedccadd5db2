import assert from 'node:assert/strict';
import { Router } from 'express';
import { VirtualClock } from '../../lib/clock';
import { createHostServer, type HostServer } from '../../lib/http';

describe("the runtime's HTTP server", () => {
  const clock = new VirtualClock();
  const errors: unknown[] = [];
  let host: HostServer;
  let url: string;

  beforeEach(async () => {
    errors.length = 0;
    const router = Router();
    router.get('/fails', () => Promise.reject(new Error('a secret detail')));
    router.get('/works', (_request, response) => void response.send('yes'));
    host = createHostServer([router], (error) => errors.push(error));
    url = `http://127.0.0.1:${await host.listen(0, '127.0.0.1')}`;
  });
  afterEach(() => host.close(1_000, (ms, fn) => clock.after(ms, fn)));

  it('answers its own routes, and 503 for the rest until somebody takes it', async () => {
    assert.equal(await (await fetch(`${url}/works`)).text(), 'yes');
    const early = await fetch(`${url}/other`);
    assert.deepEqual([early.status, early.headers.get('retry-after')], [503, '2']);
    host.setFallback((request, response) => void response.writeHead(200).end(`flows got ${request.url}`));
    assert.equal(await (await fetch(`${url}/other`)).text(), 'flows got /other');
    assert.equal(await (await fetch(`${url}/works`)).text(), 'yes');
  });

  it('tells the log what went wrong, and whoever asked only that it did', async () => {
    const answer = await fetch(`${url}/fails`);
    assert.equal(answer.status, 500);
    assert.doesNotMatch(await answer.text(), /secret detail/);
    host.setFallback(() => {
      throw new Error('thrown by the rest');
    });
    assert.equal((await fetch(`${url}/other`)).status, 500);
    assert.deepEqual(errors.map(String), ['Error: a secret detail', 'Error: thrown by the rest']);
  });

  it('does not say what it is built with', async () => {
    assert.equal((await fetch(`${url}/works`)).headers.get('x-powered-by'), null);
  });

  it('lets a running request finish before it closes, for a bounded time', async () => {
    host.setFallback(() => undefined);
    const pending = fetch(`${url}/never`);
    const cut = assert.rejects(pending);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closed = host.close(1_000, (ms, fn) => clock.after(ms, fn));
    await clock.advance(1_000);
    await closed;
    await cut;
  });
});
