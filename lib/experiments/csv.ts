import type { ExperimentReport } from './report';

const COLUMNS = [
  'variant',
  'name',
  'control',
  'share',
  'exposed',
  'opened',
  'clicked',
  'converted',
  'revenue',
  'rate',
  'rate_low',
  'rate_high',
  'chance_to_be_best',
  'expected_loss',
  'late_exposed',
  'late_converted',
] as const;

/** A report as CSV (RFC 4180): a line per variant. */
export function reportCsv({ variants }: ExperimentReport): string {
  const lines = variants.map((one) =>
    [
      one.variant,
      one.name,
      one.control,
      one.share,
      one.exposed,
      one.opened,
      one.clicked,
      one.converted,
      one.revenue,
      one.rate,
      one.interval?.[0],
      one.interval?.[1],
      one.chanceToBeBest,
      one.expectedLoss,
      one.late?.exposed,
      one.late?.converted,
    ]
      .map(cell)
      .join(','),
  );
  return [COLUMNS.join(','), ...lines, ''].join('\r\n');
}

function cell(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  // A spreadsheet would take a text that begins like this for a formula.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
