import type { Scope } from '../store';
import type { ReadyRule } from './book';
import { standing } from './decay';
import { givenWithin, periodOf, roomKey, type CapRoom, type Points } from './points';

/** An event that a rule gives points for, as far as points are concerned. */
export interface Due {
  readonly ready: ReadyRule;
  readonly lead: number;
  readonly eventId: string;
  readonly event: string;
  readonly at: number;
}

/**
 * The points that are given, no more than caps allow: the last event before a cap gives what is left of it, the next ones
 * nothing. In the order of the list.
 * @param startFresh true: what the database holds does not count (it is about to be replaced)
 */
export async function withinCaps(tx: Scope, list: readonly Due[], { startFresh = false } = {}): Promise<Points[]> {
  const now = tx.clock.now();
  const rooms = new Map<string, CapRoom>();
  for (const one of list) {
    const room = roomOf(one);
    if (room) rooms.set(roomKey(room), room);
  }
  const used = startFresh
    ? new Map<string, { given: number; live: number }>()
    : await givenWithin(tx, [...rooms.values()]);
  return list.flatMap((one): Points[] => {
    const { ready, lead, eventId, event, at } = one;
    const { rule, decay } = ready;
    const room = roomOf(one);
    let given = rule.points;
    if (room && rule.cap) {
      const key = roomKey(room);
      const before = used.get(key) ?? { given: 0, live: 0 };
      const taken = Math.abs(rule.cap.per === 'total' ? before.live : before.given);
      given = Math.sign(rule.points) * Math.min(Math.abs(rule.points), Math.max(0, rule.cap.points - taken));
      used.set(key, { given: before.given + given, live: before.live + standing(given, at, decay, now).live });
    }
    if (given === 0) return [];
    return [
      {
        lead,
        rule: rule.id,
        version: rule.version,
        eventId,
        event,
        given,
        at,
        ...(decay ? { decay } : {}),
        live: true,
      },
    ];
  });
}

function roomOf({ ready: { rule }, lead, at }: Due): CapRoom | undefined {
  return rule.cap && { lead, rule: rule.id, ...periodOf(rule.cap.per, at) };
}
