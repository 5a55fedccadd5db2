import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { toJobId, type JobParameters } from 'agenda';
import { openStore, type Scope, type Store } from '../../lib/store';
import { leased, LEASE, type LeasedJob } from '../../lib/timers/lease';
import { StoreRepository } from '../../lib/timers/store-repository';
import { inEveryPlace, systemClock } from './places';

const NOW = 1_900_000_000_000;
const at = (offset: number): Date => new Date(NOW + offset);
const job = (data: unknown, more: Partial<JobParameters> = {}): JobParameters => ({
  name: 'work',
  type: 'normal',
  priority: 0,
  nextRunAt: at(0),
  data,
  ...more,
});

describe("Agenda's contract for a repository", function () {
  this.timeout(15_000);

  inEveryPlace(
    ({ opened }) => {
      let store: Store;
      let scope: Scope;
      let repository: StoreRepository;
      before(async () => {
        store = await openStore({ url: opened().storeUrl ?? '', clock: systemClock });
      });
      after(() => store.close());
      beforeEach(() => {
        scope = store.tenant(`t${randomBytes(4).toString('hex')}`);
        repository = new StoreRepository(scope);
      });
      const next = (scan = 0, deadline = -1_000, now = 0): Promise<LeasedJob | undefined> =>
        repository.getNextJobToRun('work', at(scan), at(deadline), at(now), undefined);
      const dataOf = (jobs: readonly JobParameters[]): unknown[] => jobs.map(({ data }) => data);

      it('keeps everything that a job carries', async () => {
        const more: Partial<JobParameters> = {
          priority: 5,
          repeatInterval: '0 9 * * *',
          repeatTimezone: 'Europe/Berlin',
          skipDays: [0, 6],
          startDate: at(1),
          endDate: at(2),
          fork: true,
          disabled: true,
        };
        const saved = await repository.saveJob(job({ a: 'ß' }, more), { lastModifiedBy: 'me' });
        const read = await repository.getJobById(String(saved._id));
        for (const [key, value] of Object.entries({ ...job({ a: 'ß' }, more), lastModifiedBy: 'me' })) {
          assert.deepEqual(read?.[key as keyof JobParameters], value, key);
        }
        assert.equal(await repository.getJobById('999999999'), null);
        const edited = await repository.saveJob({ ...saved, data: 2, disabled: false }, undefined);
        assert.deepEqual([edited.data, edited.disabled, edited._id], [2, false, saved._id]);
        const gone = { ...saved, _id: toJobId('999999999') };
        assert.equal(await repository.saveJob(gone, undefined), gone);
      });

      it('locks the soonest due job, one at a time, and no other tenant’s', async () => {
        await repository.saveJob(job('late', { nextRunAt: at(-5) }), undefined);
        await repository.saveJob(job('later', { nextRunAt: at(-9) }), undefined);
        await repository.saveJob(job('future', { nextRunAt: at(50) }), undefined);
        await repository.saveJob(job('off', { disabled: true }), undefined);
        await repository.saveJob(job('other', { name: 'other' }), undefined);
        await new StoreRepository(store.tenant('somebody-else')).saveJob(job('theirs'), undefined);
        assert.deepEqual([(await next())?.data, (await next())?.data, await next()], ['later', 'late', undefined]);
        assert.equal((await next(60))?.data, 'future');
        assert.equal(await repository.getQueueSize(), 0);
        await new StoreRepository(store.tenant('somebody-else')).purgeAllJobs();
      });

      it('gives each job to one of many that ask at once', async () => {
        for (let index = 0; index < 12; index++) await repository.saveJob(job(index), undefined);
        const got = await Promise.all(Array.from({ length: 30 }, () => next()));
        const data = got.flatMap((one) => (one ? [one.data] : []));
        assert.equal(new Set(data).size, data.length, 'a job was given twice');
        for (let one = await next(); one; one = await next()) data.push(one.data);
        assert.deepEqual(
          data.map(Number).sort((a, b) => a - b),
          Array.from({ length: 12 }, (_, index) => index),
        );
      });

      it('lends a job whose lock has expired to the next, and refuses the late one', async () => {
        await repository.saveJob(job('x'), undefined);
        const first = await next(0, -1_000, 0);
        assert.ok(first);
        first.lastRunAt = at(1);
        first.nextRunAt = null;
        await repository.saveJobState(first, undefined);
        assert.equal(await next(0, -1, 500), undefined);
        const second = await next(0, 0, 1_000);
        assert.ok(second);
        assert.deepEqual([second.data, second.lastRunAt], ['x', at(1)]);
        first.lockedAt = undefined;
        await assert.rejects(repository.saveJobState(first, undefined), { code: 'E_TIMER_LOST', gone: false });
        await repository.unlockJob(first);
        second.lockedAt = at(2_000);
        await repository.saveJobState(second, undefined);
        assert.equal(second[LEASE], NOW + 2_000);
        second.lockedAt = undefined;
        second.failedAt = second.lastFinishedAt = at(2_100);
        second.failCount = 1;
        second.failReason = 'because';
        await repository.saveJobState(second, undefined);
        const stored = await repository.getJobById(String(second._id));
        assert.deepEqual([stored?.failReason, stored?.failCount, stored?.failedAt], ['because', 1, at(2_100)]);
        await repository.removeJobs({ id: second._id ?? '' });
        await assert.rejects(repository.saveJobState(leased({ ...second, lockedAt: at(0) }), undefined), {
          gone: true,
        });
      });

      it('locks a given job only as it was seen, and unlocks it', async () => {
        const saved = await repository.saveJob(job('x'), undefined);
        assert.equal(await repository.lockJob({ ...saved, nextRunAt: at(1) }, undefined), undefined);
        const locked = await repository.lockJob(saved, undefined);
        assert.ok(locked?.lockedAt);
        assert.equal(await repository.lockJob(saved, undefined), undefined);
        await repository.unlockJob(locked);
        assert.ok(await next());
        await repository.unlockJobs([saved._id ?? '']);
        assert.ok(await next());
      });

      it('upserts single and unique jobs', async () => {
        const single = job(1, { type: 'single', nextRunAt: at(0) });
        const saved = await repository.saveJob(single, undefined);
        const again = await repository.saveJob({ ...single, data: 2, nextRunAt: at(7) }, undefined);
        assert.deepEqual([again._id, again.data, again.nextRunAt], [saved._id, 2, at(7)]);
        const overdue = await repository.saveJob({ ...single, nextRunAt: new Date(0) }, undefined);
        assert.deepEqual(overdue.nextRunAt, at(7), 'registering again made it ring');
        const unique = job({ user: 1 }, { unique: { 'data.user': 1 } });
        const [one, two] = await Promise.all([
          repository.saveJob(unique, undefined),
          repository.saveJob(unique, undefined),
        ]);
        assert.equal(one._id, two._id);
        const kept = await repository.saveJob({ ...unique, data: 'new', uniqueOpts: { insertOnly: true } }, undefined);
        assert.deepEqual(kept.data, { user: 1 });
        await assert.rejects(repository.saveJob({ ...unique, uniqueOpts: { debounce: { delay: 5 } } }, undefined), {
          code: 'E_TIMER_DEBOUNCE',
        });
        assert.equal((await repository.queryJobs()).total, 2);
      });

      it('answers queries, filtered, sorted and in pages', async () => {
        await repository.saveJob(job({ a: 1, b: 2 }, { name: 'Alpha', nextRunAt: at(3) }), undefined);
        await repository.saveJob(job({ a: 1, b: 3 }, { name: 'beta', nextRunAt: at(1), disabled: true }), undefined);
        await repository.saveJob(job('text', { name: 'gam_ma', nextRunAt: null, lastFinishedAt: at(0) }), undefined);
        const names = async (options: Parameters<StoreRepository['queryJobs']>[0]): Promise<string[]> =>
          (await repository.queryJobs(options)).jobs.map(({ name }) => name);
        assert.deepEqual(await names({}), ['Alpha', 'beta', 'gam_ma']);
        assert.deepEqual(await names({ sort: { nextRunAt: 'asc' } }), ['beta', 'Alpha', 'gam_ma']);
        assert.deepEqual(await names({ search: 'A', sort: { name: 'desc' } }), ['gam_ma', 'beta', 'Alpha']);
        assert.deepEqual(await names({ search: 'm_m' }), ['gam_ma']);
        assert.deepEqual(await names({ search: 'l_h' }), []);
        assert.deepEqual(await names({ data: { a: 1, b: 3 } }), ['beta']);
        assert.deepEqual(await names({ data: 'text' }), ['gam_ma']);
        assert.deepEqual(await names({ includeDisabled: false }), ['Alpha', 'gam_ma']);
        assert.deepEqual(await names({ state: 'paused' }), ['beta']);
        assert.deepEqual(await names({ state: 'completed' }), ['gam_ma']);
        assert.deepEqual(await names({ names: ['beta', 'Alpha'], skip: 1, limit: 5 }), ['beta']);
        assert.deepEqual(await names({ ids: [] }), []);
        assert.deepEqual(await repository.getDistinctJobNames(), ['Alpha', 'beta', 'gam_ma']);
        const overview = await repository.getJobsOverview();
        assert.deepEqual(
          overview.map(({ name, total, paused, completed }) => [name, total, paused, completed]),
          [
            ['Alpha', 1, 0, 0],
            ['beta', 1, 1, 0],
            ['gam_ma', 1, 0, 1],
          ],
        );
      });

      it('removes, disables and enables what is asked for, and nothing when nothing is', async () => {
        const saved = await Promise.all(
          ['a', 'b', 'c', 'd'].map((name) => repository.saveJob(job({ name }, { name }), undefined)),
        );
        assert.equal(await repository.removeJobs({}), 0);
        assert.equal(await repository.disableJobs({ names: ['a', 'b'] }), 2);
        assert.equal(await repository.enableJobs({ id: saved[0]?._id ?? '' }), 1);
        assert.deepEqual(dataOf((await repository.queryJobs({ state: 'paused' })).jobs), [{ name: 'b' }]);
        assert.equal(await repository.removeJobs({ data: { name: 'c' } }), 1);
        assert.equal(await repository.removeJobs({ notNames: ['a', 'b'] }), 1);
        assert.equal(await repository.removeJobs({ ids: [saved[0]?._id ?? ''] }), 1);
        assert.equal(await repository.purgeAllJobs(), 1);
      });
    },
    (place) => place.own && place.kept,
  );
});
