import type { Marketing } from '../../lib';
import { codeOf, InputError, NotFoundError } from '../../lib/errors';
import type { ApprovalLink } from '../../lib/governance';
import { checkPatterns, type Announced, type FlowReader } from '../../lib/outbox';
import { slug, text } from '../kit/names';
import type { NodeKit } from '../kit/node';
import { useStore } from '../kit/store-node';
import { shortCount } from '../kit/texts';

/** What stops listening; `removed`: for good. */
type Stop = (removed: boolean) => Promise<void> | void;

/** After something went wrong that may pass by itself. */
const PAUSE_MS = 5_000;

/** Sends a message into the flow for each event of the store's tenant that was chosen. */
export function startEvent(kit: NodeKit): void {
  const events = eventsOf(kit);
  const durable = kit.config.flag('durable', true);
  const store = useStore(kit, { onDeployed: () => undefined });
  let count = 0;
  const emit = ({ type, data, id, at }: Announced, more: object = {}): void => {
    kit.send(0, { topic: type, payload: { ...data, ...more }, event: { id, type, at } });
    count += 1;
    kit.badge.show(() => ({ fill: 'green', text: 'events', values: { shown: shortCount(count) } }));
  };
  /** Flows are trusted with links that vote, so that they can mail them; webhooks never get any. */
  const deliver = (marketing: Marketing, event: Announced): void | Promise<void> =>
    LINKED.has(event.type) ? linksOf(marketing, event).then((links) => emit(event, { links })) : emit(event);
  // During a deploy nobody may be there to take it.
  const ready = (): boolean => store.hub.deployer.flowing;
  const listen = async (marketing: Marketing): Promise<Stop> => {
    if (!durable) {
      await marketing.outbox.forget(kit.id);
      return marketing.outbox.on(events, (event) => (ready() ? deliver(marketing, event) : undefined));
    }
    const reader: FlowReader = await marketing.outbox.read({
      ...{ key: keyOf(kit), node: kit.id, name: kit.title, events, ready },
      deliver: (event) => deliver(marketing, event),
      onTrouble: (error) => kit.error(error),
    });
    return (removed) => reader.close(removed);
  };
  kit.badge.show({ fill: 'grey', text: 'idle' });
  const listening = keepTrying(kit, async () => {
    const marketing = await store.hub.connection.untilOpen(kit.closing);
    return marketing && listen(marketing);
  });
  kit.onClose(async (removed) => {
    const stop = await listening;
    await stop?.(removed);
  });
}

/** Events that ask people for a vote. */
const LINKED: ReadonlySet<string> = new Set(['marketing.approval.requested', 'marketing.approval.reminded']);

/** A link for everybody who has not voted; none when the request is over, or gone, by now. */
async function linksOf({ approvals }: Marketing, { data }: Announced): Promise<ApprovalLink[]> {
  try {
    return await approvals.linksFor(Number(data['approval']), { actor: 'event node' });
  } catch (error) {
    if (error instanceof NotFoundError) return [];
    throw error;
  }
}

/** The patterns that were chosen. @throws InputError E_EVENT_PATTERN */
function eventsOf(kit: NodeKit): string[] {
  const chosen = kit.config.text('events').split(',');
  return checkPatterns(chosen.map((pattern) => pattern.trim()).filter((pattern) => pattern !== ''));
}

/** What the node is known by in the database: as written, or its name, or its id, which a copy does not share. */
function keyOf({ config, node, id }: NodeKit): string {
  return config.text('step') || slug(text(node.name)) || id;
}

/** Until it works, the node closes, or it cannot work before somebody changes something. */
async function keepTrying(kit: NodeKit, begin: () => Promise<Stop | undefined>): Promise<Stop | undefined> {
  while (!kit.closing.aborted) {
    try {
      const stop = await begin();
      kit.badge.fault(undefined);
      return stop;
    } catch (error) {
      kit.error(error);
      const duplicate = codeOf(error) === 'E_DUPLICATE_STEP';
      kit.badge.fault({ fill: 'red', text: duplicate ? 'duplicateStep' : 'error' });
      if (duplicate || error instanceof InputError) return undefined;
      await kit.clock.sleep(PAUSE_MS, kit.closing);
    }
  }
  return undefined;
}
