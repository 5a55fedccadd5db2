import { CronExpressionParser } from 'cron-parser';
import { messageOf } from '../errors';

/** `*`, a number or name, a range, a step, `L` (the last), `#n` (the n-th). Not `H`: what it stands for is drawn anew each time. */
const ELEMENT = /^(?:\*|\?|L|(?:\d{1,2}|[A-Z]{3})(?:-(?:\d{1,2}|[A-Z]{3}))?(?:L|#[1-5])?)(?:\/\d{1,2})?$/i;

/** What is wrong with a cron expression of 5 fields, as the end of a sentence; undefined when nothing is. */
export function cronProblem(cron: string): string | undefined {
  const fields = fieldsOf(cron);
  if (fields.length !== 5) return 'needs 5 fields: minute, hour, day of the month, month, weekday';
  const strange = fields.flatMap((field) => field.split(',')).find((element) => !ELEMENT.test(element));
  if (strange !== undefined) return `cannot have "${strange}" in it`;
  try {
    CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: new Date(0) }).next();
    return undefined;
  } catch (error) {
    return `cannot be used (${messageOf(error)})`;
  }
}

/** The expression with one space between its fields. */
export function normaliseCron(cron: string): string {
  return fieldsOf(cron).join(' ');
}

function fieldsOf(cron: string): string[] {
  return cron.trim().split(/\s+/);
}

/**
 * The next local time that the expression names, after a local time (exclusive).
 *
 * cron-parser only counts on a calendar without a zone here. Its own treatment of zones follows other rules than ours:
 * measured with 5.10, a time within a gap moves on by the gap's length, half-hour gaps (Australia/Lord_Howe) lose the whole
 * day, and `*` hours ring twice when clocks are put back.
 */
export function nextCronTime(cron: string, after: number): number | undefined {
  try {
    return CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: new Date(after) })
      .next()
      .getTime();
  } catch {
    // Nothing within the years that the parser looks ahead.
    return undefined;
  }
}
