import { InputError } from '../../lib/errors';
import type { ApprovalTerms } from '../../lib/governance';
import { readApprovers } from '../kit/approvers';
import { text } from '../kit/names';

const HOUR_MS = 3_600_000;
const UNITS: Readonly<Record<string, number>> = { minutes: HOUR_MS / 60, hours: HOUR_MS, days: 24 * HOUR_MS };

/**
 * Who decides and how, as the node says it.
 * @throws InputError `E_CONFIG`; what else cannot be used, `checkTerms` says
 */
export function termsOf(config: Readonly<Record<string, unknown>>): ApprovalTerms {
  const approvers = readApprovers(typeof config['approvers'] === 'string' ? config['approvers'] : '');
  if (!approvers) throw wrong('approvers', 'write one per line: ann, role: approver, team: legal (bob, carl)');
  const chosen = text(config['strategy']) || 'single';
  const strategy = chosen === 'custom' ? text(config['custom']) : chosen;
  const quorum = text(config['quorum']);
  const timeoutMs = duration(config, 'timeout', 'timeoutUnit');
  const remindEveryMs = duration(config, 'remind', 'remindUnit');
  return {
    ...(approvers.length > 0 ? { approvers } : {}),
    strategy,
    ...(strategy === 'quorum' && quorum !== '' ? { quorum } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(remindEveryMs === undefined ? {} : { remindEveryMs }),
    escalate: config['escalate'] !== false,
  };
}

/** A duration in ms; undefined where none is written. */
function duration(config: Readonly<Record<string, unknown>>, amount: string, unit: string): number | undefined {
  const written = text(config[amount]);
  if (written === '') return undefined;
  const ms = Math.round(Number(written) * (UNITS[text(config[unit])] ?? HOUR_MS));
  if (Number.isFinite(ms) && ms > 0) return ms;
  throw wrong(amount, 'give a number above 0, or leave it empty');
}

function wrong(property: string, advice: string): InputError {
  return new InputError('E_CONFIG', `The property "${property}" of this node cannot be used: ${advice}.`, {
    details: { property },
  });
}

/** What the node declares at deploy. A node that is not configured properly says so itself; the deploy of the others goes on. */
export function declaredTerms(config: Readonly<Record<string, unknown>>): { config?: { approval: ApprovalTerms } } {
  try {
    return { config: { approval: termsOf(config) } };
  } catch {
    return {};
  }
}
