/**
 * Importing a CSV file of 100,000 rows and nine columns, against reading it and writing each row as it stands.
 *
 * **Ours**: what `nexus-marketing import FILE --declare` does: encoding and delimiter found out, columns recognised, attribute types guessed and
 * declared, e-mail, phone, country and dates normalised and checked, duplicates within the file found, rows upserted in batches
 * with short transactions, so that other writers and the event loop go on meanwhile.
 *
 * **Theirs**: `csv-parse` and one prepared INSERT per row into the very same table with the same indexes, all in one transaction that locks
 * everybody else out from begin to end; numbers and the date are converted, nothing is checked.
 *
 * Each side in a fresh process and database in every round. `ratio` is our rows per second divided by theirs. Memory is the largest
 * resident set of the process; `--memory` imports ten times as many rows to see that it stays the same.
 */
import path from 'node:path';
import type { Bench, BenchContext } from './lib/bench';
import { startChild } from './lib/child';
import { writeCsv } from './lib/csv-file';
import { withFolder } from './lib/folder';
import { alternate, medianOf } from './lib/rounds';
import { mebibytes, significant } from './lib/statistics';
import type { ImporterQuestions } from './processes/importer';

interface Round {
  rowsPerSecond: number;
  seconds: number;
  peakRss: number;
  longestStallMs: number;
}

export const bench: Bench = {
  name: 'import',
  summary: 'rows per second of a CSV import, against csv-parse and one INSERT per row',
  options: {
    rows: { default: 100_000, says: 'rows of the file' },
    rounds: { default: 3, says: 'rounds, medians are reported' },
    memory: { default: false, says: 'also compare peak memory at --rows and at --memory-rows' },
    'memory-rows': { default: 1_000_000, says: 'rows of the larger file of --memory' },
  },
  async run(context) {
    return withFolder('import', async (folder) => {
      const rows = context.number('rows');
      const file = path.join(folder, 'leads.csv');
      await writeCsv(file, rows);
      const { ours, theirs } = await alternate({
        rounds: context.number('rounds'),
        ours: (round) => importOnce(context, 'product', { folder, file, rows, label: `ours ${round + 1}` }),
        theirs: (round) => importOnce(context, 'plain', { folder, file, rows, label: `plain ${round + 1}` }),
      });
      const ratio =
        medianOf(ours, ({ rowsPerSecond }) => rowsPerSecond) / medianOf(theirs, ({ rowsPerSecond }) => rowsPerSecond);
      return {
        ratio: significant(ratio),
        ratioIs: 'rows per second, ours / plain',
        rows,
        rounds: ours.length,
        ours: {
          ...summary(ours),
          longestStallMs: significant(Math.max(...ours.map(({ longestStallMs }) => longestStallMs))),
        },
        plain: summary(theirs),
        ...(context.flag('memory') ? { memory: await memory(context, folder, ours, rows) } : {}),
      };
    });
  },
};

function summary(rounds: readonly Round[]): Record<string, unknown> {
  return {
    rowsPerSecond: Math.round(medianOf(rounds, ({ rowsPerSecond }) => rowsPerSecond)),
    seconds: significant(medianOf(rounds, ({ seconds }) => seconds)),
    peakRssMiB: mebibytes(medianOf(rounds, ({ peakRss }) => peakRss)),
    eachRoundPerSecond: rounds.map(({ rowsPerSecond }) => Math.round(rowsPerSecond)),
  };
}

async function memory(
  context: BenchContext,
  folder: string,
  small: readonly Round[],
  rows: number,
): Promise<Record<string, unknown>> {
  const many = context.number('memory-rows');
  const file = path.join(folder, 'many.csv');
  await writeCsv(file, many);
  const large = await importOnce(context, 'product', { folder, file, rows: many, label: 'ours, memory' });
  const peak = medianOf(small, ({ peakRss }) => peakRss);
  return {
    [`peakRssMiBAt${rows}`]: mebibytes(peak),
    [`peakRssMiBAt${many}`]: mebibytes(large.peakRss),
    growth: significant(large.peakRss / peak - 1, 2),
    rowsPerSecond: Math.round(large.rowsPerSecond),
  };
}

async function importOnce(
  context: BenchContext,
  side: 'product' | 'plain',
  { folder, file, rows, label }: { folder: string; file: string; rows: number; label: string },
): Promise<Round> {
  return withFolder('import-db', async (databaseFolder) => {
    const databaseUrl = `sqlite:${path.join(databaseFolder, 'bench.sqlite')}`;
    const before = startChild<ImporterQuestions>('importer');
    await before.ask('migrate', databaseUrl).finally(() => before.stop());
    const child = startChild<ImporterQuestions>('importer');
    try {
      const imported = await child.ask(side, { file, databaseUrl, rejects: path.join(folder, 'rejects.csv') });
      if (imported.rows !== rows) throw new Error(`${imported.rows} of ${rows} rows were imported.`);
      const { peakRss } = await child.usage();
      const { ms, longestStallMs } = imported;
      const round = { rowsPerSecond: (rows * 1000) / ms, seconds: ms / 1000, peakRss, longestStallMs };
      context.say(
        `${label}: ${Math.round(round.rowsPerSecond)} rows/s, peak ${mebibytes(peakRss)} MiB, longest stall ${significant(longestStallMs)} ms`,
      );
      return round;
    } finally {
      await child.stop();
    }
  });
}
