import { isRecord, Problems } from '../../campaigns';
import { ConflictError, MarketingError, messageOf } from '../../errors';
import { isSamePerson } from '../delegation';
import { DEFAULT_QUORUM, strategyNamed, votesNeeded } from './strategies';
import type { ApprovalTerms, Approver } from './types';

const MOST_SEATS = 50;
const MOST_EMAILS = 20;
const SHORTEST_MS = 1_000;
const LONGEST_MS = 5 * 366 * 86_400_000;
const QUORUM = /^\s*\d{1,4}\s*((\/|of)\s*\d{1,4}\s*)?$/;
const EMAIL = /^[^\s@<>,;"]{1,64}@[^\s@<>,;"]{1,255}$/;

/** A seat before anybody has voted. */
export interface EmptySeat {
  readonly kind: Approver['kind'];
  readonly approver: string;
  readonly team?: string;
  readonly emails?: readonly string[];
}

/** Terms that were checked, with nothing left open. */
export interface SettledTerms {
  readonly seats: readonly EmptySeat[];
  readonly strategy: string;
  readonly quorum?: string;
  readonly timeoutMs?: number;
  readonly remindEveryMs?: number;
  readonly escalates: boolean;
}

const WHOEVER_MAY: Approver = { kind: 'role', approver: 'approver' };

/** @throws InputError `E_APPROVAL_TERMS` with paths */
export function checkTerms(terms: ApprovalTerms): void {
  const problems = new Problems();
  if (!isRecord(terms)) problems.add('', 'must be an object');
  else {
    problems.only(terms, ['approvers', 'strategy', 'quorum', 'timeoutMs', 'remindEveryMs', 'escalate'], '');
    const { approvers, strategy, quorum, timeoutMs, remindEveryMs, escalate } = terms;
    if (approvers !== undefined) checkApprovers(problems, approvers);
    if (strategy !== undefined) {
      try {
        strategyNamed(typeof strategy === 'string' ? strategy : '');
      } catch (error) {
        problems.add('/strategy', messageOf(error).replace(/\.$/, ''));
      }
    }
    if (quorum !== undefined && (typeof quorum !== 'string' || !QUORUM.test(quorum))) {
      problems.add('/quorum', 'is 2/3, 3/4, or how many have to approve');
    }
    for (const [name, value] of Object.entries({ timeoutMs, remindEveryMs })) {
      if (value === undefined) continue;
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < SHORTEST_MS || value > LONGEST_MS) {
        problems.add(`/${name}`, 'is a whole number of milliseconds: a second to five years');
      }
    }
    if (escalate !== undefined && typeof escalate !== 'boolean') problems.add('/escalate', 'is true or false');
  }
  problems.refuse('E_APPROVAL_TERMS', 'These terms of an approval cannot be used');
}

function checkApprovers(problems: Problems, approvers: unknown): void {
  if (!Array.isArray(approvers) || approvers.length === 0 || approvers.length > MOST_SEATS) {
    return problems.add('/approvers', `is a list of 1 to ${MOST_SEATS}`);
  }
  approvers.forEach((one: unknown, place) => {
    const path = `/approvers/${place}`;
    if (!isRecord(one)) return problems.add(path, 'is an object with kind and approver');
    problems.only(one, ['kind', 'approver', 'members', 'emails'], path);
    const { kind, approver, members, emails } = one;
    if (kind !== 'user' && kind !== 'role' && kind !== 'team') problems.add(`${path}/kind`, 'is user, role or team');
    checkName(problems, approver, `${path}/approver`);
    if (members !== undefined) {
      if (kind !== 'team') problems.add(`${path}/members`, 'are of teams');
      if (!Array.isArray(members) || members.length === 0) problems.add(`${path}/members`, 'is a list of users');
      else members.forEach((name: unknown, at) => checkName(problems, name, `${path}/members/${at}`));
    }
    if (emails === undefined) return;
    const fine = (email: unknown): boolean => typeof email === 'string' && EMAIL.test(email);
    if (!Array.isArray(emails) || emails.length > MOST_EMAILS || !emails.every(fine)) {
      problems.add(`${path}/emails`, `is a list of at most ${MOST_EMAILS} addresses`);
    }
  });
}

function checkName(problems: Problems, value: unknown, path: string): void {
  if (typeof value !== 'string' || value.trim() === '' || value.length > 128) {
    problems.add(path, 'must be a text of 1 to 128 characters');
  } else problems.storable(value, path);
}

/**
 * Who is asked, without those who are barred, each once.
 * @param strict whether naming somebody who is barred is a mistake; else they are left out, and with nobody left the role `approver` is asked
 * @throws ConflictError `E_APPROVAL_SELF`; InputError `E_APPROVAL_TERMS`, `E_APPROVAL_QUORUM`
 */
export function settleTerms(terms: ApprovalTerms, barred: readonly string[], strict: boolean): SettledTerms {
  checkTerms(terms);
  const strategy = strategyNamed(terms.strategy ?? 'single').name;
  const isBarred = ({ kind, approver }: EmptySeat): boolean =>
    kind === 'user' && barred.some((name) => isSamePerson(name, approver));
  const named = (terms.approvers ?? [WHOEVER_MAY]).flatMap(seatsOf);
  const own = named.find(isBarred);
  if (own && strict) {
    throw new ConflictError(
      'E_APPROVAL_SELF',
      `Nobody approves their own campaign: ${own.approver} owns it, made it or asks for the approval. Name others.`,
      { details: { approver: own.approver } },
    );
  }
  const seats = distinct(named.filter((seat) => !isBarred(seat)));
  if (seats.length === 0) seats.push(WHOEVER_MAY);
  mustBeFew(seats);
  const quorum = strategy === 'quorum' ? quorumFor(terms.quorum ?? DEFAULT_QUORUM, seats.length, strict) : terms.quorum;
  return {
    seats,
    strategy,
    ...(quorum === undefined ? {} : { quorum }),
    ...(terms.timeoutMs === undefined ? {} : { timeoutMs: terms.timeoutMs }),
    ...(terms.remindEveryMs === undefined ? {} : { remindEveryMs: terms.remindEveryMs }),
    escalates: terms.escalate ?? true,
  };
}

/** With fewer to ask than were named, all of those who are left make up the quorum. */
function quorumFor(written: string, seats: number, strict: boolean): string {
  try {
    votesNeeded(written, seats);
    return written;
  } catch (error) {
    if (strict || !(error instanceof MarketingError)) throw error;
    return String(seats);
  }
}

function seatsOf({ kind, approver, members, emails = [] }: Approver): EmptySeat[] {
  const to = emails.length === 0 ? {} : { emails };
  if (kind !== 'team' || members === undefined) return [{ kind, approver: approver.trim(), ...to }];
  return members.map((member) => ({ kind: 'user', approver: member.trim(), team: approver, ...to }));
}

function distinct(seats: readonly EmptySeat[]): EmptySeat[] {
  const isSame = (one: EmptySeat, other: EmptySeat): boolean =>
    one.kind === other.kind && isSamePerson(one.approver, other.approver);
  return seats.filter((seat, place) => seats.findIndex((other) => isSame(seat, other)) === place);
}

/** @throws InputError `E_APPROVAL_TERMS` */
function mustBeFew(seats: readonly EmptySeat[]): void {
  if (seats.length <= MOST_SEATS) return;
  const problems = new Problems();
  problems.add('/approvers', `have at most ${MOST_SEATS} votes`);
  problems.refuse('E_APPROVAL_TERMS', 'These terms of an approval cannot be used');
}
