import { InputError, MarketingError } from '../../errors';
import type { Seat } from './types';

/** What a strategy decides on. */
export interface ApprovalTally {
  readonly seats: readonly Pick<Seat, 'kind' | 'approver' | 'team' | 'decision' | 'votedBy'>[];
  readonly approvals: number;
  readonly rejections: number;
  /** Seats without a vote. */
  readonly open: number;
  /** How many have to approve, as the request says it. */
  readonly quorum?: string;
}

/** What follows from the votes so far. */
export type Verdict = 'approved' | 'rejected' | 'pending';

/**
 * Decides whether a request can proceed (FR-EXT-003). Asked after each vote, with the votes so far as if they stood: as soon as the
 * others cannot change the outcome, it should be said.
 */
export interface ApprovalStrategy {
  readonly name: string;
  /** No side effects: it may be asked again. */
  canProceed(state: ApprovalTally): Verdict;
}

const reachable = (needed: number, { approvals, open }: ApprovalTally): Verdict => {
  if (approvals >= needed) return 'approved';
  return approvals + open < needed ? 'rejected' : 'pending';
};

/** All have to approve. */
const unanimous: ApprovalStrategy = {
  name: 'unanimous',
  canProceed: (state) => reachable(state.seats.length, state),
};
/** More than half have to approve; a tie is none. */
const majority: ApprovalStrategy = {
  name: 'majority',
  canProceed: (state) => reachable(Math.floor(state.seats.length / 2) + 1, state),
};
const quorum: ApprovalStrategy = {
  name: 'quorum',
  canProceed: (state) => reachable(votesNeeded(state.quorum ?? DEFAULT_QUORUM, state.seats.length), state),
};
/** The first vote decides, either way. */
const single: ApprovalStrategy = {
  name: 'single',
  canProceed: ({ approvals, rejections }) => (approvals > 0 ? 'approved' : rejections > 0 ? 'rejected' : 'pending'),
};

/** Where a request does not say how many. */
export const DEFAULT_QUORUM = '2/3';

const registered = new Map<string, ApprovalStrategy>(
  [unanimous, majority, quorum, single].map((strategy) => [strategy.name, strategy]),
);
const BUILT_IN: ReadonlySet<string> = new Set(registered.keys());
/** The requirement texts' other words. */
const ALIASES: Readonly<Record<string, string>> = { unison: 'unanimous', all: 'unanimous', any: 'single' };

/**
 * Adds a strategy under its name; the returned function takes it away. Requests name it, so register it in every process before they
 * are voted on. @throws InputError `E_APPROVAL_STRATEGY` for a name that is taken or cannot be used
 */
export function registerApprovalStrategy(strategy: ApprovalStrategy): () => void {
  const { name } = strategy;
  if (!/^[a-z][a-z0-9_-]{0,63}$/.test(name) || registered.has(name) || Object.hasOwn(ALIASES, name)) {
    throw new InputError('E_APPROVAL_STRATEGY', `"${name}" cannot be the name of a strategy, or is one already.`);
  }
  registered.set(name, strategy);
  return () => void (!BUILT_IN.has(name) && registered.get(name) === strategy && registered.delete(name));
}

/** The strategy's own name, whatever it was called. @throws InputError `E_APPROVAL_STRATEGY` */
export function strategyNamed(name: string): ApprovalStrategy {
  const own = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  const strategy = registered.get(own ?? '');
  if (strategy) return strategy;
  throw new InputError(
    'E_APPROVAL_STRATEGY',
    `There is no strategy "${name.slice(0, 64)}": use ${[...registered.keys()].join(', ')}, or register it.`,
  );
}

/**
 * How many of the seats have to approve: `2/3` is at least two thirds of them, rounded up; `2` and `2 of 3` are two.
 * @throws InputError `E_APPROVAL_QUORUM` for what says nothing of the kind, or more than there are
 */
export function votesNeeded(written: string, seats: number): number {
  const [, first = '', word = '', second = ''] = /^\s*(\d{1,4})\s*(?:(\/|of)\s*(\d{1,4})\s*)?$/.exec(written) ?? [];
  const [many, of] = [Number(first), Number(second)];
  const share = word === '/' && many <= of ? Math.ceil((seats * many) / of) : undefined;
  const needed = share ?? (word === '' || (word === 'of' && of === seats) ? many : 0);
  if (first !== '' && many > 0 && needed > 0 && needed <= seats) return needed;
  throw new InputError(
    'E_APPROVAL_QUORUM',
    `"${written.slice(0, 32)}" is no quorum of ${seats}: write 2/3, 3/4, or how many of them have to approve.`,
  );
}

/** What the votes so far amount to. @throws MarketingError `E_APPROVAL_STRATEGY_BROKEN` when a program's strategy says something else */
export function verdictOf(strategy: string, seats: ApprovalTally['seats'], quorumWritten?: string): Verdict {
  const count = (decision: Seat['decision']): number => seats.filter((seat) => seat.decision === decision).length;
  const verdict: unknown = strategyNamed(strategy).canProceed({
    seats,
    approvals: count('approve'),
    rejections: count('reject'),
    open: count(undefined),
    ...(quorumWritten === undefined ? {} : { quorum: quorumWritten }),
  });
  if (verdict === 'approved' || verdict === 'rejected' || verdict === 'pending') return verdict;
  throw new MarketingError(
    'E_APPROVAL_STRATEGY_BROKEN',
    `The strategy "${strategy}" has to answer approved, rejected or pending, and answered something else.`,
  );
}
