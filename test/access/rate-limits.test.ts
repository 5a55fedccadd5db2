import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { createRateLimits, type RateLimits } from '../../lib/access';
import { VirtualClock } from '../../lib/clock';
import { InputError } from '../../lib/errors';
import type { Scope, Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { eventually } from '../kit/eventually';

const RULES = {
  address: { limit: 5, perSeconds: 60 },
  token: { limit: 3, perSeconds: 60 },
  tenant: { limit: 4, perSeconds: 60 },
};

async function allowed(limits: RateLimits, times: number, sender: Parameters<RateLimits['check']>[0]): Promise<number> {
  let count = 0;
  for (let n = 0; n < times; n++) if ((await limits.check(sender)).allowed) count++;
  return count;
}

describe('rate limits', () => {
  it('refuse what is too much per address, token and tenant, and say when to come back', async () => {
    const limits = createRateLimits({ rules: RULES });
    const first = await limits.check({ token: 1, tenant: 'acme' });
    assert.deepEqual(
      [first.allowed, first.of, first.limit, first.remaining, first.retryAfterSeconds],
      [true, 'token', 3, 2, 0],
    );
    assert.equal(await allowed(limits, 5, { token: 1, tenant: 'acme' }), 2);
    const refused = await limits.check({ token: 1, tenant: 'acme' });
    assert.deepEqual([refused.allowed, refused.of, refused.remaining], [false, 'token', 0]);
    assert.ok(refused.retryAfterSeconds > 0 && refused.retryAfterSeconds <= 60);
    assert.equal(refused.resetSeconds, refused.retryAfterSeconds);
    // What the token's limit refused was not charged to the tenant.
    assert.equal(await allowed(limits, 3, { token: 2, tenant: 'acme' }), 1);
    assert.equal(await allowed(limits, 3, { token: 3, tenant: 'globex' }), 3);
    assert.equal(await allowed(limits, 9, { address: '192.0.2.1' }), 5);
    await limits.close();
  });

  it('count the addresses of one IPv6 network as one', async () => {
    const limits = createRateLimits({ rules: RULES });
    const network = [
      '2001:db8:0:1::1',
      '2001:0DB8::1:ffff:0:0:2',
      '2001:db8:0:1:2:3:4:5',
      '2001:db8:0:1::9',
      '2001:db8:0:1:a::',
    ];
    for (const address of network) assert.equal((await limits.check({ address })).allowed, true, address);
    assert.equal((await limits.check({ address: '2001:db8:0:1::77' })).allowed, false);
    assert.equal((await limits.check({ address: '2001:db8:0:2::77' })).allowed, true, 'another network');
    assert.equal(await allowed(limits, 6, { address: '::ffff:192.0.2.1' }), 5);
    assert.equal((await limits.check({ address: '192.0.2.1' })).allowed, false, 'the same, written otherwise');
  });

  it('can be switched off one by one, and refuse figures that mean nothing', async () => {
    const limits = createRateLimits({ rules: { ...RULES, address: false, tenant: false } });
    assert.equal(await allowed(limits, 50, { address: '192.0.2.1', tenant: 'acme' }), 50);
    assert.equal(await allowed(limits, 50, { address: '192.0.2.1', token: 1 }), 3);
    for (const wrong of [
      { limit: 0, perSeconds: 60 },
      { limit: 1.5, perSeconds: 60 },
      { limit: 1, perSeconds: 0 },
    ]) {
      assert.throws(() => createRateLimits({ rules: { token: wrong } }), InputError);
    }
    assert.throws(() => createRateLimits({ backend: { redisUrl: 'http://127.0.0.1' } }), InputError);
  });

  describe('in Redis', () => {
    const url = 'redis://127.0.0.1:6379/9';
    before(async function () {
      const there = await new Promise<boolean>((resolve) => {
        const socket = connect(6379, '127.0.0.1', () => resolve(true));
        socket.on('error', () => resolve(false));
        socket.on('close', () => undefined);
        socket.on('connect', () => socket.end());
      });
      if (!there) this.skip();
    });

    it('are shared by processes', async () => {
      const troubles: unknown[] = [];
      const backend = { redisUrl: url };
      const rules = { token: { limit: 3, perSeconds: 2 }, tenant: false, address: false } as const;
      const one = createRateLimits({ rules, backend, onTrouble: (error) => troubles.push(error) });
      const two = createRateLimits({ rules, backend, onTrouble: (error) => troubles.push(error) });
      try {
        // Another token each time until both are connected and count together, however slow the machine is.
        let token = Math.floor(performance.timeOrigin);
        await eventually(async () => {
          token++;
          const verdicts = [];
          for (const limits of [one, two, one, two]) verdicts.push(await limits.check({ token }));
          assert.deepEqual(
            verdicts.map((verdict) => verdict.allowed),
            [true, true, true, false],
          );
        });
        assert.deepEqual(troubles, []);
      } finally {
        await one.close();
        await two.close();
      }
    });

    it('go on in memory while it does not answer', async () => {
      const troubles: unknown[] = [];
      const backend = { redisUrl: 'redis://127.0.0.1:1' };
      const limits = createRateLimits({ rules: RULES, backend, onTrouble: (error) => troubles.push(error) });
      assert.equal(await allowed(limits, 5, { token: 1 }), 3);
      await eventually(() => assert.equal(troubles.length, 1));
      await limits.close();
    });
  });
});

eachDatabase((db) => {
  describe('rate limits in the database', () => {
    let store: Store;
    let clock: VirtualClock;
    beforeEach(async () => {
      clock = new VirtualClock();
      store = await db.open({ clock });
    });

    it('are shared by processes and begin anew after their window', async () => {
      const other = await db.open({ clock, keep: true });
      const one = createRateLimits({ rules: RULES, backend: { system: store.system } });
      const two = createRateLimits({ rules: RULES, backend: { system: other.system } });
      assert.equal(await allowed(one, 2, { token: 1 }), 2);
      assert.equal(await allowed(two, 2, { token: 1 }), 1);
      const refused = await two.check({ token: 1 });
      assert.deepEqual([refused.allowed, refused.retryAfterSeconds], [false, 60]);
      await clock.advance(59_000);
      assert.equal((await one.check({ token: 1 })).retryAfterSeconds, 1);
      await clock.advance(1_000);
      assert.equal(await allowed(two, 5, { token: 1 }), 3);
    });

    it('let no more through when many ask at once', async () => {
      const limits = createRateLimits({
        rules: { token: { limit: 10, perSeconds: 60 } },
        backend: { system: store.system },
      });
      const verdicts = await Promise.all(Array.from({ length: 30 }, () => limits.check({ token: 7 })));
      assert.equal(verdicts.filter((verdict) => verdict.allowed).length, 10);
    });

    it('remove windows that are over', async () => {
      const limits = createRateLimits({ rules: RULES, backend: { system: store.system } });
      for (let token = 1; token <= 20; token++) await limits.check({ token });
      await clock.advance(61_000);
      await limits.check({ token: 99 });
      const row = await store.system.get<{ n: number }>('SELECT COUNT(*) AS n FROM marketing_rate_limits');
      assert.equal(row?.n, 1);
    });

    it('go on in memory while it does not answer, and say so once', async () => {
      const troubles: unknown[] = [];
      const broken: Scope = Object.assign(Object.create(store.system) as Scope, {
        ...{ run: fail, get: fail, all: fail, insert: fail, transaction: fail },
      });
      const limits = createRateLimits({
        rules: RULES,
        backend: { system: broken },
        onTrouble: (error) => troubles.push(error),
      });
      assert.equal(await allowed(limits, 5, { token: 1 }), 3);
      assert.equal(troubles.length, 1);
    });
  });
});

function fail(): Promise<never> {
  return Promise.reject(new Error('the database is away'));
}
