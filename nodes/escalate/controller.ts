import { InputError } from '../../lib/errors';
import { shortCount } from '../kit/texts';
import { DROPPED, type FlowMessage, type NodeKit } from '../kit/node';
import { useStore } from '../kit/store-node';

/**
 * Raises a campaign to the next person, and passes the message on. A cause raises a campaign once per run, so that it does not matter how many
 * people of one campaign come through.
 */
export function startEscalate(kit: NodeKit): void {
  const store = useStore(kit, { onDeployed: () => undefined });
  const cause = kit.config.text('cause') || 'flow';
  const reason = kit.config.text('reason') || `the node ${kit.title}`;
  const fixed = kit.config.text('campaign');
  let raisedSoFar = 0;
  kit.badge.show({ fill: 'grey', text: 'idle' });
  kit.onInput(async (msg, send) => {
    const marketing = await store.marketing();
    if (kit.closing.aborted) return DROPPED;
    const campaign = fixed || campaignIn(msg);
    const raised = await marketing.escalations.raise(campaign, { cause, reason, actor: `node ${kit.title}` });
    if (raised.raised) {
      raisedSoFar += 1;
      kit.badge.show(() => ({ fill: 'green', text: 'raised', values: { shown: shortCount(raisedSoFar) } }));
    }
    msg['escalation'] = raised;
    send(0, msg);
  });
}

/** The campaign that a person belongs to, or that an event or a message names. */
function campaignIn({ campaign, payload }: FlowMessage): number | string {
  for (const place of [campaign, payload]) {
    if (typeof place === 'string' && place.trim() !== '') return place.trim();
    if (typeof place !== 'object' || place === null) continue;
    for (const name of ['id', 'key', 'campaign']) {
      // An event's payload has the campaign's id as `campaign`; a lead's has an `id` that is another thing.
      if (place === payload && name === 'id') continue;
      const value: unknown = Reflect.get(place, name);
      if (typeof value === 'number' || (typeof value === 'string' && value !== '')) return value;
    }
  }
  throw new InputError(
    'E_CAMPAIGN_KEY',
    'The message names no campaign. Give its key in the node, or as msg.campaign.',
  );
}
