import { messageOf } from '../../lib/errors';
import { triggerContract, type TriggerHandle } from '../../lib/triggers';
import type { NodeKit } from '../kit/node';
import type { StoreAccess } from '../kit/store-node';

/** Has a custom trigger watch, from the first deploy of a journey that it is the entrance of until the node closes. */
export function watcher(
  kit: NodeKit,
  store: () => StoreAccess,
  { contract, options }: { contract: string; options: Readonly<Record<string, unknown>> },
): (definitions: readonly string[]) => void {
  let running: Promise<TriggerHandle | undefined> | undefined;
  const stopping = new AbortController();
  kit.onClose(async () => {
    stopping.abort();
    await (await running)?.stop();
  });
  const start = async (definition: string): Promise<TriggerHandle | undefined> => {
    try {
      const marketing = await store().marketing();
      if (stopping.signal.aborted) return undefined;
      return await triggerContract(contract).start({
        ...{ tenant: marketing.tenant, definition, options, signal: stopping.signal },
        now: () => marketing.clock.now(),
        enter: (lead, cause) => marketing.triggers.enter(definition, lead, cause),
        warn: (message) => kit.warn(message),
      });
    } catch (error) {
      if (!stopping.signal.aborted) kit.error(error);
      kit.node.debug(`The trigger "${contract}" has not been started: ${messageOf(error)}`);
      // The next deploy tries again.
      running = undefined;
      return undefined;
    }
  };
  return ([definition]) => {
    if (definition !== undefined && !stopping.signal.aborted) running ??= start(definition);
  };
}
