import assert from 'node:assert/strict';
import { examine } from '../crash/kit/examine';
import type { Child } from '../crash/kit/children';
import { Rig, type RigOptions } from '../crash/kit/rig';
import { DEFINITION } from '../crash/kit/words';
import { eachDatabase } from '../kit/databases';
import { endConnections } from './connections';

const SWEEP_MS = 200;

eachDatabase((db) => {
  // SQLite is one file on one machine: several runtimes work on it only by accident.
  if (db.name === 'sqlite') return;

  describe('runtimes on one database', function () {
    this.timeout(90_000);
    let rig: Rig;

    async function open(options: Partial<RigOptions> & { audience: number }): Promise<Rig> {
      await db.open();
      rig = await Rig.open({ policy: 'resend', database: db.url(), ...options });
      return rig;
    }
    afterEach(() => rig.close());

    const peopleReleased = (child: Child): number =>
      child.words.reduce((most, word) => (word.type === 'released' ? Math.max(most, word.people) : most), 0);

    it('work each person once', async () => {
      const audience = 1_000;
      await open({ audience, launch: false, delay: () => 2 });
      const workers = [rig.start({ sweepMs: SWEEP_MS }), rig.start({ sweepMs: SWEEP_MS })];
      for (const worker of workers) await worker.hear((word) => word.type === 'ready');
      await rig.marketing.campaigns.launch(DEFINITION);
      for (const worker of workers) {
        await worker.until(() => rig.arrivals.total() >= audience);
        await worker.finished();
      }
      for (const worker of workers) await worker.stop();
      assert.equal(rig.arrivals.recipients().size, audience);
      assert.equal(rig.arrivals.duplicates(), 0);
      assert.deepEqual(await examine(rig.marketing, audience), []);
      assert.deepEqual(
        workers.flatMap((worker) => worker.logged('error')),
        [],
      );
    });

    it('take over from one that stands still past its lease; what it completes late is refused', async () => {
      const audience = 600;
      await open({ audience, launch: false, delay: () => 40 });
      const order = { sweepMs: SWEEP_MS, leaseMs: 1_500 };
      const [sleeper, other] = [rig.start(order), rig.start(order)];
      await sleeper.hear((word) => word.type === 'ready');
      await other.hear((word) => word.type === 'ready');
      await rig.marketing.campaigns.launch(DEFINITION);
      // Both are at it: the sleeper has messages in flight when it falls asleep.
      await sleeper.until(() => rig.arrivals.total() > 100 && peopleReleased(sleeper) + peopleReleased(other) > 0);
      sleeper.freeze();
      await other.until(() =>
        other.logged('warn').some((text) => text.startsWith('A runtime ended without giving back its people')),
      );
      sleeper.thaw();
      await sleeper.until(() => sleeper.logged('warn').some((text) => text.includes('came too late and were refused')));
      for (const worker of [sleeper, other]) {
        await worker.until(() => rig.arrivals.recipients().size === audience);
        await worker.finished();
      }
      const bound = sleeper.inFlightBound ?? 0;
      const report = await rig.marketing.campaigns.report(DEFINITION);
      const duplicates = rig.arrivals.duplicates();
      assert.ok(duplicates <= bound, `${duplicates} duplicates, ${bound} may have been in flight`);
      assert.ok(
        report.possiblyTwice >= duplicates,
        `${duplicates} duplicates, ${report.possiblyTwice} flagged as in doubt`,
      );
      assert.ok(sleeper.logged('warn').some((text) => text.startsWith('This runtime lost its lease')));
      for (const worker of [sleeper, other]) await worker.stop();
      assert.deepEqual(rig.arrivals.unrecognisable(), []);
      assert.deepEqual(await examine(rig.marketing, audience), []);
    });

    it('survive the loss of their connections, again and again: nobody is lost, nobody gets it twice', async () => {
      const audience = 1_000;
      const losses = 10;
      await open({ audience, delay: () => 3 });
      const worker = rig.start({ sweepMs: SWEEP_MS });
      let ended = 0;
      for (let loss = 0; loss < losses; loss++) {
        await rig.arrived(Math.floor((audience * (loss + 1)) / (losses + 2)), worker);
        if ((await endConnections(db.name, db.url())) > 0) ended++;
      }
      assert.equal(ended, losses);
      assert.ok(rig.arrivals.total() < audience, 'all of it happened while mails were being sent');
      await worker.until(() => rig.arrivals.recipients().size === audience);
      await worker.finished();
      await worker.stop();
      assert.equal(rig.arrivals.duplicates(), 0);
      assert.deepEqual(await examine(rig.marketing, audience), []);
    });
  });
});
