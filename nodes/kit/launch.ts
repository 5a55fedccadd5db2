import { InputError, MarketingError, NotFoundError } from '../../lib/errors';
import type { NodeKit } from './node';
import { hubOf, type StoreHub } from './store-node';

/** A trigger that runs. */
export interface Launcher {
  readonly hub: StoreHub;
  /** Key of its definition. @throws what is wrong with the journey */
  definition(): string;
}

const launchers = new Map<string, Launcher>();

/** Makes a trigger's button work. */
export function registerLauncher(kit: NodeKit, hub: StoreHub): void {
  const launcher: Launcher = { hub, definition: () => launchable(kit) };
  launchers.set(kit.id, launcher);
  kit.onClose(() => {
    if (launchers.get(kit.id) === launcher) launchers.delete(kit.id);
  });
}

/** The running trigger with this node id. @throws NotFoundError E_UNKNOWN_TRIGGER */
export function launcherOf(id: string): Launcher {
  const launcher = launchers.get(id);
  if (!launcher)
    throw new NotFoundError('E_UNKNOWN_TRIGGER', 'This trigger does not run. Deploy the flow, then try again.');
  return launcher;
}

/**
 * The key of the definition behind a trigger, once it can be launched.
 * @throws InputError what is wrong with the journey or with a switch in it; MarketingError E_NOT_DEPLOYED (retryable)
 */
export function launchable(kit: NodeKit): string {
  const deployer = hubOf(kit.config.text('store'))?.deployer;
  const planned = deployer?.definitionOf(kit.id);
  if (!deployer || !planned) {
    const problem = deployer?.problemAt(kit.id);
    if (problem) throw new InputError(problem.code, problem.message);
    throw new MarketingError(
      'E_NOT_DEPLOYED',
      `The journey of ${kit.title} has not been put to work yet. See the store node and the log.`,
      { retryable: true },
    );
  }
  const fault = deployer.faultIn(planned);
  if (fault) throw fault;
  return planned.declaration.key;
}
