import assert from 'node:assert/strict';
import { CATCH_UP_MS, Pace } from '../../lib/pacing';
import { eachDatabase } from '../kit/databases';
import { Bed, mostWithin, seeded } from './bed';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Caps are not what these are about. */
const UNCAPPED = { caps: [], againAfterHours: 0 };

/** What may leave within `ms` at most. */
const bound = (ms: number, intervalMs: number): number => Math.floor(1 + (ms + CATCH_UP_MS) / intervalMs);

describe('A pace', () => {
  it('lets no more through within any span than it promises, whoever asks and however late', () => {
    for (const intervalMs of [7, 60, 450, 1_999, 6_000, 60_000]) {
      const random = seeded(intervalMs);
      const pace = new Pace(intervalMs);
      const left: number[] = [];
      for (let now = 0; left.length < 3_000; now += random() < 0.02 ? random() * 20_000 : random() * intervalMs) {
        for (let asks = random() * 5; asks > 0; asks--) {
          if (!pace.mayGo(now, { lined: random() < 0.5 })) continue;
          pace.go(now);
          left.push(now);
        }
      }
      for (const span of [1, 1_000, MINUTE, HOUR]) {
        assert.ok(mostWithin(left, span) <= bound(span, intervalMs), `${intervalMs} ms, within ${span}`);
      }
    }
  });

  it('gives everybody in the line a turn of their own, and lets nobody who comes later go before them', () => {
    const pace = new Pace(1_000);
    pace.go(10_000);
    pace.go(10_000);
    pace.go(10_000);
    const turns = [1, 2, 3].map(() => {
      const turn = pace.turn(10_000);
      pace.lineUp(turn);
      return turn;
    });
    assert.deepEqual(turns, [11_000, 12_000, 13_000]);
    assert.ok(pace.mayGo(11_000, { lined: true }));
    assert.ok(!pace.mayGo(11_000, { lined: false }));
    assert.ok(pace.mayGo(14_000, { lined: false }));
  });
});

eachDatabase((db) => {
  describe(`throttles on ${db.name}`, () => {
    it('are shared by two workers: never more in any minute or hour, evenly, and each is asked twice at most', async () => {
      const bed = await Bed.open(db);
      const second = await db.open({ clock: bed.clock, keep: true });
      await bed.tenantRules({ ...UNCAPPED, throttle: { perMinute: 240, perHour: 10_800 } });
      const campaign = await bed.campaign('paced');
      const size = db.name === 'sqlite' ? 500 : 120;
      const leads = await bed.leads(Array.from({ length: size }, () => ({})));
      const random = seeded(1);
      const people = bed.people(campaign, leads);
      const start = bed.clock.now();
      const { left } = await bed.work([...people], {
        scopes: [bed.scope, second.tenant('test')],
        late: () => Math.floor(random() * 900),
      });
      const times = left.map(({ at }) => at);
      const intervalMs = HOUR / 10_800;
      assert.equal(left.length, size);
      for (const span of [1_000, MINUTE, HOUR]) assert.ok(mostWithin(times, span) <= bound(span, intervalMs));
      const took = Math.max(...times) - start;
      assert.ok(Math.abs(took - size * intervalMs) < 3_000, `took ${took} ms`);
      // Evenly: at every moment as many as there should be, but for what may be late or caught up.
      for (const [index, at] of [...times].sort((a, b) => a - b).entries()) {
        assert.ok(
          Math.abs(at - start - index * intervalMs) <= CATCH_UP_MS + 1_200,
          `message ${index} at ${at - start}`,
        );
      }
      assert.ok(Math.max(...people.map(({ asked }) => asked)) <= 2);
    });

    it('of a campaign, a channel, an account and everything hold together, and a slow campaign does not slow the others', async () => {
      const bed = await Bed.open(db);
      await bed.tenantRules({
        ...UNCAPPED,
        channels: { email: { perMinute: 60 } },
        accounts: { shop: { perMinute: 120 } },
        total: { perMinute: 90 },
      });
      const slow = await bed.campaign('slow', { throttle: { perMinute: 6 } });
      const quick = await bed.campaign('quick');
      const start = bed.clock.now();
      const queue = [
        ...bed.people(slow, await bed.leads(Array.from({ length: 20 }, () => ({})))),
        ...bed.people(quick, await bed.leads(Array.from({ length: 100 }, () => ({})))),
      ];
      const { left } = await bed.work(queue);
      assert.equal(left.length, 120);
      const of = (campaign: number): number[] =>
        left.filter(({ person }) => person.campaign === campaign).map(({ at }) => at);
      assert.ok(
        mostWithin(
          left.map(({ at }) => at),
          MINUTE,
        ) <= bound(MINUTE, 1_000),
      );
      assert.ok(mostWithin(of(slow), MINUTE) <= bound(MINUTE, 10_000));
      const took = Math.max(...of(quick)) - start;
      assert.ok(took < 125_000, `100 at 60 a minute took ${took} ms`);
    });

    it('go on where they stood after a restart, and what a killed worker had been granted is lost and nothing else', async () => {
      const bed = await Bed.open(db);
      await bed.tenantRules({ ...UNCAPPED, throttle: { perMinute: 60 } });
      const campaign = await bed.campaign('paced');
      const people = bed.people(campaign, await bed.leads(Array.from({ length: 90 }, () => ({}))));
      const start = bed.clock.now();
      const before = await bed.work(people, { until: start + 30_000 });
      // Killed; ten minutes of nothing, with another gate on the rows as they are.
      await bed.clock.advance(10 * MINUTE);
      const again = bed.clock.now();
      const after = await bed.work(people);
      assert.equal(before.left.length + after.left.length, 90);
      const times = after.left.map(({ at }) => at);
      assert.ok(mostWithin(times, MINUTE) <= bound(MINUTE, 1_000));
      assert.ok(Math.max(...times) - again <= after.left.length * 1_000 + 1_000);
    });
  });
});
