import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { stringify } from 'csv-stringify/sync';
import { InputError, messageOf } from '../../errors';
import type { BadRow } from './gate';
import { nextTurn, ROWS_PER_TURN } from './pace';

/**
 * Where rejected rows go: a CSV file with the line, the code, the reason and the row as it was, in the order of the lines, so that it can
 * be corrected and imported again. Cells that a spreadsheet would take for a formula are given an apostrophe (OWASP ASVS 1.2.10), which the import takes
 * away again.
 */
export class RejectsFile {
  private stream: Writable | undefined;
  /** Where rows are written until all of them are there. */
  private temporary = '';
  private failure: Error | undefined;
  private width = 0;
  private rows: BadRow[] = [];

  constructor(
    private readonly target: string | Writable | undefined,
    private readonly headers: readonly string[],
  ) {}

  /** Removes what an earlier import left behind: it is not about this file. @throws InputError `E_REJECTS_FILE` */
  async prepare(): Promise<void> {
    if (typeof this.target !== 'string') return;
    await checkRejectsFile(this.target);
    await rm(this.target, { force: true });
  }

  /** Takes a row; it is written with {@link writeBefore}, or in the end. */
  add(row: BadRow): void {
    if (this.target !== undefined) this.rows.push(row);
  }

  /** Writes the rows before a line. @throws InputError `E_CSV_REJECTS` */
  async writeBefore(line: number): Promise<void> {
    if (this.rows.length === 0) return;
    this.rows.sort((a, b) => a.line - b.line);
    const later = this.rows.findIndex((row) => row.line >= line);
    const ready = this.rows.splice(0, later < 0 ? this.rows.length : later);
    for (let from = 0; from < ready.length; from += ROWS_PER_TURN) {
      if (!this.stream) await this.open();
      await this.put(ready.slice(from, from + ROWS_PER_TURN).map((row) => this.cellsOf(row)));
      await nextTurn();
    }
  }

  /** Writes out what is left. @throws InputError `E_CSV_REJECTS`; `E_REJECTS_FILE` when the name was taken meanwhile */
  async close(): Promise<void> {
    try {
      await this.writeBefore(Infinity);
      if (this.stream && typeof this.target === 'string') await this.finish(this.stream, this.target);
      this.check();
    } finally {
      // Only there still when something went wrong.
      if (this.temporary) await rm(this.temporary, { force: true });
    }
  }

  private async finish(stream: Writable, target: string): Promise<void> {
    stream.end();
    await finished(stream).catch((error: unknown) => this.fail(error));
    this.check();
    await checkRejectsFile(target);
    await rename(this.temporary, target).catch((error: unknown) => this.fail(error));
  }

  private cellsOf({ line, reason, cells }: BadRow): string[] {
    const missing = Array<string>(Math.max(0, this.width - cells.length)).fill('');
    return [String(line), reason.code, reason.message, ...cells, ...missing];
  }

  private async open(): Promise<void> {
    this.stream = typeof this.target === 'string' ? this.create(this.target) : this.target;
    this.stream?.on('error', (error) => this.fail(error));
    this.width = this.headers.length;
    await this.put([['line', 'code', 'reason', ...this.headers]]);
  }

  private create(target: string): Writable {
    this.temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`;
    // Personal data: nobody but its owner is to read it.
    return createWriteStream(this.temporary, { flags: 'wx', mode: 0o600 });
  }

  private async put(rows: readonly (readonly string[])[]): Promise<void> {
    this.check();
    const { stream } = this;
    if (!stream || stream.write(stringify([...rows], { escape_formulas: true }))) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        stream.off('drain', go).off('error', go).off('close', go);
        resolve();
      };
      stream.once('drain', go).once('error', go).once('close', go);
    });
    this.check();
  }

  private fail(error: unknown): void {
    this.failure ??= new InputError(
      'E_CSV_REJECTS',
      `The rejected rows cannot be written: ${messageOf(error)}. Give another file for them.`,
      { cause: error },
    );
  }

  private check(): void {
    if (this.failure) throw this.failure;
  }
}

/** How the first line of a rejects file begins. */
const FIRST_LINE = /^line,code,reason(?:,|\r?\n|$)/;

/**
 * Checks that rejected rows may be written to a file: there is none yet, or one that an earlier import has written.
 * @param source the file that is imported, if it is one
 * @throws InputError `E_REJECTS_FILE`
 */
export async function checkRejectsFile(target: string, source?: string): Promise<void> {
  const found = await statOf(target);
  if (!found) return;
  const imported = source === undefined ? undefined : await statOf(source);
  // The same file by whatever name: links, or capitals where they do not count.
  if (imported && imported.dev === found.dev && imported.ino === found.ino) {
    throw refused(target, 'it is the file that is imported');
  }
  if (!found.isFile() || !FIRST_LINE.test(await beginningOf(target))) {
    throw refused(target, 'what is there was not written by an import, and would be lost');
  }
}

async function statOf(file: string) {
  try {
    return await stat(file, { bigint: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw refused(file, messageOf(error), error);
  }
}

async function beginningOf(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(32), 0, 32, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw refused(file, messageOf(error), error);
  }
}

function refused(target: string, why: string, cause?: unknown): InputError {
  const text = `Rejected rows cannot be written to ${target}: ${why}. Choose another name for the rejects file.`;
  return new InputError('E_REJECTS_FILE', text, { cause });
}

/** Takes away the apostrophe that protects a cell from being taken for a formula. */
export function withoutApostrophe(cell: string): string {
  return cell.startsWith("'") && /^'[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/.test(cell) ? cell.slice(1) : cell;
}
