import { createHistory } from '../history';
import { createMetrics, fromMicros, type MetricDifference } from '../metrics';
import type { Roi } from '../governance';
import type { Scope } from '../store';
import type { Finding } from './examination';
import { number } from './screen';

/** Whether the figures of campaigns are what their messages and engagements come to. */
export async function metricsAgree(scope: Scope): Promise<Finding> {
  const check = 'Metrics';
  const wrong = await createMetrics(scope).differences();
  if (wrong.length === 0) return { check, verdict: 'ok', found: 'agree with the log' };
  return {
    check,
    verdict: 'fail',
    found: `${number(wrong.length)} differ from the log (${wrong.slice(0, 3).map(told).join('; ')})`,
    todo: 'Run "nexus-marketing doctor --fix".',
  };
}

function told({ campaign, channel, hour, name, counted, rows }: MetricDifference): string {
  const isMoney = name === 'revenue' || name === 'cost';
  const [says, is] = isMoney ? [fromMicros(counted), fromMicros(rows)] : [counted, rows];
  const when = hour === undefined ? 'in all' : `at ${new Date(hour).toISOString().slice(0, 13)}h`;
  return `campaign ${campaign}, ${channel || 'no channel'}, ${when}: ${name} says ${says}, the log ${is}`;
}

/** Counts the figures again. */
export async function fixMetrics(scope: Scope): Promise<Finding> {
  const fixed = await createMetrics(scope).recompute();
  return {
    check: 'Repair',
    verdict: 'ok',
    found: fixed === 0 ? 'no metric had to be set' : `${number(fixed)} metrics set`,
  };
}

/** Whether what campaigns have reserved and spent is what their messages and costs come to. */
export async function moneyAgrees(roi: Roi): Promise<Finding> {
  const check = 'Money';
  const wrong = await roi.differences();
  if (wrong.length === 0) return { check, verdict: 'ok', found: 'accounts agree with messages and costs' };
  const sample = wrong
    .slice(0, 3)
    .map(({ campaign, name, counted, rows }) => `campaign ${campaign}: ${name} says ${counted}, the rows ${rows}`);
  return {
    check,
    verdict: 'fail',
    found: `${number(wrong.length)} differ (${sample.join('; ')})`,
    todo: 'Run "nexus-marketing doctor --fix".',
  };
}

/** Sets accounts to what their rows come to. */
export async function fixMoney(roi: Roi): Promise<Finding> {
  const fixed = await roi.repair();
  return {
    check: 'Repair',
    verdict: 'ok',
    found: fixed === 0 ? 'no account had to be set' : `${number(fixed)} accounts set`,
  };
}

/** Whether the history is what was written, all of it, in its order. Seals what is not sealed yet. */
export async function historyHolds(scope: Scope): Promise<Finding> {
  const check = 'History';
  const { ok, entries, head, problems } = await createHistory(scope).verify();
  if (ok) {
    const end = entries === 0 ? '' : `, its head is ${head.seq} ${head.hash.slice(0, 16)}`;
    return { check, verdict: 'ok', found: `${number(entries)} entries in an unbroken chain${end}` };
  }
  return {
    check,
    verdict: 'fail',
    found: problems
      .slice(0, 3)
      .map(({ found }) => found)
      .join(' '),
    todo: 'Somebody changed the history behind the program. Compare with a backup; do not repair it.',
  };
}
