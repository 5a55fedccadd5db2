import { enrollEach, type Entering } from '../ledger';
import { lockLeads } from '../leads';
import type { Scope } from '../store';
import type { Decision } from '../types';
import { Judge, type JudgeDeps, type Verdict } from './judge';
import { asksForStanding, entering, keptOut, STRANGER, type Standing } from './reentry';
import { writeRefusals, type Refused } from './refusals';
import { knownCauses, lockLastEntry, noteEntry, pairKey, standings } from './standing';
import type { Candidate, Entrance, RefusalReason } from './types';

/** Those for whom an entrance is open. */
export interface Coming {
  readonly entrance: Entrance;
  readonly candidates: readonly Candidate[];
}

/** How to admit. */
export interface AdmitOptions {
  /** The leads' rows are locked already. */
  readonly locked?: boolean;
  /** The same cause may come again and is then nothing new: neither an entry nor a refusal. */
  readonly repeats?: boolean;
}

/** Somebody under consideration. */
interface Case {
  readonly entrance: Entrance;
  readonly candidate: Candidate;
  readonly verdict: Verdict;
}

/**
 * Lets people in, or not, in the caller's transaction. Of one lead whose causes come at the same moment, in this list or in another
 * transaction, the later one sees the earlier entry: the lead's row is locked before its enrollments are looked at.
 * @returns those who came in
 */
export async function admit(
  tx: Scope,
  deps: JudgeDeps,
  coming: readonly Coming[],
  { locked = false, repeats = false }: AdmitOptions = {},
): Promise<Entering[]> {
  const now = tx.clock.now();
  const asked = coming.filter(({ candidates }) => candidates.length > 0);
  const needsLock = repeats || asked.some(({ entrance: { config } }) => asksForStanding(config));
  if (needsLock && !locked) {
    await lockLeads(
      tx,
      asked.flatMap(({ candidates }) => candidates.map(({ lead }) => lead)),
    );
  }
  const fresh = repeats ? await withoutKnown(tx, asked) : asked;
  const judge = new Judge(tx, deps);
  const refused: Refused[] = [];
  const cases: Case[] = [];
  const refuse = ({ entrance, candidate, verdict }: Case, reason: RefusalReason): void => {
    if (candidate.tentative) return;
    const { lead, key } = candidate;
    refused.push({ entrance, lead, cause: key, reason, ...(verdict.saw ? { saw: verdict.saw } : {}) });
  };
  for (const { entrance, candidates } of fresh) {
    const verdicts = await judge.judge(entrance, candidates);
    for (const [index, candidate] of candidates.entries()) {
      const one = { entrance, candidate, verdict: verdicts[index] ?? {} };
      const reason = candidate.machine ? 'machine' : one.verdict.refused;
      if (reason) refuse(one, reason);
      else cases.push(one);
    }
  }
  const passed = await byRules(tx, cases, refuse, now);
  const entered = await enrollEach(
    tx,
    passed.map((one) => enteringOf(one, now)),
    now,
  );
  await writeRefusals(tx, refused, now);
  return entered;
}

/** Who keeps to re-entry, frequency and cooldown. One after another, so that two causes of one lead count as two. */
async function byRules(
  tx: Scope,
  cases: readonly Case[],
  refuse: (one: Case, reason: RefusalReason) => void,
  now: number,
): Promise<Case[]> {
  const asking = cases.filter(({ entrance: { config } }) => asksForStanding(config));
  const known = await standings(
    tx,
    asking.map(({ entrance: { campaign }, candidate: { lead } }) => ({ campaign, lead })),
  );
  const lastEntries = await lastEntriesOf(tx, cases);
  const passed: Case[] = [];
  const entries = new Map<string, Entrance>();
  for (const one of cases) {
    const { campaign, station, config } = one.entrance;
    const name = pairKey({ campaign, lead: one.candidate.lead });
    const standing: Standing = known.get(name) ?? STRANGER;
    const place = `${campaign} ${station}`;
    const last = lastEntries.get(place);
    const { campaignMs } = config.cooldown;
    const reason =
      keptOut(config, standing, now) ??
      (campaignMs !== undefined && last !== undefined && now - last < campaignMs ? 'cooldown' : undefined);
    if (reason) {
      refuse(one, reason);
      continue;
    }
    passed.push(one);
    known.set(name, entering(standing, now));
    if (campaignMs !== undefined) {
      lastEntries.set(place, now);
      entries.set(place, one.entrance);
    }
  }
  for (const entrance of entries.values()) await noteEntry(tx, entrance, now);
  return passed;
}

/** When triggers with a cooldown of the whole campaign last let somebody in; locked, in one order for everybody. */
async function lastEntriesOf(tx: Scope, cases: readonly Case[]): Promise<Map<string, number>> {
  const places = new Map<string, Entrance>();
  for (const { entrance } of cases)
    if (entrance.config.cooldown.campaignMs !== undefined)
      places.set(`${entrance.campaign} ${entrance.station}`, entrance);
  const found = new Map<string, number>();
  const inOrder = [...places].sort(([, a], [, b]) => a.campaign - b.campaign || a.station - b.station);
  for (const [place, { campaign, station }] of inOrder) {
    const last = await lockLastEntry(tx, { campaign, station });
    if (last !== undefined) found.set(place, last);
  }
  return found;
}

async function withoutKnown(tx: Scope, coming: readonly Coming[]): Promise<Coming[]> {
  const causes = coming.flatMap(({ entrance: { campaign }, candidates }) =>
    candidates.map(({ lead, key }) => ({ campaign, lead, key })),
  );
  const known = await knownCauses(tx, causes);
  return coming.map(({ entrance, candidates }) => ({
    entrance,
    candidates: candidates.filter(
      ({ lead, key }) => !known.has(`${pairKey({ campaign: entrance.campaign, lead })} ${key}`),
    ),
  }));
}

function enteringOf({ entrance, candidate, verdict }: Case, now: number): Entering {
  const { campaign, run, station, config } = entrance;
  const decision = decisionOf(entrance, verdict);
  return {
    ...{ campaign, run, station },
    lead: candidate.lead,
    key: candidate.key,
    dueAt: Math.max(now, candidate.from ?? now) + config.delayMs,
    ...(decision ? { decision } : {}),
  };
}

/** What is kept of why somebody was let in: only where there was something to decide. */
function decisionOf({ step, config: { condition } }: Entrance, { saw }: Verdict): Decision | undefined {
  if (condition === undefined) return undefined;
  return {
    node: step,
    kind: 'trigger',
    outcome: 'entered',
    because: condition.length > 120 ? `${condition.slice(0, 119)}…` : condition,
    ...(saw ? { saw } : {}),
  };
}
