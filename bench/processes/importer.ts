/** Both sides of the bench `import`, each in a process of its own. */
import { createReadStream } from 'node:fs';
import Database from 'better-sqlite3';
import { parse } from 'csv-parse';
import { answerParent } from '../lib/child';
import { fileOf } from '../lib/people';
import { product } from '../lib/product';
import { StallMeter } from '../lib/stall';

type Lib = typeof import('../../lib');
type LeadsModule = typeof import('../../lib/leads');

/** How an import went. */
export interface Imported {
  rows: number;
  ms: number;
  longestStallMs: number;
}

/** What the process does. */
export interface ImporterQuestions {
  /** As `nexus-marketing import FILE --declare`, without starting a process. */
  product(options: { file: string; databaseUrl: string; rejects: string }): Promise<Imported>;
  /** csv-parse, and one prepared INSERT per row in one transaction. */
  plain(options: { file: string; databaseUrl: string }): Promise<Imported>;
  /** Makes the tables. */
  migrate(databaseUrl: string): Promise<void>;
  [question: string]: (argument: never) => unknown;
}

process.setSourceMapsEnabled(false);

answerParent<ImporterQuestions>({
  async migrate(databaseUrl) {
    const marketing = await product<Lib>('lib/index').openMarketing({ database: { url: databaseUrl }, work: false });
    await marketing.close();
  },
  async product({ file, databaseUrl, rejects }) {
    const { importCsv } = product<LeadsModule>('lib/leads/index');
    const marketing = await product<Lib>('lib/index').openMarketing({ database: { url: databaseUrl }, work: false });
    try {
      const meter = new StallMeter();
      const start = performance.now();
      const report = await importCsv(file, { leads: marketing.leads, rejects, declare: true, report: false });
      const ms = performance.now() - start;
      const longestStallMs = meter.stop();
      if (report.created !== report.rows) throw new Error(`Not every row became a lead: ${JSON.stringify(report)}`);
      return { rows: report.rows, ms, longestStallMs };
    } finally {
      await marketing.close();
    }
  },
  async plain({ file, databaseUrl }) {
    const database = new Database(fileOf(databaseUrl));
    try {
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = NORMAL');
      database.pragma('cache_size = -65536');
      const meter = new StallMeter();
      const start = performance.now();
      const rows = await insertRows(database, file);
      return { rows, ms: performance.now() - start, longestStallMs: meter.stop() };
    } finally {
      database.close();
    }
  },
});

/** One of the file's rows, by its headers. */
interface CsvRow {
  'E-mail': string;
  Name: string;
  Phone: string;
  Country: string;
  Score: string;
  'External ID': string;
  plan: string;
  age: string;
  last_order: string;
}

async function insertRows(database: Database.Database, file: string): Promise<number> {
  const insert = database.prepare(
    `INSERT INTO marketing_leads (tenant_id, external_id, email, name, phone, country, score, attributes, created_at, updated_at)
     VALUES ('default', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const now = Date.now();
  let rows = 0;
  database.exec('BEGIN');
  for await (const row of createReadStream(file).pipe(parse({ columns: true }))) {
    const { plan, age, last_order, ...lead } = row as CsvRow;
    const attributes = JSON.stringify({ plan, age: Number(age), last_order: Date.parse(last_order) });
    insert.run(
      lead['External ID'],
      lead['E-mail'].toLowerCase(),
      lead.Name,
      lead.Phone,
      lead.Country.slice(0, 2),
      Number(lead.Score),
      attributes,
      now,
      now,
    );
    rows += 1;
  }
  database.exec('COMMIT');
  return rows;
}
