import { setConsents, type ConsentChange } from '../consents';
import { isName } from '../names';
import { suppressAll, type Suppression } from '../suppressions';
import type { AttributeType, UpsertResult } from '../types';
import { planColumns, type ColumnPlan } from './columns';
import { Gate, type BadRow, type Batch } from './gate';
import { guessType } from './guess';
import type { ImportOptions, ImportReport } from './index';
import { nextTurn, ROWS_PER_TURN } from './pace';
import { RejectsFile } from './rejects';
import { readRow, type Row } from './row';
import type { CsvRecord, CsvSource } from './source';

/**
 * Rows per transaction. Larger ones are hardly faster, but what they hold outlives V8's young generation and piles up in the old one
 * (100,000 rows: 27 MB of it at 250 rows, 53 MB at 500, 66 MB at 1,000).
 */
const BATCH = 500;
/** Rows in the first batch: the types of new attributes are guessed from them. */
const FIRST_BATCH = 1_000;
/** Rows between two reports of progress. */
const TELL_EVERY = 1_000;

/**
 * One import. While a batch is being stored (on SQLite: in a thread of its own), the next one is read and normalised; not more than one,
 * so that memory is bounded by two batches.
 */
export class CsvImport {
  private readonly gate = new Gate();
  private readonly rejects: RejectsFile;
  private readonly batches: AsyncGenerator<readonly CsvRecord[]>;
  /** What stopped the reading before the end of the file. */
  private fault: { readonly error: unknown } | undefined;
  private readonly reasons = new Map<string, number>();
  private readonly counts = {
    rows: 0,
    created: 0,
    updated: 0,
    unchanged: 0,
    rejected: 0,
    consents: 0,
    suppressions: 0,
  };
  private toldRows = 0;
  private readonly start: number;

  constructor(
    private readonly csv: CsvSource,
    private readonly options: ImportOptions,
  ) {
    this.rejects = new RejectsFile(options.rejects, csv.headers);
    this.batches = inBatches(csv.records);
    this.start = options.leads.scope.clock.monotonic();
  }

  /** See `importCsv`. */
  async run(): Promise<ImportReport> {
    const first = await this.read();
    if (!first && this.fault) throw this.fault.error;
    const { plan, added } = await this.plan(first ?? []);
    await this.rejects.prepare();
    try {
      await this.storeAll(first, plan);
    } finally {
      await this.rejects.close();
    }
    if (this.fault) throw this.fault.error;
    this.tell();
    return {
      ...this.counts,
      duplicates: this.reasons.get('E_CSV_DUPLICATE') ?? 0,
      reasons: Object.fromEntries(this.reasons),
      encoding: this.csv.progress.encoding,
      delimiter: this.csv.delimiter,
      declared: added,
      ignoredColumns: plan.unknown.map(({ header }) => header),
      seconds: (this.options.leads.scope.clock.monotonic() - this.start) / 1_000,
    };
  }

  /** What the columns are about; those that nobody declared are declared where that was asked for. */
  private async plan(
    first: readonly CsvRecord[],
  ): Promise<{ plan: ColumnPlan; added: { name: string; type: AttributeType }[] }> {
    const { leads, columns = {}, declare = false } = this.options;
    const declared = await this.declared();
    const plan = planColumns(this.csv.headers, declared, columns);
    if (!declare || plan.unknown.length === 0) return { plan, added: [] };
    const added = guessAttributes(plan, first);
    await leads.declareAll(added);
    for (const { name, type } of added) declared.set(name, type);
    return { plan: planColumns(this.csv.headers, declared, columns), added };
  }

  private async declared(): Promise<Map<string, AttributeType>> {
    return new Map((await this.options.leads.attributes()).map(({ name, type }) => [name, type]));
  }

  private async storeAll(first: readonly CsvRecord[] | undefined, plan: ColumnPlan): Promise<void> {
    let records = first;
    let storing: Promise<void> = Promise.resolve();
    try {
      while (records || this.gate.isWaiting) {
        const batch = await this.prepare(records ?? [], plan);
        await storing;
        await this.rejects.writeBefore(this.gate.firstUndecided(batch));
        storing = this.store(batch);
        // It is awaited before the next one is stored; an error until then is not unhandled.
        storing.catch(() => undefined);
        if (records && !this.gate.isFull) records = await this.read();
        else if (records) records = [];
      }
    } finally {
      await storing;
    }
  }

  /** The next rows of the file; undefined at its end, or where it cannot be read any further. */
  private async read(): Promise<readonly CsvRecord[] | undefined> {
    if (this.fault) return undefined;
    try {
      const next = await this.batches.next();
      return next.done ? undefined : next.value;
    } catch (error) {
      // What was read before the fault is imported first.
      this.fault = { error };
      return undefined;
    }
  }

  /** Reads and normalises rows, a little in each turn of the event loop. */
  private async prepare(records: readonly CsvRecord[], plan: ColumnPlan): Promise<Batch> {
    const declared = await this.declared();
    const batch = this.gate.begin();
    batch.records = records.length;
    let inTurn = 0;
    for (const { line, cells } of records) {
      if (inTurn++ % ROWS_PER_TURN === 0) await nextTurn();
      const row = readRow(line, cells, plan, declared);
      if ('code' in row) batch.bad.push({ line, cells, reason: row });
      else this.gate.consider(row);
    }
    return batch;
  }

  private async store(batch: Batch): Promise<void> {
    const bad = [...batch.bad];
    if (batch.rows.length > 0) {
      this.gate.storingNow(batch);
      const results = await this.upsert(batch.rows);
      const good: Row[] = [];
      for (const [index, row] of batch.rows.entries()) {
        const result = results[index] as UpsertResult;
        if (result.outcome === 'rejected') bad.push({ line: row.line, cells: row.cells, reason: result.reason });
        else {
          this.counts[result.outcome]++;
          good.push(row);
        }
      }
      this.gate.stored(good);
    }
    for (const one of bad) this.reject(one);
    this.counts.rows += batch.records;
    if (this.counts.rows >= this.toldRows + TELL_EVERY) this.tell();
  }

  private async upsert(rows: readonly Row[]): Promise<UpsertResult[]> {
    const { leads, source = 'import', report = true } = this.options;
    let told = { consents: 0, suppressions: 0 };
    const results = await leads.store(
      rows.map((row) => row.said),
      {
        source,
        report,
        // With the leads, in one transaction: nobody must be found without the opt-out that came with them.
        within: async (tx, done, from) => {
          const { consents, suppressions } = statements(rows.slice(from, from + done.length), done, source);
          const counted = {
            consents: await setConsents(tx, consents, { keepRevoked: true }),
            suppressions: await suppressAll(tx, suppressions),
          };
          // The transaction may be repeated: only its last run counts.
          told =
            from === 0
              ? counted
              : { consents: told.consents + counted.consents, suppressions: told.suppressions + counted.suppressions };
        },
      },
    );
    this.counts.consents += told.consents;
    this.counts.suppressions += told.suppressions;
    return results;
  }

  private reject(bad: BadRow): void {
    this.counts.rejected++;
    this.reasons.set(bad.reason.code, (this.reasons.get(bad.reason.code) ?? 0) + 1);
    this.rejects.add(bad);
  }

  private tell(): void {
    this.toldRows = this.counts.rows;
    const { totalBytes, progress } = this.csv;
    this.options.onProgress?.({
      rows: this.counts.rows,
      rejected: this.counts.rejected,
      bytes: progress.bytes,
      ...(totalBytes === undefined ? undefined : { totalBytes }),
    });
  }
}

/** What rows say about consent and suppression, for those that were stored. */
function statements(
  rows: readonly Row[],
  results: readonly UpsertResult[],
  source: string,
): { consents: ConsentChange[]; suppressions: Suppression[] } {
  const consents: ConsentChange[] = [];
  const suppressions: Suppression[] = [];
  rows.forEach((row, index) => {
    const result = results[index];
    if (!result || result.outcome === 'rejected') return;
    for (const { channel, state } of row.consents) consents.push({ leadId: result.id, channel, state, source });
    if (!row.suppressed) return;
    const email = 'attributes' in row.said ? row.said.email : undefined;
    if (email) suppressions.push({ address: email, channel: '*', reason: 'import', source });
    // Without an address there is nothing to put on the list; what was meant holds for the lead.
    else consents.push({ leadId: result.id, channel: '*', state: 'revoked', source });
  });
  return { consents, suppressions };
}

function guessAttributes(plan: ColumnPlan, records: readonly CsvRecord[]): { name: string; type: AttributeType }[] {
  return plan.unknown
    .filter(({ header }) => isName(header))
    .map(({ index, header }) => ({ name: header, type: guessType(records.map(({ cells }) => cells[index] ?? '')) }));
}

async function* inBatches(records: AsyncGenerator<readonly CsvRecord[]>): AsyncGenerator<readonly CsvRecord[]> {
  let batch: CsvRecord[] = [];
  let size = FIRST_BATCH;
  try {
    for await (const some of records) {
      for (const record of some) {
        batch.push(record);
        if (batch.length < size) continue;
        yield batch;
        batch = [];
        size = BATCH;
      }
    }
  } catch (error) {
    // What was read before the fault is imported first.
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}
