import type { IANAZone } from 'luxon';
import { zoneOf } from '../calendar';
import type { GateVerdict, SendCandidate, SendGate } from '../sending';
import type { Scope } from '../store';
import { cappedBy, countsAllChannels, lookBackOf, messagesOf, type CountedMessage } from './caps';
import { intervalOf } from './effective';
import { heldUntil } from './holding';
import { tickOf, type Pace } from './pace';
import { lockPaces, nameOfPace, writePaces, type PaceKey } from './pace-rows';
import { rulesOf } from './read';
import type { EffectiveRules } from './types';

/** Why somebody waits, as it stands on their step. */
export const WAITS = { pace: 'throttle', closed: 'quiet_hours', capped: 'frequency_cap' } as const;

/** Rules that leave no open time are looked at again after so long, ms; a change of them has everybody asked at once. */
const NEVER_OPEN_MS = 3_600_000;

interface Governed extends SendCandidate {
  readonly rules: EffectiveRules;
  /** Names of the paces that it keeps to. */
  readonly paces: readonly (PaceKey & { intervalMs: number })[];
}

/**
 * The send rules' say in the transaction that marks messages `sending`: quiet hours and windows where the lead is, then caps, then
 * paces. A turn and an open time are picked together, so nobody waits for a turn that falls into their night.
 *
 * Costs a statement for the rules; where there are some, one for the leads, one for their messages and two for the paces, per group.
 */
export class PacingGate implements SendGate {
  async check(tx: Scope, candidates: readonly SendCandidate[]): Promise<ReadonlyMap<number, GateVerdict>> {
    const rules = await rulesOf(
      tx,
      candidates.map(({ step }) => step.campaign),
    );
    const governed = candidates.flatMap((candidate) => {
      const its = rules.get(candidate.step.campaign);
      return its ? [{ ...candidate, rules: its, paces: pacesOf(candidate, its) }] : [];
    });
    const leads = await whereabouts(tx, governed.filter(needsLead));
    const messages = await countMessages(tx, governed);
    const paces = await openPaces(tx, governed);
    const verdicts = new Map<number, GateVerdict>();
    for (const one of governed) {
      const own = messages.get(one.step.lead) ?? [];
      const verdict = judge(one, { now: tx.clock.now(), zone: leads.get(one.step.lead), messages: own, paces });
      if (verdict) verdicts.set(one.step.id, verdict);
      else messages.set(one.step.lead, [...own, countedAs(one, tx.clock.now())]);
    }
    await writePaces(
      tx,
      [...new Map(governed.flatMap((one) => one.paces).map((key) => [nameOfPace(key), key])).entries()].flatMap(
        ([name, key]) => {
          const pace = paces.get(name);
          return pace ? [{ ...key, pace }] : [];
        },
      ),
    );
    return verdicts;
  }
}

interface Circumstances {
  readonly now: number;
  readonly zone: IANAZone | undefined;
  readonly messages: readonly CountedMessage[];
  readonly paces: ReadonlyMap<string, Pace>;
}

function judge(one: Governed, { now, zone, messages, paces }: Circumstances): GateVerdict | undefined {
  const { rules, step, channel } = one;
  if (rules.neverOpen) return { kind: 'later', at: now + NEVER_OPEN_MS, reason: WAITS.closed };
  const held = heldAt(now, one, zone);
  if (held !== undefined) return { kind: 'later', at: held, reason: WAITS.closed };
  const capped = cappedBy(rules, { campaign: step.campaign, enrollment: step.enrollment, channel }, messages, now);
  if (capped) {
    if (rules.whenCapped === 'skip') return { kind: 'suppress', reason: WAITS.capped, detail: capped.detail };
    const until = Math.max(capped.until, now + 1);
    return { kind: 'later', at: heldAt(until, one, zone) ?? until, reason: WAITS.capped };
  }
  const own = one.paces.flatMap((key) => paces.get(nameOfPace(key)) ?? []);
  // Whoever has waited here (for their turn, for the morning, for another try) is not the last to come.
  const lined = rules.transactional || step.dueAt > step.createdAt;
  if (own.every((pace) => pace.mayGo(now, { lined }))) {
    for (const pace of own) pace.go(now);
    return undefined;
  }
  return lineUp(one, own, now, zone);
}

/** A place in the line that is the longest; the others are not kept waiting by it. */
function lineUp(one: Governed, paces: readonly Pace[], now: number, zone: IANAZone | undefined): GateVerdict {
  let turn = now;
  let longest: Pace | undefined;
  for (const pace of paces) {
    const its = pace.turn(now);
    if (longest && its <= turn) continue;
    turn = its;
    longest = pace;
  }
  const at = tickOf(turn);
  const held = heldAt(at, one, zone);
  if (held !== undefined) return { kind: 'later', at: held, reason: WAITS.closed };
  longest?.lineUp(turn);
  return { kind: 'later', at: Math.max(at, now + 1), reason: WAITS.pace };
}

function heldAt(moment: number, { rules, step }: Governed, zone: IANAZone | undefined): number | undefined {
  const { calendar, releaseMs } = rules;
  return calendar && zone ? heldUntil(moment, zone, calendar, { releaseMs, lead: step.lead }) : undefined;
}

function pacesOf({ step, channel, account }: SendCandidate, rules: EffectiveRules): Governed['paces'] {
  const { channels, accounts, total } = rules.shared;
  return [
    { campaign: step.campaign, key: '', intervalMs: rules.intervalMs },
    { campaign: 0, key: `account ${account}`.slice(0, 160), intervalMs: intervalOf(named(accounts, account)) },
    { campaign: 0, key: `channel ${channel}`, intervalMs: intervalOf(named(channels, channel)) },
    { campaign: 0, key: 'all', intervalMs: intervalOf(total) },
  ].filter(({ intervalMs }) => intervalMs > 0);
}

function named<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}

function needsLead({ rules, channel }: Governed): boolean {
  return rules.calendar !== undefined || lookBackOf(rules, channel) > 0;
}

/** The zones of leads, who are locked: two messages of one lead are counted one after the other, whoever sends them. */
async function whereabouts(tx: Scope, governed: readonly Governed[]): Promise<Map<number, IANAZone>> {
  // On SQLite there is one writer at a time: nobody has to be locked.
  if (tx.dialect.name === 'sqlite' && governed.every(({ rules }) => rules.calendar === undefined)) return new Map();
  const leads = [...new Set(governed.map(({ step }) => step.lead))].sort((a, b) => a - b);
  if (leads.length === 0) return new Map();
  const { dialect } = tx;
  const rows = await tx.all<{ id: number; time_zone: string | null; country: string | null }>(
    `SELECT l.id, l.time_zone, l.country FROM ${dialect.rows('rows', { lead: 'int' }, 'r')}
     ${dialect.join} marketing_leads l ON l.id = r.lead AND l.tenant_id = :tenant
     ${dialect.name === 'postgres' ? 'ORDER BY l.id FOR UPDATE OF l' : dialect.forUpdate}`,
    { rows: JSON.stringify(leads.map((id) => [id])) },
  );
  const timeZone = governed.find(({ rules }) => rules.timeZone !== undefined)?.rules.timeZone;
  return new Map(
    rows.map(({ id, time_zone, country }) => [id, zoneOf({ timeZone: time_zone, country }, timeZone).zone]),
  );
}

async function countMessages(tx: Scope, governed: readonly Governed[]): Promise<Map<number, CountedMessage[]>> {
  const channel = governed[0]?.channel ?? '';
  const capped = governed.filter(({ rules }) => lookBackOf(rules, channel) > 0);
  if (capped.length === 0) return new Map();
  const lookBack = Math.max(...capped.map(({ rules }) => lookBackOf(rules, channel)));
  return messagesOf(
    tx,
    capped.map(({ step }) => step.lead),
    {
      since: tx.clock.now() - lookBack,
      steps: new Set(governed.map(({ step }) => step.id)),
      ...(capped.some(({ rules }) => countsAllChannels(rules, channel)) ? {} : { channel }),
    },
  );
}

function countedAs({ step, channel, rules }: Governed, at: number): CountedMessage {
  return { campaign: step.campaign, enrollment: step.enrollment, channel, category: rules.category, at };
}

async function openPaces(tx: Scope, governed: readonly Governed[]): Promise<Map<string, Pace>> {
  const wanted = new Map(governed.flatMap(({ paces }) => paces.map((pace) => [nameOfPace(pace), pace])));
  return wanted.size === 0 ? new Map() : lockPaces(tx, [...wanted.values()]);
}
