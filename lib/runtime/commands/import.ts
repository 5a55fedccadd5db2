import path from 'node:path';
import type { ImportProgress, ImportReport } from '../../leads';
import { importCsv } from '../../leads';
import { UsageError, type Command, type CommandContext } from '../command';
import { bar, number, table, type Screen } from '../screen';

/** Rows between two lines of progress where no line can be redrawn. */
const PLAIN_EVERY = 20_000;

/** Leads from a CSV file. */
export const importLeads: Command = {
  name: 'import',
  summary: 'import leads from a CSV file',
  usage: 'FILE [--rejects FILE] [--declare] [--column NAME=FIELD …]',
  details: `Creates or updates one lead per row, found by external id or e-mail address, then recalculates the segments. Rows that cannot be
imported are written to the rejects file with their line number and the reason; nothing is dropped silently. Importing the same
file again changes nothing.

  --rejects FILE        default: FILE with ".rejects.csv" at its end; replaces no file but an earlier rejects file
  --declare             declare an attribute for each column that nobody declared, with the type that its values have
  --column NAME=FIELD   what a column is about when its name does not say it: a field, an attribute, firstName, lastName,
                        consent:email, opt-out:*, suppressed; nothing after the "=" leaves it out. May be given several times
  --delimiter CHAR      default: the one that the header uses`,
  examples: [
    'nexus-marketing import leads.csv',
    'nexus-marketing import leads.csv --declare --rejects rejected.csv --json',
    'nexus-marketing import export.csv --column "E-mail of contact=email" --column Notes=',
  ],
  options: {
    rejects: { type: 'string' },
    declare: { type: 'boolean' },
    column: { type: 'string', multiple: true },
    delimiter: { type: 'string' },
  },
  async run(context) {
    const file = path.resolve(context.word(0, 'FILE'));
    const rejects = path.resolve(context.text('rejects') ?? `${file.replace(/\.csv$/i, '')}.rejects.csv`);
    const delimiter = context.text('delimiter');
    const columns = columnsOf(context);
    const marketing = await context.marketing();
    const report = await importCsv(file, {
      leads: marketing.leads,
      ...{ rejects, columns, declare: context.flag('declare') },
      ...(delimiter === undefined ? {} : { delimiter: delimiter === '\\t' ? '\t' : delimiter }),
      source: `import ${path.basename(file)}`,
      onProgress: progressOn(context.screen),
      // Segments are recalculated once at the end, not for every batch of rows.
      report: false,
    });
    context.screen.progress('Recalculating segments …');
    const segments = await marketing.segments.recalculateAll();
    context.screen.endProgress();
    const rejectsFile = report.rejected > 0 ? rejects : undefined;
    return { data: { ...report, rejectsFile: rejectsFile ?? null, segments }, lines: describe(report, rejectsFile) };
  },
};

/** Redraws a bar on a terminal; elsewhere writes a line now and then. */
export function progressOn(screen: Screen): (progress: ImportProgress) => void {
  let told = 0;
  return ({ rows, rejected, bytes, totalBytes }) => {
    const counts = `${number(rows)} rows${rejected > 0 ? `, ${number(rejected)} rejected` : ''}`;
    screen.progress(
      totalBytes === undefined ? `Importing  ${counts}` : `${bar(bytes / Math.max(1, totalBytes))}  ${counts}`,
    );
    if (screen.live || rows - told < PLAIN_EVERY) return;
    told = rows;
    screen.note(`Importing: ${counts}`);
  };
}

function describe(report: ImportReport, rejectsFile: string | undefined): string[] {
  const rows: [string, number][] = [
    ['rows', report.rows],
    ['created', report.created],
    ['updated', report.updated],
    ['unchanged', report.unchanged],
    ['rejected', report.rejected],
    ...Object.entries(report.reasons).map(([code, count]): [string, number] => [`  ${code}`, count]),
    ['consents and opt-outs', report.consents],
    ['suppressed addresses', report.suppressions],
  ];
  const declared = report.declared.map(({ name, type }) => `${name} (${type})`).join(', ');
  return [
    ...table(['Import', ''], rows),
    '',
    ...(declared === '' ? [] : [`Declared: ${declared}.`]),
    ...(report.ignoredColumns.length === 0
      ? []
      : [`Left out, because nobody declared them: ${report.ignoredColumns.join(', ')}. Use --declare or --column.`]),
    ...(rejectsFile === undefined ? [] : [`Rejected rows, with the reason: ${rejectsFile}`]),
    `Took ${report.seconds.toFixed(1)} seconds.`,
  ];
}

function columnsOf(context: CommandContext): Record<string, string> {
  const given = context.values['column'];
  if (!Array.isArray(given)) return {};
  return Object.fromEntries(
    given.map((pair) => {
      const [, name, field] = /^(.+)=(.*)$/s.exec(String(pair)) ?? [];
      if (name === undefined || field === undefined)
        throw new UsageError('--column is NAME=FIELD: the name of a column in the file, and what it is about.');
      return [name, field];
    }),
  );
}
