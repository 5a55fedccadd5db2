/** The other side of the bench `timers`: Agenda with one job per person, on our own backend in the same kind of database. */
import { Agenda } from 'agenda';
import Database from 'better-sqlite3';
import { answerParent } from '../lib/child';
import { fileOf } from '../lib/people';
import { product } from '../lib/product';

type Lib = typeof import('../../lib');
type Repository = typeof import('../../lib/timers/store-repository');

/** What has been done so far; times are ms since 1970. */
export interface AgendaProgress {
  count: number;
  first: number | null;
  last: number | null;
}

/** What the process does. */
export interface AgendaHostQuestions {
  /** Writes a job per person, due one after the other over `spreadMs` from `from` on, and starts Agenda. */
  start(options: { databaseUrl: string; jobs: number; from: number; spreadMs: number }): Promise<void>;
  progress(): Promise<AgendaProgress>;
  [question: string]: (argument: never) => unknown;
}

const JOB = 'person';

process.setSourceMapsEnabled(false);

const done: AgendaProgress = { count: 0, first: null, last: null };
let agenda: Agenda | undefined;

answerParent<AgendaHostQuestions>(
  {
    async start({ databaseUrl, jobs, from, spreadMs }) {
      const marketing = await product<Lib>('lib/index').openMarketing({ database: { url: databaseUrl }, work: false });
      const { StoreRepository } = product<Repository>('lib/timers/store-repository');
      agenda = new Agenda({
        name: 'bench',
        backend: {
          name: 'store',
          repository: new StoreRepository(marketing.scope),
          connect: () => Promise.resolve(),
          disconnect: () => Promise.resolve(),
          ownsConnection: false,
        },
        // The quickest that we found for a backlog on SQLite; with its defaults Agenda would lock every row before it runs the first.
        processEvery: 200,
        defaultConcurrency: 50,
        maxConcurrency: 100,
        defaultLockLimit: 200,
        lockLimit: 200,
        defaultLockLifetime: 30_000,
        removeOnComplete: true,
      });
      agenda.on('error', (error: unknown) => void process.stderr.write(`  Agenda: ${String(error)}\n`));
      agenda.define(JOB, () => {
        const now = Date.now();
        done.count += 1;
        done.first ??= now;
        done.last = now;
        return Promise.resolve();
      });
      await agenda.create(JOB, { lead: 1 }).schedule(new Date(from)).save();
      multiply(databaseUrl, jobs, from, spreadMs);
      await agenda.start();
    },
    progress: () => Promise.resolve(done),
  },
  async () => {
    await agenda?.stop();
  },
);

/** The one job that Agenda has written, as often as it takes. */
function multiply(databaseUrl: string, jobs: number, from: number, spreadMs: number): void {
  const database = new Database(fileOf(databaseUrl));
  try {
    const columns = (database.pragma('table_info(marketing_timers)') as { name: string }[])
      .map(({ name }) => name)
      .filter((name) => name !== 'id');
    const own: Readonly<Record<string, string>> = {
      next_run_at: ':from + CAST(:spread * (i - 1.0) / :jobs AS INTEGER)',
      unique_key: `unique_key || ':' || i`,
    };
    const values = columns.map((name) => own[name] ?? name);
    database
      .prepare(
        `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < :jobs)
         INSERT INTO marketing_timers (${columns.join(', ')}) SELECT ${values.join(', ')} FROM n, (SELECT * FROM marketing_timers WHERE name = '${JOB}' LIMIT 1)`,
      )
      .run({ jobs, from, spread: spreadMs });
  } finally {
    database.close();
  }
}
