/** The other side of the bench `segment`: better-sqlite3 and one statement. */
import Database from 'better-sqlite3';
import { answerParent } from '../lib/child';
import { fileOf } from '../lib/people';

/** What the process does. */
export interface PlainScanQuestions {
  open(databaseUrl: string): Promise<void>;
  /** All ids that meet the predicate, fetched; how long it took. */
  scan(where: string): Promise<{ ms: number; ids: number }>;
  [question: string]: (argument: never) => unknown;
}

let database: Database.Database | undefined;

answerParent<PlainScanQuestions>({
  open(databaseUrl) {
    database = new Database(fileOf(databaseUrl), { readonly: true });
    // What our connections have too.
    database.pragma('cache_size = -65536');
    return Promise.resolve();
  },
  scan(where) {
    if (!database) return Promise.reject(new Error('Nothing has been opened.'));
    const start = performance.now();
    const ids = database
      .prepare(`SELECT id FROM marketing_leads WHERE tenant_id = 'default' AND ${where}`)
      .pluck()
      .all();
    return Promise.resolve({ ms: performance.now() - start, ids: ids.length });
  },
});
