import type { Marketing } from '../../lib';
import type { Campaign } from '../../lib/campaigns';
import { InputError } from '../../lib/errors';
import { DROPPED, type FlowMessage, type NodeKit } from '../kit/node';
import { evaluate } from '../kit/property';
import { useStore } from '../kit/store-node';

const ACTIONS = ['create', 'launch', 'pause', 'resume', 'complete', 'cancel'] as const;

/** Creates and steers campaigns from a flow; the campaign as it is then becomes `msg.payload`. */
export function startCampaign(kit: NodeKit): void {
  const action = kit.config.choice('action', ACTIONS, 'launch');
  const store = useStore(kit, { onDeployed: () => undefined });
  kit.badge.show({ fill: 'grey', text: 'idle' });
  kit.onInput(async (msg, send) => {
    const marketing = await store.marketing();
    // A flow that launches at its start must find its definitions registered.
    await store.hub.deployer.whenReady(kit.closing);
    if (kit.closing.aborted) return DROPPED;
    msg.payload = await act(kit, marketing, action, msg);
    kit.badge.show({ fill: 'green', text: 'done' });
    send(0, msg);
  });
}

async function act(
  kit: NodeKit,
  marketing: Marketing,
  action: (typeof ACTIONS)[number],
  msg: FlowMessage,
): Promise<Campaign> {
  const key = await keyOf(kit, msg);
  const options = { actor: `node ${kit.title}` };
  const { campaigns } = marketing;
  switch (action) {
    case 'create':
      return campaigns.create(
        { key, definition: kit.config.text('definition'), data: await dataOf(kit, msg) },
        options,
      );
    case 'launch':
      return campaigns.launch(key, { ...options, approved: msg['approved'] === true });
    case 'pause':
      return campaigns.pause(key, options);
    case 'resume':
      return campaigns.resume(key, options);
    case 'complete':
      return campaigns.complete(key, options);
    case 'cancel':
      return campaigns.cancel(key, options);
  }
}

async function keyOf(kit: NodeKit, msg: FlowMessage): Promise<string> {
  const type = kit.config.choice('campaignType', ['str', 'msg'], 'str');
  const value = await evaluate(kit, kit.config.text('campaign'), type, msg);
  const key: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'key') : value;
  if (typeof key === 'string' && key.trim() !== '') return key.trim();
  throw new InputError('E_CAMPAIGN_KEY', 'The message names no campaign. Give its key as text.');
}

async function dataOf(kit: NodeKit, msg: FlowMessage): Promise<Record<string, unknown>> {
  const type = kit.config.choice('dataType', ['json', 'msg'], 'json');
  const written = kit.config.text('data');
  if (type === 'json' && written === '') return {};
  const value = await evaluate(kit, written, type, msg);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new InputError('E_CAMPAIGN_DATA', 'The campaign’s data must be an object, such as {"offer": "A"}.');
}
