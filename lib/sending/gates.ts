import type { LeasedStep } from '../ledger';
import type { Scope } from '../store';
import type { PricedOutcome } from './messages';

/** A message that is about to be marked `sending`. */
export interface SendCandidate {
  readonly step: LeasedStep;
  readonly channel: string;
  /** Key of the sending account. */
  readonly account: string;
  /** Variant of an experiment; empty: none. */
  readonly variant: string;
  /** What it costs by the tenant's prices, in millionths of the currency's unit. */
  readonly costMicros: number;
}

/** What a gate has against a message. */
export type GateVerdict =
  /** Not at all: out through the output "suppressed". */
  | { readonly kind: 'suppress'; readonly reason: string; readonly detail: string }
  /** Not now: asked again at `at` (ms). Nobody is charged a try. */
  | { readonly kind: 'later'; readonly at: number; readonly reason: string }
  /** The campaign is about to stop: back into the queue as it was. */
  | { readonly kind: 'stop' };

/**
 * Something that has a say before a message leaves, besides consent: budgets, caps, quiet hours, control groups. All gates are asked in
 * the transaction that marks messages `sending`, one after another, each about those whom the ones before let through; what
 * one writes there (a reservation) is written only if that transaction commits.
 */
export interface SendGate {
  /** Those against whom something stands, by step. Who is absent may pass. */
  check(tx: Scope, candidates: readonly SendCandidate[]): Promise<ReadonlyMap<number, GateVerdict>>;
  /**
   * Told in the transaction that writes what became of messages that were marked `sending`, before that is written; of those
   * marked in this process only. A message that a crash left in doubt is told when it is tried again or decided.
   */
  settled?(tx: Scope, channel: string, outcomes: readonly PricedOutcome[]): Promise<void>;
}

/** Asks all gates. @returns the first verdict against each, by step */
export async function askGates(
  tx: Scope,
  gates: readonly SendGate[],
  candidates: readonly SendCandidate[],
): Promise<Map<number, GateVerdict>> {
  const verdicts = new Map<number, GateVerdict>();
  let passing = candidates;
  for (const gate of gates) {
    if (passing.length === 0) break;
    for (const [step, verdict] of await gate.check(tx, passing)) verdicts.set(step, verdict);
    passing = passing.filter(({ step }) => !verdicts.has(step.id));
  }
  return verdicts;
}
