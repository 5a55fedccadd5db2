import type { Marketing } from '../../lib';
import { codeOf, InputError } from '../../lib/errors';
import type { StationCounts } from '../../lib/ledger/types';
import { triggerContract } from '../../lib/triggers';
import type { Badge } from '../kit/badge';
import { putUpEndpoint } from '../kit/inbound';
import { journeyIn } from '../kit/journey';
import { launchable, registerLauncher } from '../kit/launch';
import { DROPPED, type FlowMessage, type NodeKit } from '../kit/node';
import { startStation } from '../kit/station';
import { shortCount } from '../kit/texts';
import { watcher } from './custom';
import { endpointOf } from './endpoint';
import { MODES, triggerRules } from './rules';

/** Enters people: all of an audience when a campaign is launched, or each by itself when something happens. */
export function startTrigger(kit: NodeKit): void {
  const mode = kit.config.choice('mode', MODES, 'launch');
  const rules = triggerRules(kit.saved);
  const { listens } = rules;
  const watch = listens.on === 'custom' ? watcher(kit, () => station.store, listens) : undefined;
  const station = startStation(kit, {
    badge: badgeOf,
    faultBadge,
    verify: async (marketing) => {
      if (rules.condition !== undefined) await marketing.conditions.compileForEvent(rules.condition);
      if (listens.on === 'segment') await marketing.segments.get(listens.segment);
      if (listens.on === 'date') await mustBeDate(marketing, listens.attribute);
      if (listens.on === 'custom') triggerContract(listens.contract).validate?.(listens.options);
    },
    ...(watch ? { deployed: watch } : {}),
  });
  if (mode === 'webhook') {
    const key = kit.config.text('webhookKey');
    if (!/^[\w-]{16,64}$/.test(key))
      throw new InputError('E_CONFIG', `${kit.title} has no inbound address yet. Open it once, and deploy.`);
    putUpEndpoint(
      kit,
      station.store.hub.httpPath,
      key,
      endpointOf(kit, () => station.store.marketing()),
    );
  }
  registerLauncher(kit, station.store.hub);
  kit.onInput(async (msg) => {
    const marketing = await station.store.marketing();
    await station.store.hub.deployer.whenReady(kit.closing);
    if (kit.closing.aborted) return DROPPED;
    if (mode === 'launch') await launch(kit, marketing, msg);
    else await enter(kit, marketing, msg, 'event' in listens ? listens.event : undefined);
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

/**
 * Lets in the lead in `msg.payload`, by the trigger's rules: by recording its event, or, where it listens to something else, by hand.
 */
async function enter(kit: NodeKit, marketing: Marketing, msg: FlowMessage, event: string | undefined): Promise<void> {
  const definition = launchable(kit);
  const { payload, eventId, metadata } = msg;
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new InputError(
      'E_LEAD_INPUT',
      'msg.payload must be the lead that the event is about, such as {"email": "ada@example.org"}.',
    );
  }
  const lead = payload as Readonly<Record<string, unknown>>;
  const id = typeof eventId === 'string' || typeof eventId === 'number' ? String(eventId) : undefined;
  const brings =
    typeof metadata === 'object' && metadata !== null ? { metadata: metadata as Record<string, unknown> } : {};
  if (event !== undefined) {
    await marketing.events.record({ type: event, lead, ...(id === undefined ? {} : { eventId: id }), ...brings });
  } else {
    await marketing.triggers.enter(definition, lead, { ...(id === undefined ? {} : { key: id }), ...brings });
  }
  // Somebody who was on another journey leaves it here, as drawn.
  const journey = journeyIn(msg, marketing.tenant);
  if (journey) await marketing.ledger.end(journey, `went on to ${definition}`);
}

/** @throws InputError `E_UNKNOWN_ATTRIBUTE` */
async function mustBeDate(marketing: Marketing, attribute: string): Promise<void> {
  const declared = (await marketing.leads.attributes()).find(({ name }) => name === attribute);
  if (attribute === 'createdAt' || declared?.type === 'date') return;
  throw new InputError(
    'E_UNKNOWN_ATTRIBUTE',
    `There is no date "${attribute}" among the attributes of leads. Declare it as a date, or choose another one.`,
  );
}

function faultBadge(error: unknown): Badge {
  const code = codeOf(error);
  if (code === 'E_UNKNOWN_SEGMENT') return { fill: 'red', text: 'unknownSegment' };
  return { fill: 'red', text: /^E_(?:CONDITION_\w+|UNKNOWN_EVALUATOR)$/.test(code) ? 'condition' : 'invalid' };
}

function badgeOf({ waiting, entered = 0, released = 0, ...counts }: StationCounts): Badge {
  const through = Math.max(entered, released);
  if (waiting > 0) return { fill: 'blue', text: 'waiting', values: { shown: shortCount(waiting) } };
  let refused = 0;
  for (const [name, count] of Object.entries(counts)) if (name.startsWith('refused: ')) refused += count;
  if (refused > 0)
    return {
      fill: 'green',
      text: 'enteredRefused',
      values: { shown: shortCount(through), refused: shortCount(refused) },
    };
  return through > 0
    ? { fill: 'green', text: 'entered', values: { shown: shortCount(through) } }
    : { fill: 'grey', text: 'idle' };
}
