import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { parse, type CsvError } from 'csv-parse';
import { InputError, messageOf } from '../../errors';
import { nextTurn } from './pace';
import { Utf8Decoder, type CsvEncoding } from './decode';

/** A record of the file, and the line on which it begins. */
export interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

/** A CSV file that streams by. */
export interface CsvSource {
  readonly delimiter: string;
  readonly headers: readonly string[];
  /** Known for files only. */
  readonly totalBytes: number | undefined;
  /** What has been read so far. */
  readonly progress: { bytes: number; readonly encoding: CsvEncoding };
  /** The records after the header, as many at a time as there are. Throws InputError `E_CSV_QUOTE`, `E_CSV_RECORD`, `E_CSV_FILE`. */
  readonly records: AsyncGenerator<readonly CsvRecord[]>;
}

/** The longest record that is read, in characters. A quote that is never closed ends here. */
const LONGEST_RECORD = 1 << 20;
/** Bytes. */
const PIECE = 1 << 15;
const DELIMITERS = [',', ';', '\t', '|'] as const;

/**
 * Opens a CSV file or stream, finds out its encoding, delimiter and columns.
 * @throws InputError `E_CSV_FILE`, `E_CSV_EMPTY`, `E_CSV_HEADER`
 */
export async function openCsv(source: string | Readable, delimiter: string | undefined): Promise<CsvSource> {
  const totalBytes = typeof source === 'string' ? await sizeOf(source) : undefined;
  const decoder = new Utf8Decoder();
  const progress = {
    bytes: 0,
    get encoding() {
      return decoder.encoding;
    },
  };
  const chunks = decoded(
    typeof source === 'string' ? createReadStream(source, { highWaterMark: PIECE }) : source,
    decoder,
    progress,
  );
  const head = await firstLine(chunks);
  const separated = /^sep=(.)\r?$/i.exec(lineOf(head));
  // Spreadsheets say the delimiter in a line of its own before the header.
  const body = separated ? head.subarray(head.indexOf(0x0a) + 1) : head;
  const used = delimiter ?? separated?.[1] ?? detect(lineOf(body));
  const all = recordsOf(body, chunks, used, separated ? 1 : 0);
  const first = await all.next();
  if (first.done) throw new InputError('E_CSV_EMPTY', 'The file is empty: its first line must name the columns.');
  const [header, ...others] = first.value;
  const headers = (header?.cells ?? []).map((name) => name.trim());
  if (headers.every((header) => header === ''))
    throw new InputError('E_CSV_HEADER', 'The first line of the file names no columns.');
  return { delimiter: used, headers, totalBytes, progress, records: followed(others, all) };
}

async function* followed(first: CsvRecord[], rest: AsyncGenerator<CsvRecord[]>): AsyncGenerator<readonly CsvRecord[]> {
  if (first.length > 0) yield first;
  yield* rest;
}

async function sizeOf(file: string): Promise<number> {
  try {
    const facts = await stat(file);
    if (facts.isDirectory()) throw new Error('it is a directory');
    return facts.size;
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): InputError {
  return new InputError('E_CSV_FILE', `The file cannot be read: ${messageOf(error)}.`, { cause: error });
}

async function* decoded(source: Readable, decoder: Utf8Decoder, progress: { bytes: number }): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of source) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string | Uint8Array);
      progress.bytes += bytes.length;
      const text = decoder.push(bytes);
      if (text.length > 0) yield text;
    }
  } catch (error) {
    throw unreadable(error);
  }
  const last = decoder.end();
  if (last.length > 0) yield last;
}

async function firstLine(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (!head.includes(0x0a) && head.length < LONGEST_RECORD) {
    const next = await chunks.next();
    if (next.done) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

function lineOf(bytes: Buffer): string {
  const end = bytes.indexOf(0x0a);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

/** The delimiter that the header uses most, outside quotes. */
function detect(line: string): string {
  const bare = line.replace(/"[^"]*"/g, '');
  let best: string = ',';
  let most = 0;
  for (const delimiter of DELIMITERS) {
    const count = bare.split(delimiter).length - 1;
    if (count > most) [best, most] = [delimiter, count];
  }
  return best;
}

/**
 * Feeds the parser piece by piece and takes the records of each piece out of its hook: a stream would drop the records before a fault,
 * and they are to be imported.
 */
async function* recordsOf(
  head: Buffer,
  rest: AsyncGenerator<Buffer>,
  delimiter: string,
  skipped: number,
): AsyncGenerator<CsvRecord[]> {
  let ready: CsvRecord[] = [];
  let last = skipped;
  const parser = parse({
    delimiter,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_RECORD,
    on_record: (cells: string[], { lines }) => {
      // A record with line breaks in it began earlier than it ends.
      const breaks = cells.reduce((sum, cell) => sum + (cell.includes('\n') ? cell.split('\n').length - 1 : 0), 0);
      last = lines + skipped;
      ready.push({ line: last - breaks, cells });
      return null;
    },
  });
  const feed = (chunk: Buffer | undefined): Promise<Error | undefined> =>
    new Promise((resolve) => {
      const done = (error?: Error | null): void => {
        parser.off('error', done);
        resolve(error ?? undefined);
      };
      parser.once('error', done);
      if (chunk) parser.write(chunk, done);
      else parser.end(done);
    });
  try {
    for await (const piece of pieces(head, rest)) {
      const error = await feed(piece);
      if (ready.length > 0) yield ready;
      ready = [];
      if (error) throw readable(error as CsvError, last);
    }
  } finally {
    parser.on('error', () => undefined).destroy();
    await rest.return(undefined);
  }
}

/** What the parser is given at once: a few milliseconds of work, whatever the size of the chunks that arrive. In the end undefined. */
async function* pieces(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer | undefined> {
  for (let next: IteratorResult<Buffer, unknown> = { value: head }; !next.done; next = await rest.next()) {
    for (let start = 0; start < next.value.length; start += PIECE) {
      yield next.value.subarray(start, start + PIECE);
      await nextTurn();
    }
  }
  yield undefined;
}

function readable(error: CsvError, lastLine: number): Error {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
    case 'CSV_MAX_RECORD_SIZE':
    case 'CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE':
      return new InputError(
        'E_CSV_QUOTE',
        `After line ${lastLine} of the file a quote is opened that is not closed. What stands before it has been imported; correct the quote and import the file again: what is already there stays as it is.`,
        { cause: error, details: { line: lastLine } },
      );
    default:
      return error;
  }
}
