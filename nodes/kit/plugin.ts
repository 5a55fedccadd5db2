import type { NodeAPI } from 'node-red';
import { registerChannel, type ChannelContract } from '../../lib/channels';
import { messageOf } from '../../lib/errors';

/** Type of the plugins of other packages that bring a channel along. */
export const CHANNEL_PLUGIN = 'marketing-channel';

/**
 * Runtime side of the editor plugin, and the hook for channels of other packages:
 * `RED.plugins.registerPlugin('my-channel', { type: 'marketing-channel', channel: contract })`.
 * Plugins load in any order, so those that are there already are taken and later ones are listened for.
 */
function plugin(RED: NodeAPI): void {
  RED.plugins.registerPlugin('marketing-editor', { type: 'marketing' });
  const taken = new Set<string>();
  const take = (definition: unknown): void => {
    if (typeof definition !== 'object' || definition === null) return;
    const { id, type, channel } = definition as { id?: unknown; type?: unknown; channel?: unknown };
    if (type !== CHANNEL_PLUGIN || taken.has(String(id))) return;
    taken.add(String(id));
    try {
      registerChannel(channel as ChannelContract);
    } catch (error) {
      RED.log.error(`The marketing channel plugin "${String(id)}" cannot be used: ${messageOf(error)}`);
    }
  };
  for (const definition of RED.plugins.getByType(CHANNEL_PLUGIN)) take(definition);
  RED.events.on('registry:plugin-added', (id: string) => take(RED.plugins.get(id)));
}

module.exports = plugin;
