import type { Readable, Writable } from 'node:stream';
import type { Leads } from '../leads';
import type { AttributeType } from '../types';
import type { CsvEncoding } from './decode';
import { checkRejectsFile } from './rejects';
import { CsvImport } from './run';
import { openCsv } from './source';

/** How far an import is. */
export interface ImportProgress {
  readonly rows: number;
  readonly rejected: number;
  readonly bytes: number;
  /** Known when a file is imported, not for a stream. */
  readonly totalBytes?: number;
}

/** How a CSV file is imported. */
export interface ImportOptions {
  readonly leads: Leads;
  /** Where rejected rows are written, with line, code and reason. A file is made only when there are any. */
  readonly rejects?: string | Writable;
  readonly onProgress?: (progress: ImportProgress) => void;
  /**
   * What columns are about, where their names do not say it: column name → field, attribute, `firstName`, `lastName`,
   * `consent:email`, `opt-out:*`, `suppressed`; an empty text leaves a column out.
   */
  readonly columns?: Readonly<Record<string, string>>;
  /** Default: the one that the header uses. */
  readonly delimiter?: string;
  /** True: columns that nothing is known about become attributes, of the type that their first values seem to have. */
  readonly declare?: boolean;
  /** Who imports; goes into consents and history. Default `import`. */
  readonly source?: string;
  /** False: changed leads are not told to `onChanged`; recalculate the segments afterwards. Default true. */
  readonly report?: boolean;
}

/** What an import did. `rows` = created + updated + unchanged + rejected. */
export interface ImportReport {
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly rejected: number;
  /** How many of the rejected rows were about a lead of an earlier row. */
  readonly duplicates: number;
  /** Rejected rows by code. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Consents and opt-outs that were new. */
  readonly consents: number;
  /** Suppressed addresses that were new. */
  readonly suppressions: number;
  readonly encoding: CsvEncoding;
  readonly delimiter: string;
  readonly declared: readonly { readonly name: string; readonly type: AttributeType }[];
  readonly ignoredColumns: readonly string[];
  readonly seconds: number;
}

/**
 * Imports leads from a CSV file or stream. It streams: memory does not grow with the file, but for some 30 bytes per row that find
 * duplicates. Importing the same file again changes nothing, so one that was interrupted is simply imported again. Of
 * several rows about one lead the first good one wins. A consent in the file never undoes an opt-out that is on record.
 * @throws InputError `E_CSV_FILE`, `E_CSV_EMPTY`, `E_CSV_HEADER`, `E_CSV_NO_EMAIL`, `E_CSV_MAPPING`, `E_REJECTS_FILE` before anything is written;
 * `E_CSV_QUOTE` for a quote that is never closed, after everything before it has been imported; `E_CSV_REJECTS`
 */
export async function importCsv(source: string | Readable, options: ImportOptions): Promise<ImportReport> {
  const { rejects } = options;
  if (typeof rejects === 'string') await checkRejectsFile(rejects, typeof source === 'string' ? source : undefined);
  const csv = await openCsv(source, options.delimiter);
  try {
    return await new CsvImport(csv, options).run();
  } finally {
    await csv.records.return(undefined);
  }
}
