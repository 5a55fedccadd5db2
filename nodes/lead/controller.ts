import { InputError } from '../../lib/errors';
import type { LeadInput, Rejection, UpsertResult } from '../../lib/leads';
import type { Marketing } from '../../lib';
import type { FlowMessage, NodeKit } from '../kit/node';
import { evaluate } from '../kit/property';
import { useStore } from '../kit/store-node';
import { shortCount, type StatusText } from '../kit/texts';

/** What the node adds to the message as `msg.marketing`; `msg.payload` stays as it came. */
export interface UpsertSummary {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  /** Ids of the leads, in the order of the input; absent (undefined) where one was rejected. */
  readonly leads: readonly (number | undefined)[];
  /** Inputs that were not stored, by their place in the input. */
  readonly rejected: readonly (Rejection & { readonly index: number })[];
  /** Fields that were left out because nobody declared them. */
  readonly warnings: readonly string[];
}

/** Saves leads, or records an event for them. */
export function startLead(kit: NodeKit): void {
  const action = kit.config.choice('action', ['upsert', 'event'], 'upsert');
  const property = kit.config.text('property') || 'payload';
  const type = kit.config.text('propertyType') || 'msg';
  const event = kit.config.text('event');
  if (action === 'event' && event === '')
    throw new InputError('E_CONFIG', `${kit.title} names no event. Open it and fill it in.`);
  const store = useStore(kit, { onDeployed: () => undefined });
  kit.badge.show({ fill: 'grey', text: 'idle' });
  let count = 0;
  const show = (text: StatusText, more: number): void => {
    count += more;
    kit.badge.show({ fill: 'green', text, values: { shown: shortCount(count) } });
  };
  kit.onInput(async (msg, send) => {
    const inputs = leadsOf(await evaluate(kit, property, type, msg), property);
    const marketing = await store.marketing();
    if (action === 'event') {
      msg['marketing'] = { recorded: await record(marketing, event, inputs, msg) };
      show('recorded', inputs.list.length);
    } else {
      const summary = await upsert(kit, marketing, inputs);
      msg['marketing'] = summary;
      show('saved', summary.created + summary.updated + summary.unchanged);
    }
    send(0, msg);
  });
}

interface Inputs {
  readonly list: readonly LeadInput[];
  /** True for one object: what is wrong with it is an error of the message. */
  readonly single: boolean;
}

function leadsOf(value: unknown, property: string): Inputs {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((item): item is LeadInput => typeof item === 'object' && item !== null && !Array.isArray(item))) {
    throw new InputError(
      'E_LEAD_INPUT',
      `"${property}" must be a lead or an array of leads, such as {"email": "ada@example.org", "name": "Ada"}.`,
    );
  }
  return { list, single: !Array.isArray(value) };
}

async function upsert(kit: NodeKit, marketing: Marketing, { list, single }: Inputs): Promise<UpsertSummary> {
  const results = await marketing.leads.upsertAll(list, { source: `node ${kit.title}` });
  const [first] = results;
  if (single && first?.outcome === 'rejected') throw new InputError(first.reason.code, first.reason.message);
  return summaryOf(results);
}

function summaryOf(results: readonly UpsertResult[]): UpsertSummary {
  const number = (outcome: UpsertResult['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  return {
    created: number('created'),
    updated: number('updated'),
    unchanged: number('unchanged'),
    leads: results.map((result) => (result.outcome === 'rejected' ? undefined : result.id)),
    rejected: results.flatMap((result, index) => (result.outcome === 'rejected' ? [{ ...result.reason, index }] : [])),
    warnings: [...new Set(results.flatMap((result) => (result.outcome === 'rejected' ? [] : result.warnings)))],
  };
}

async function record(marketing: Marketing, type: string, { list, single }: Inputs, msg: FlowMessage): Promise<number> {
  const { eventId, metadata } = msg;
  const named = typeof eventId === 'string' || typeof eventId === 'number' ? String(eventId) : undefined;
  for (const [index, lead] of list.entries()) {
    await marketing.events.record({
      type,
      lead,
      // Several leads may share the message's id; each still has its event once.
      ...(named === undefined ? {} : { eventId: single ? named : `${named}:${index}` }),
      ...(typeof metadata === 'object' && metadata !== null ? { metadata: metadata as Record<string, unknown> } : {}),
    });
  }
  return list.length;
}
