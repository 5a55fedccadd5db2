import type { Marketing } from '../../lib';
import { InputError } from '../../lib/errors';
import type { StationCounts } from '../../lib/ledger/types';
import { journeyIn } from '../kit/journey';
import { launchable, registerLauncher } from '../kit/launch';
import { DROPPED, type FlowMessage, type NodeKit } from '../kit/node';
import { startStation } from '../kit/station';
import type { Badge } from '../kit/badge';
import { shortCount } from '../kit/texts';

/** Enters people: all of an audience when a campaign is launched, or one when an event comes. */
export function startTrigger(kit: NodeKit): void {
  const event = kit.config.choice('mode', ['launch', 'event'], 'launch') === 'event';
  const station = startStation(kit, { badge: badgeOf });
  registerLauncher(kit, station.store.hub);
  kit.onInput(async (msg) => {
    const marketing = await station.store.marketing();
    await station.store.hub.deployer.whenReady(kit.closing);
    if (kit.closing.aborted) return DROPPED;
    if (event) await enter(kit, marketing, msg);
    else await launch(kit, marketing, msg);
  });
}

/** Launches the campaign that the message names, or the definition's own. */
async function launch(kit: NodeKit, marketing: Marketing, msg: FlowMessage): Promise<void> {
  const definition = launchable(kit);
  const actor = `node ${kit.title}`;
  const named = campaignKey(msg);
  const campaign =
    named === undefined
      ? await marketing.campaigns.ensure(definition, { actor })
      : await marketing.campaigns.get(named);
  if (campaign.definition !== definition) {
    throw new InputError(
      'E_OTHER_DEFINITION',
      `The campaign "${campaign.key}" belongs to the journey "${campaign.definition}", not to "${definition}". Launch it at its own trigger.`,
    );
  }
  await marketing.campaigns.launch(campaign.key, { actor, approved: msg['approved'] === true });
}

/** A campaign's key in `msg.campaign` (text, or an object with a `key`) or, as text, in `msg.payload`. */
function campaignKey({ campaign, payload }: FlowMessage): string | undefined {
  const key: unknown = typeof campaign === 'object' && campaign !== null ? Reflect.get(campaign, 'key') : campaign;
  if (typeof key === 'string' && key.trim() !== '') return key.trim();
  return typeof payload === 'string' && payload.trim() !== '' ? payload.trim() : undefined;
}

/** Records the event for the lead in `msg.payload`; recording it is what enters the lead. */
async function enter(kit: NodeKit, marketing: Marketing, msg: FlowMessage): Promise<void> {
  const definition = launchable(kit);
  const { payload, eventId, metadata } = msg;
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new InputError(
      'E_LEAD_INPUT',
      'msg.payload must be the lead that the event is about, such as {"email": "ada@example.org"}.',
    );
  }
  await marketing.events.record({
    type: kit.config.text('event'),
    lead: payload as Readonly<Record<string, unknown>>,
    ...(typeof eventId === 'string' || typeof eventId === 'number' ? { eventId: String(eventId) } : {}),
    ...(typeof metadata === 'object' && metadata !== null ? { metadata: metadata as Record<string, unknown> } : {}),
  });
  // Somebody who was on another journey leaves it here, as drawn.
  const journey = journeyIn(msg, marketing.tenant);
  if (journey) await marketing.ledger.end(journey, `went on to ${definition}`);
}

function badgeOf({ waiting, entered = 0, released = 0 }: StationCounts): Badge {
  const through = Math.max(entered, released);
  if (waiting > 0) return { fill: 'blue', text: 'waiting', values: { shown: shortCount(waiting) } };
  return through > 0
    ? { fill: 'green', text: 'entered', values: { shown: shortCount(through) } }
    : { fill: 'grey', text: 'idle' };
}
