import { storable, type Scope } from '../../store';
import type { Decision } from '../../types';
import type { StepResult } from '../types';
import { isOver, lockCampaigns } from './campaign-locks';
import { CounterDeltas } from './counters';
import { reachedOf } from './end-branches';
import { endEnrollments } from './enrollments';

/** A settled step that goes on through a wired output. */
export interface Going {
  id: number;
  port: number;
}

/** What settling needs to know about the station. */
export interface SettleContext {
  station: number;
  /** Its step name. */
  step: string;
  now: number;
  wired(port: number): boolean;
  /** Counter names of the outputs. */
  portNames: readonly string[];
}

interface Verdict {
  state: string;
  port: number | null;
  dueAt: number | null;
  reason: string | null;
  outcome: string | null;
  keepsLease: boolean;
}

/** @param over why who would go back into the queue is not begun with again, if so */
function verdictOf(result: StepResult, context: SettleContext, over: string | undefined): Verdict {
  const base = { port: null, dueAt: null, reason: null, outcome: null, keepsLease: false };
  if (waitsAgain(result) && over !== undefined) return { ...base, state: 'cancelled', reason: over };
  switch (result.kind) {
    case 'release': {
      const goesOn = context.wired(result.port);
      return {
        state: goesOn ? 'released' : 'done',
        port: result.port,
        dueAt: null,
        reason: short(result.reason),
        outcome: result.outcome === undefined ? null : JSON.stringify(result.outcome),
        keepsLease: goesOn,
      };
    }
    case 'retry':
    case 'later':
      return { ...base, state: 'waiting', dueAt: result.dueAt, reason: short(result.reason) };
    case 'return':
      return { ...base, state: 'waiting' };
    case 'fail':
      return {
        ...base,
        state: 'failed',
        reason: short(result.reason),
        outcome: result.outcome === undefined ? null : JSON.stringify(result.outcome),
      };
    case 'unknown':
      return { ...base, state: 'unknown', reason: short(result.reason) };
  }
}

function waitsAgain({ kind }: StepResult): boolean {
  return kind === 'retry' || kind === 'later' || kind === 'return';
}

/** A reason as the column takes it. */
function short(reason: string | undefined): string | null {
  return reason === undefined ? null : storable(reason, 191);
}

function overReason(state: string | undefined): string | undefined {
  return isOver(state) ? `the campaign was ${state}` : undefined;
}

/**
 * Writes what became of leased steps: state, output, message rows (`also`), counters and ends in one transaction.
 * Only steps that are still held under the same owner and attempt are touched: a late worker changes nothing.
 * @returns the ids that were still ours, and who goes on
 */
export async function settleSteps(
  scope: Scope,
  results: readonly StepResult[],
  context: SettleContext,
  also?: (tx: Scope, accepted: ReadonlySet<number>) => Promise<void>,
): Promise<{ accepted: Set<number>; going: Going[] }> {
  return scope.transaction(async (tx) => {
    const { dialect } = tx;
    const campaigns = await lockCampaigns(
      tx,
      results.filter(waitsAgain).map(({ step }) => step.campaign),
    );
    const held = await tx.all<{ id: number }>(
      `SELECT s.id FROM ${dialect.rows('rows', { step: 'int', lease: 'text', tries: 'int' }, 'r')}
       ${dialect.join} marketing_steps s ON s.id = r.step AND s.tenant_id = :tenant
       WHERE s.state = 'working' AND s.lease_owner = r.lease AND s.attempt = r.tries
       ${dialect.name === 'sqlite' ? '' : dialect.name === 'postgres' ? 'ORDER BY s.id FOR UPDATE OF s' : 'FOR UPDATE'}`,
      { rows: JSON.stringify(results.map(({ step }) => [step.id, step.owner, step.attempt])) },
    );
    const accepted = new Set(held.map(({ id }) => id));
    const reached = await reachedOf(
      tx,
      results.filter(waitsAgain).map(({ step }) => step.enrollment),
    );
    const counters = new CounterDeltas();
    const going: Going[] = [];
    const ends: { enrollment: number; reason: string }[] = [];
    const rows: unknown[][] = [];
    for (const result of results) {
      const { step } = result;
      if (!accepted.has(step.id)) continue;
      const over = overReason(campaigns.get(step.campaign)) ?? reached.get(step.enrollment);
      const verdict = verdictOf(result, context, over);
      if (verdict.state === 'cancelled') ends.push({ enrollment: step.enrollment, reason: over ?? '' });
      rows.push([
        step.id,
        verdict.state,
        verdict.port,
        verdict.dueAt,
        verdict.reason,
        verdict.outcome,
        verdict.keepsLease ? step.owner : null,
        // Whoever was tried to the end has not killed anybody.
        result.kind === 'retry' ? 1 : 0,
      ]);
      if (result.kind === 'release') {
        counters.add(step.campaign, context.station, context.portNames[result.port] ?? `output ${result.port + 1}`);
        if (verdict.keepsLease) going.push({ id: step.id, port: result.port });
        else ends.push({ enrollment: step.enrollment, reason: endReason(result, context) });
      } else if (result.kind === 'fail') counters.add(step.campaign, context.station, 'dead');
      else if (result.kind === 'unknown') counters.add(step.campaign, context.station, 'unknown');
    }
    if (rows.length > 0) {
      await tx.run(
        dialect.updateFrom(
          'marketing_steps',
          dialect.rows(
            'rows',
            {
              step: 'int',
              to_state: 'text',
              to_port: 'int',
              to_due: 'int',
              to_reason: 'text',
              to_outcome: 'text',
              to_owner: 'text',
              survived: 'int',
            },
            'r',
          ),
          `state = to_state, port = COALESCE(to_port, port), due_at = COALESCE(to_due, due_at), reason = to_reason,
           outcome = COALESCE(to_outcome, outcome), lease_owner = to_owner,
           crashes = CASE WHEN survived = 1 THEN 0 ELSE crashes END,
           released_at = CASE WHEN to_state = 'released' THEN :now ELSE released_at END, updated_at = :now`,
          'marketing_steps.id = r.step AND tenant_id = :tenant',
        ),
        { now: context.now, rows: JSON.stringify(rows) },
      );
    }
    await noteHolds(tx, results, accepted, context);
    if (also) await also(tx, accepted);
    await endEnrollments(tx, ends, context.now);
    await counters.write(tx);
    return { accepted, going };
  });
}

/** A trail that has grown to this many characters keeps its beginning: somebody who is put off for ever must not fill the table. */
const LONGEST_TRAIL = 20_000;

/** Why somebody has to wait here, or is tried again: added to the step's trail, so that it can be told later. */
async function noteHolds(
  tx: Scope,
  results: readonly StepResult[],
  accepted: ReadonlySet<number>,
  { step: node, now }: SettleContext,
): Promise<void> {
  const rows = results.flatMap((result) => {
    if ((result.kind !== 'later' && result.kind !== 'retry') || !accepted.has(result.step.id)) return [];
    const decision: Decision = {
      node,
      kind: 'hold',
      outcome: result.kind === 'later' ? 'put off' : 'tried again',
      ...(result.reason === undefined ? {} : { because: result.reason }),
      saw: { until: new Date(result.dueAt).toISOString() },
      at: now,
    };
    return [[result.step.id, storable(JSON.stringify(decision), 2_000)]];
  });
  if (rows.length === 0) return;
  const { dialect } = tx;
  const glue = (...parts: string[]): string =>
    dialect.name === 'mysql' ? `CONCAT(${parts.join(', ')})` : `(${parts.join(' || ')})`;
  await tx.run(
    dialect.updateFrom(
      'marketing_steps',
      dialect.rows('rows', { step: 'int', note: 'text' }, 'r'),
      `trail = CASE WHEN trail IS NULL THEN ${glue(`'['`, 'note', `']'`)}
                    WHEN LENGTH(trail) > ${LONGEST_TRAIL} THEN trail
                    ELSE ${glue('SUBSTR(trail, 1, LENGTH(trail) - 1)', `','`, 'note', `']'`)} END`,
      'marketing_steps.id = r.step AND tenant_id = :tenant',
    ),
    { rows: JSON.stringify(rows) },
  );
}

function endReason(result: StepResult & { kind: 'release' }, context: SettleContext): string {
  if (result.port === 0) return 'completed';
  const name = context.portNames[result.port] ?? `output ${result.port + 1}`;
  return result.reason ? `${name}: ${result.reason}` : name;
}
