import assert from 'node:assert/strict';
import { toJobId, type JobParameters } from 'agenda';
import type { Entry } from '../../lib/timers/book';
import { OfficialBook, replacedBy } from '../../lib/timers/official-book';

const record = (
  id: string,
  mode: Entry['mode'],
  revision: number,
  at: number | null,
  more: Partial<Entry> = {},
): { job: JobParameters; entry: Entry } => {
  const entry: Entry = { id: 'k', kind: 'k', key: 'k', at: at ?? 0, mode, revision, data: null, ...more };
  const job: JobParameters = {
    _id: toJobId(id),
    name: 'n',
    type: 'normal',
    priority: 0,
    nextRunAt: at === null ? null : new Date(at),
    data: entry,
  };
  return { job, entry };
};
const replaced = (...records: { job: JobParameters; entry: Entry }[]): string[] =>
  replacedBy(records)
    .map(({ job }) => String(job._id))
    .sort();

describe('which records of one timer are replaced, on backends without transactions', () => {
  it('the latest set replaces all that was written before it', () => {
    assert.deepEqual(replaced(record('a', 'set', 1, 10), record('b', 'wake', 2, 5), record('c', 'set', 3, 99)), [
      'a',
      'b',
    ]);
  });
  it('sets of the same moment are told apart by their ids, the same way everywhere', () => {
    const [a, b] = [record('a', 'set', 1, 10), record('b', 'set', 1, 5)];
    assert.deepEqual(replaced(a, b), ['a']);
    assert.deepEqual(replaced(b, a), ['a']);
  });
  it('of wake-ups the earliest stays', () => {
    assert.deepEqual(replaced(record('a', 'wake', 1, 30), record('b', 'wake', 2, 10), record('c', 'wake', 3, 20)), [
      'a',
      'c',
    ]);
  });
  it('a wake-up before the time of a set replaces it, a later one goes', () => {
    assert.deepEqual(replaced(record('a', 'set', 1, 30), record('b', 'wake', 2, 10)), ['a']);
    assert.deepEqual(replaced(record('a', 'set', 1, 30), record('b', 'wake', 2, 40)), ['b']);
  });
  it('a recurrence outlives wake-ups but not a set, even while it rings', () => {
    const rule = { ms: 100 };
    assert.deepEqual(replaced(record('a', 'set', 1, 30, { rule }), record('b', 'wake', 2, 10)), []);
    assert.deepEqual(replaced(record('a', 'set', 1, null, { rule }), record('b', 'set', 2, 10)), ['a']);
  });
  it('a one-time ring that has begun is left alone', () => {
    assert.deepEqual(replaced(record('a', 'set', 1, null), record('b', 'set', 2, 10)), []);
  });
});

describe('timers on a backend without transactions', () => {
  /** The least that such a backend is. */
  const memory = (): { book: OfficialBook; jobs: Map<string, JobParameters> } => {
    const jobs = new Map<string, JobParameters>();
    const all = (): JobParameters[] => [...jobs.values()];
    const none = (): Promise<void> => Promise.resolve();
    const book = new OfficialBook(
      {
        saveJob: (job) => {
          const saved = { ...job, _id: toJobId(`job${jobs.size}`) };
          jobs.set(saved._id, saved);
          return Promise.resolve(saved);
        },
        removeJobs: ({ ids }) => Promise.resolve((ids ?? []).filter((id) => jobs.delete(id)).length),
        queryJobs: () =>
          Promise.resolve({
            jobs: all().map((job) => ({ ...job, _id: toJobId(String(job._id)), state: 'scheduled' })),
            total: jobs.size,
          }),
      },
      'n',
      { find: () => Promise.resolve(all()), added: none, removed: none },
    );
    return { book, jobs };
  };
  const times = async (book: OfficialBook): Promise<number[]> => (await book.list()).map(({ at }) => at);

  it('the later call decides even when its machine’s clock is behind', async () => {
    const { book } = memory();
    await book.set(record('', 'set', 9_000, 50).entry);
    await book.set(record('', 'set', 1_000, 70).entry);
    assert.deepEqual(await times(book), [70]);
    await book.wake(record('', 'wake', 500, 60).entry);
    assert.deepEqual(await times(book), [60]);
  });

  it('new data of a recurrence keep its time', async () => {
    const { book } = memory();
    const rule = { ms: 100 };
    await book.every({ ...record('', 'set', 1, 500).entry, rule, data: 1 });
    assert.equal(await book.every({ ...record('', 'set', 2, 900).entry, rule, data: 1 }), false);
    await book.every({ ...record('', 'set', 3, 900).entry, rule, data: 2 });
    assert.deepEqual(
      (await book.list()).map(({ at, data }) => [at, data]),
      [[500, 2]],
    );
  });

  it('what a crash left finished is swept away', async () => {
    const { book, jobs } = memory();
    await book.set(record('', 'set', 1, 50).entry);
    jobs.set('left', { ...record('left', 'set', 1, null).job, lastFinishedAt: new Date(1) });
    await book.sweep();
    assert.deepEqual([...jobs.keys()], ['job0']);
  });
});
