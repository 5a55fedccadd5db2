import { InputError } from '../errors';
import type { LeadChange } from '../leads';
import type { Scope } from '../store';
import type { ScoredEvent } from './asked';
import { decayOf } from './decay';
import { lockScores, moveScores } from './move';
import { knownPoints, writePoints, type Points } from './points';
import { settlePoints } from './set-scores';
import type { ScoreRequest } from './types';

/** What requests need of the service. */
interface Hands {
  /** Gives what rules have for events. */
  give(events: readonly ScoredEvent[]): Promise<void>;
  /** Tells of scores that moved. */
  moved(changes: readonly LeadChange[]): Promise<void>;
  wake(due: number): void;
}

/** See `Scoring.apply`. Requests about the same lead are done one after the other, in their order. */
export async function applyRequests(
  tx: Scope,
  requests: readonly ScoreRequest[],
  hands: Hands,
): Promise<Map<number, number>> {
  requests.forEach(check);
  const leads = requests.map(({ lead }) => lead);
  await lockScores(tx, leads);
  const known = await knownPoints(
    tx,
    requests.map(({ key }) => ({ rule: 0, eventId: key })),
  );
  const seen = new Set<string>();
  let open = requests.filter(({ key }) => {
    if (known.has(`0 ${key}`) || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  while (open.length > 0) {
    const taken = new Set<number>();
    const round = open.filter(({ lead }) => !taken.has(lead) && taken.add(lead));
    open = open.filter((request) => !round.includes(request));
    await applyRound(tx, round, hands);
  }
  return lockScores(tx, leads);
}

/** One request per lead. */
async function applyRound(tx: Scope, all: readonly ScoreRequest[], hands: Hands): Promise<void> {
  const scores = await lockScores(
    tx,
    all.map(({ lead }) => lead),
  );
  const round = all.filter(({ lead }) => scores.has(lead));
  const now = tx.clock.now();
  const points: Points[] = [];
  const deltas = new Map<number, number>();
  const setting: number[] = [];
  const events: ScoredEvent[] = [];
  for (const { lead, key, source, action } of round) {
    const base = { lead, rule: 0, version: 0, eventId: key, event: 'node', source, at: now };
    switch (action.kind) {
      case 'add': {
        const decay = decayOf(action.decay);
        points.push({ ...base, given: action.points, ...(decay ? { decay } : {}), live: true });
        break;
      }
      case 'set': {
        const given = action.score - (scores.get(lead) ?? 0);
        setting.push(lead);
        deltas.set(lead, given);
        points.push({ ...base, event: 'set', given, live: false });
        break;
      }
      case 'event':
        // The row is what makes it one; the rules' points have rows of their own.
        points.push({ ...base, given: 0, live: false });
        events.push({ leadId: lead, type: action.event, eventId: key, at: now, metadata: {}, machine: false });
        break;
    }
  }
  await settlePoints(tx, setting);
  const written = await writePoints(tx, points);
  for (const [lead, delta] of written.deltas) deltas.set(lead, (deltas.get(lead) ?? 0) + delta);
  if (written.due !== undefined) hands.wake(written.due);
  await hands.moved(await moveScores(tx, scores, deltas));
  await hands.give(events);
}

function check({ action }: ScoreRequest): void {
  if (action.kind === 'event') return;
  const amount = action.kind === 'add' ? action.points : action.score;
  if (Number.isFinite(amount) && Math.abs(amount) <= 1e9) return;
  throw new InputError('E_SCORE_POINTS', 'Points and scores are numbers from -1,000,000,000 to 1,000,000,000.');
}
