import { leadOf } from '../kit/journey';
import type { FlowMessage, NodeKit } from '../kit/node';
import { evaluate } from '../kit/property';
import { startStation } from '../kit/station';
import { shortCount } from '../kit/texts';
import { durationMs, momentOf, UNIT_MS, type DelayUnit } from './due';

/** Holds people until a duration has passed or a moment has come; the due time is fixed when they arrive. */
export function startDelay(kit: NodeKit): void {
  const station = startStation(kit, {
    badge: ({ waiting }) =>
      waiting > 0
        ? { fill: 'yellow', text: 'waiting', values: { shown: shortCount(waiting) } }
        : { fill: 'grey', text: 'idle' },
  });
  const due = dueAt(kit);
  kit.onInput(async (msg) => {
    // The token comes first: a message that carries no person has no time zone to ask for either.
    station.store.journey(msg);
    return station.arrive(msg, await due(msg));
  });
}

function dueAt(kit: NodeKit): (msg: FlowMessage) => Promise<number> | number {
  const { config, clock } = kit;
  if (config.choice('mode', ['duration', 'until'], 'duration') === 'duration') {
    const unit = config.choice<DelayUnit>('unit', Object.keys(UNIT_MS) as DelayUnit[], 'days');
    const duration = durationMs(config.number('amount', { min: 0 }), unit);
    return () => clock.now() + duration;
  }
  const type = config.choice('untilType', ['str', 'msg', 'env'], 'str');
  const until = config.text('until');
  if (type === 'str') momentOf(until);
  return async (msg) => momentOf(await evaluate(kit, until, type, msg), leadOf(msg).timeZone);
}
