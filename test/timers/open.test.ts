import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { openStore, type Store } from '../../lib/store';
import { openTimers } from '../../lib/timers';
import { optionalPackage, withinTime } from '../../lib/timers/official-parts';
import { systemClock } from './places';

describe('opening timers', () => {
  let store: Store;
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);
  before(async () => {
    process.on('unhandledRejection', note);
    store = await openStore({ url: 'sqlite::memory:', clock: systemClock });
  });
  after(async () => {
    await store.close();
    await systemClock.sleep(20);
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  });
  const open = (url?: string, connectMs = 1_000): Promise<unknown> =>
    openTimers({ scope: store.tenant('t'), clock: systemClock, settings: { connectMs }, ...(url ? { url } : {}) });

  for (const url of [
    'mysql://u:secret@127.0.0.1/x',
    'http://u:secret@127.0.0.1/',
    'nonsense',
    'redis',
    'sqlite:x.db',
  ]) {
    it(`refuses ${url.replace('secret', '…')} and says what to use`, async () => {
      await assert.rejects(open(url), (error: Error & { code: string }) => {
        assert.equal(error.code, 'E_TIMERS_URL');
        assert.match(error.message, /postgres:\/\/…, redis:\/\/… or mongodb:\/\/…/);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    });
  }

  for (const url of [
    'postgres://u:secret@127.0.0.1:1/x',
    'redis://u:secret@127.0.0.1:1',
    'mongodb://u:secret@127.0.0.1:1,127.0.0.1:2/x',
  ]) {
    it(`says soon that ${url.replace('secret', '…')} does not answer`, async () => {
      const start = systemClock.monotonic();
      await assert.rejects(open(url), (error: Error & { code: string; retryable: boolean }) => {
        assert.deepEqual([error.code, error.retryable], ['E_TIMERS_UNREACHABLE', true]);
        assert.match(error.message, /does not answer: .*\S.*\. Check/);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
      assert.ok(systemClock.monotonic() - start < 3_000);
    });
  }

  it('does not wait for ever for a server that accepts and says nothing', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    for (const scheme of ['postgres', 'redis', 'mongodb']) {
      await assert.rejects(open(`${scheme}://127.0.0.1:${port}/0`, 200), { code: 'E_TIMERS_UNREACHABLE' }, scheme);
    }
    server.close();
  });

  it('says that the store is not migrated', async () => {
    await assert.rejects(open(), { code: 'E_TIMERS_UNREACHABLE', message: /migrated/ });
  });

  it('names the package that is missing, and passes other errors on', async () => {
    const missing = 'nm-a-package-that-is-not-there';
    await assert.rejects(
      optionalPackage('@agendajs/some-backend', () => import(missing)),
      { code: 'E_TIMERS_PACKAGE', message: /npm install @agendajs\/some-backend/ },
    );
    await assert.rejects(
      optionalPackage('x', () => Promise.reject(new Error('broken inside'))),
      /broken inside/,
    );
    const context = { tenant: 't', clock: systemClock, connectMs: 50, failed: () => undefined };
    assert.equal(await withinTime(context, Promise.resolve(1)), 1);
  });
});
