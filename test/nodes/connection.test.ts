import assert from 'node:assert/strict';
import type { Marketing } from '../../lib';
import { VirtualClock } from '../../lib/clock';
import { InputError, MarketingError } from '../../lib/errors';
import { Connection, type ConnectionOptions } from '../../nodes/kit/connection';
import { Users } from '../../nodes/kit/users';

const down = (): MarketingError =>
  new MarketingError('E_DATABASE_UNREACHABLE', 'The database does not answer.', { retryable: true });

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof MarketingError && error.code === code;
}

describe('the connection of a store', () => {
  function setup(open: (attempt: number) => Promise<Marketing>, more: Partial<ConnectionOptions> = {}) {
    const clock = new VirtualClock();
    const told: string[] = [];
    let attempts = 0;
    const connection = new Connection({
      clock,
      open: () => open(++attempts),
      onTrouble: (error) => told.push(error.message),
      ...more,
    });
    return { clock, connection, told, attempts: () => attempts };
  }
  function fake(): { marketing: Marketing; closed: () => number } {
    let closed = 0;
    const marketing = { close: () => Promise.resolve(void closed++) } as unknown as Marketing;
    return { marketing, closed: () => closed };
  }
  const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('tries again with growing pauses while the database does not answer, and says so once', async () => {
    const { marketing } = fake();
    const { clock, connection, told, attempts } = setup((attempt) =>
      attempt < 6 ? Promise.reject(down()) : Promise.resolve(marketing),
    );
    const states: string[] = [];
    connection.use(({ kind }) => states.push(kind));
    connection.start();
    const opened = connection.whenOpen();
    await soon();
    await clock.advance(20_000);
    assert.equal(await opened, marketing);
    assert.equal(attempts(), 6);
    assert.deepEqual(told, ['The database does not answer.']);
    assert.deepEqual(
      states.filter((state, index) => state !== states[index - 1]),
      ['connecting', 'unreachable', 'open'],
    );
  });

  it('lets a message wait for a bounded time only', async () => {
    const { clock, connection } = setup(() => Promise.reject(down()), { patienceMs: 5_000 });
    connection.start();
    const waiting = assert.rejects(connection.whenOpen(), coded('E_STORE_UNAVAILABLE'));
    await soon();
    await clock.advance(5_001);
    await waiting;
  });

  it('does not try again what has to be corrected first, and says what it is', async () => {
    const wrong = new InputError('E_DATABASE_URL', 'no such scheme');
    const { clock, connection, attempts } = setup(() => Promise.reject(wrong));
    connection.start();
    await soon();
    await assert.rejects(connection.whenOpen(), coded('E_DATABASE_URL'));
    await clock.advance(100_000);
    assert.equal(attempts(), 1);
    assert.equal(connection.state.kind, 'failed');
  });

  it('ends the store after its last user, whoever closes first', async () => {
    const { marketing, closed } = fake();
    const { connection } = setup(() => Promise.resolve(marketing));
    connection.start();
    const [one, two] = [connection.use(() => undefined), connection.use(() => undefined)];
    await connection.whenOpen();
    const closing = connection.close();
    one();
    one();
    await soon();
    assert.equal(closed(), 0);
    two();
    await closing;
    assert.equal(closed(), 1);
    await assert.rejects(connection.whenOpen(), coded('E_STORE_UNAVAILABLE'));
  });

  it('does not wait for ever for a user that hangs', async () => {
    const { marketing, closed } = fake();
    const { clock, connection } = setup(() => Promise.resolve(marketing), { drainMs: 1_000 });
    connection.start();
    connection.use(() => undefined);
    await connection.whenOpen();
    const closing = connection.close();
    await soon();
    await clock.advance(1_001);
    await closing;
    assert.equal(closed(), 1);
  });

  it('closes a store that opens only after the node is gone', async () => {
    const { marketing, closed } = fake();
    let arrive: (marketing: Marketing) => void = () => undefined;
    const { clock, connection } = setup(() => new Promise((resolve) => (arrive = resolve)));
    connection.start();
    const closing = connection.close();
    await soon();
    await clock.advance(3_000);
    await closing;
    arrive(marketing);
    await soon();
    assert.equal(closed(), 1);
    assert.equal(connection.state.kind, 'closed');
  });

  it('does something last while the store is still open', async () => {
    const { marketing, closed } = fake();
    const { connection } = setup(() => Promise.resolve(marketing));
    connection.start();
    await connection.whenOpen();
    let closedThen: number | undefined;
    await connection.close(() => Promise.resolve(void (closedThen = closed())));
    assert.equal(closedThen, 0);
    assert.equal(closed(), 1);
  });

  it('stops waiting when the node that waits closes', async () => {
    const { clock, connection } = setup(() => Promise.reject(down()));
    connection.start();
    const closing = new AbortController();
    const waiting = assert.rejects(connection.whenOpen(closing.signal), coded('E_STORE_UNAVAILABLE'));
    const patient = connection.untilOpen(closing.signal);
    await clock.advance(100);
    closing.abort();
    await waiting;
    assert.equal(await patient, undefined);
  });
});

describe('counting users', () => {
  it('is drained at once when there are none', async () => {
    const users = new Users(new VirtualClock());
    await users.drained(1_000);
    const release = users.add();
    assert.equal(users.active, 1);
    release();
    assert.equal(users.active, 0);
    await users.drained(1_000);
  });
});
