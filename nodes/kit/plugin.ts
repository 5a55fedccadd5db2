import type { NodeAPI } from 'node-red';
import { registerChannel, type ChannelContract } from '../../lib/channels';
import { messageOf } from '../../lib/errors';
import { registerTrigger, type TriggerContract } from '../../lib/triggers';

/** Type of the plugins of other packages that bring a channel along. */
export const CHANNEL_PLUGIN = 'marketing-channel';

/** The same for a trigger. */
export const TRIGGER_PLUGIN = 'marketing-trigger';

/**
 * Runtime side of the editor plugin, and the hook for channels and triggers of other packages:
 * `RED.plugins.registerPlugin('my-channel', { type: 'marketing-channel', channel: contract })`,
 * `RED.plugins.registerPlugin('my-trigger', { type: 'marketing-trigger', trigger: contract })`.
 * Plugins load in any order, so those that are there already are taken and later ones are listened for.
 */
function plugin(RED: NodeAPI): void {
  RED.plugins.registerPlugin('marketing-editor', { type: 'marketing' });
  const taken = new Set<string>();
  const take = (definition: unknown): void => {
    if (typeof definition !== 'object' || definition === null) return;
    const { id, type, ...brings } = definition as {
      id?: unknown;
      type?: unknown;
      channel?: unknown;
      trigger?: unknown;
    };
    if ((type !== CHANNEL_PLUGIN && type !== TRIGGER_PLUGIN) || taken.has(String(id))) return;
    taken.add(String(id));
    try {
      if (type === CHANNEL_PLUGIN) registerChannel(brings.channel as ChannelContract);
      else registerTrigger(brings.trigger as TriggerContract);
    } catch (error) {
      RED.log.error(`The ${type} plugin "${String(id)}" cannot be used: ${messageOf(error)}`);
    }
  };
  for (const type of [CHANNEL_PLUGIN, TRIGGER_PLUGIN])
    for (const definition of RED.plugins.getByType(type)) take(definition);
  RED.events.on('registry:plugin-added', (id: string) => take(RED.plugins.get(id)));
}

module.exports = plugin;
