/** The other side of the bench `score`: better-sqlite3, one UPDATE, and one question who is in a segment now. */
import Database from 'better-sqlite3';
import { answerParent } from '../lib/child';
import { fileOf } from '../lib/people';

/** What the process does. */
export interface BareScoreQuestions {
  open(databaseUrl: string): Promise<void>;
  /** Adds points to each of these leads, one after the other, and asks whether the lead is in the segment; how long each took, ms. */
  events(options: { leads: readonly number[]; points: number; from: number }): Promise<number[]>;
  [question: string]: (argument: never) => unknown;
}

let database: Database.Database | undefined;

answerParent<BareScoreQuestions>({
  open(databaseUrl) {
    database = new Database(fileOf(databaseUrl));
    // What our connections have too.
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.pragma('cache_size = -65536');
    return Promise.resolve();
  },
  events({ leads, points, from }) {
    if (!database) return Promise.reject(new Error('Nothing has been opened.'));
    const update = database.prepare('UPDATE marketing_leads SET score = score + ? WHERE id = ?');
    const ask = database.prepare('SELECT id FROM marketing_leads WHERE id = ? AND score >= ?');
    const both = database.transaction((lead: number) => {
      update.run(points, lead);
      return ask.get(lead, from);
    });
    return Promise.resolve(
      leads.map((lead) => {
        const start = performance.now();
        both(lead);
        return performance.now() - start;
      }),
    );
  },
});
