/** The worker thread behind `SqliteDriver.background`: runs statements one after another and answers each. */
import { parentPort, workerData } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';
import { driverCode } from './connection';
import { SqliteConnection, SQLITE_PRAGMAS } from './sqlite';
import { loadExtensions } from './sqlite-functions';
import type { SqlValue } from './types';

const { filename, extensions } = workerData as { filename: string; extensions: string[] };
const database = new BetterSqlite3(filename, { timeout: 0 });
for (const pragma of SQLITE_PRAGMAS) database.pragma(pragma);
loadExtensions(database, extensions);
const connection = new SqliteConnection(database);

/** How often the write-ahead log is copied back, ms: often enough to keep it short, seldom enough to be worth it. */
const CHECKPOINT_MS = 500;
setInterval(() => {
  try {
    database.pragma('wal_checkpoint(PASSIVE)');
  } catch {
    // Somebody writes just now: next time.
  }
}, CHECKPOINT_MS).unref();

parentPort?.on('message', ({ id, text, values }: { id: number; text: string; values: SqlValue[] }) => {
  try {
    parentPort?.postMessage({ id, result: connection.exec(text, values) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ id, error: { message, code: driverCode(error) } });
  }
});
