import type { Rejection } from '../types';
import { SeenKeys } from './duplicates';
import type { Row } from './row';

/** A row that is not imported, and why. */
export interface BadRow {
  readonly line: number;
  readonly cells: readonly string[];
  readonly reason: Rejection;
}

/** Rows that go to the database together. */
export interface Batch {
  /** How many rows were read from the file for it. */
  records: number;
  readonly rows: Row[];
  /** What was found to be bad meanwhile. */
  readonly bad: BadRow[];
}

/** So many waiting rows are enough: no more are read until some of them are decided. */
const MOST_WAITING = 1_000;

/**
 * Decides which rows may go to the database: of several about one lead the first good one. Whether a row is good is known when it is
 * stored, and the next batch is made before that; so a row about the lead of an undecided one waits.
 */
export class Gate {
  private readonly seen = new SeenKeys();
  /** Keys of the batch that is being stored. */
  private storing: ReadonlySet<string> = new Set();
  /** Keys of the batch that is being made, and of the rows that wait. */
  private undecided = new Set<string>();
  private waiting: Row[] = [];
  private batch: Batch = emptyBatch();

  /** True when there are rows that wait. */
  get isWaiting(): boolean {
    return this.waiting.length > 0;
  }
  /** True when no more rows may come. */
  get isFull(): boolean {
    return this.waiting.length >= MOST_WAITING;
  }

  /** Begins a batch with those who waited. */
  begin(): Batch {
    this.batch = emptyBatch();
    this.undecided = new Set();
    const { waiting } = this;
    this.waiting = [];
    for (const row of waiting) this.consider(row);
    return this.batch;
  }

  /** Puts a row into the batch, among the bad ones or among those who wait. */
  consider(row: Row): void {
    const earlier = row.keys.map((key) => this.seen.lineOf(key)).find((line) => line !== undefined);
    if (earlier !== undefined) {
      this.batch.bad.push({ line: row.line, cells: row.cells, reason: duplicateOf(earlier) });
      return;
    }
    const waits = row.keys.some((key) => this.storing.has(key) || this.undecided.has(key));
    if (!('attributes' in row.said)) {
      // Nobody waits for a row that is bad anyway; it waits itself, because being a duplicate is the better reason.
      if (waits) this.waiting.push(row);
      else this.batch.bad.push({ line: row.line, cells: row.cells, reason: row.said });
      return;
    }
    (waits ? this.waiting : this.batch.rows).push(row);
    for (const key of row.keys) this.undecided.add(key);
  }

  /** From now on this batch is being stored. */
  storingNow(batch: Batch): void {
    this.storing = new Set(batch.rows.flatMap((row) => row.keys));
  }

  /** The batch that was being stored has been; these of its rows were good. */
  stored(good: readonly Row[]): void {
    for (const row of good) for (const key of row.keys) this.seen.add(key, row.line);
    this.storing = new Set();
  }

  /** The first line about which nothing has been decided, given the batch that is stored next. */
  firstUndecided(next: Batch): number {
    let line = Infinity;
    for (const rows of [next.rows, next.bad, this.waiting]) for (const row of rows) line = Math.min(line, row.line);
    return line;
  }
}

function emptyBatch(): Batch {
  return { records: 0, rows: [], bad: [] };
}

function duplicateOf(line: number): Rejection {
  return {
    code: 'E_CSV_DUPLICATE',
    field: 'email',
    message: `The lead of this row was already in line ${line}: the first row counts.`,
  };
}
