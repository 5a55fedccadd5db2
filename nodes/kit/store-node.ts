import { openMarketing, type Marketing } from '../../lib';
import { InputError } from '../../lib/errors';
import type { Journey } from '../../lib/types';
import type { Badge } from './badge';
import { Connection, type ConnectionState } from './connection';
import { Deployer, type Member } from './deploy';
import { journeyOf } from './journey';
import type { FlowMessage, NodeKit, RuntimeNode } from './node';
import { describeStation } from './station-kinds';
import { storeSettings } from './store-settings';

/** What a store node offers to the nodes that use it. */
export interface StoreHub {
  readonly id: string;
  readonly tenant: string;
  readonly httpPath: string;
  readonly connection: Connection;
  readonly deployer: Deployer;
}

/** A store as one node sees it. */
export interface StoreAccess {
  readonly hub: StoreHub;
  /** The open store; waits for it for a bounded time. @throws MarketingError E_STORE_UNAVAILABLE */
  marketing(): Promise<Marketing>;
  /** The token of a message, checked. @throws InputError E_NO_JOURNEY */
  journey(msg: FlowMessage): Journey;
  /** Whether anything behind an output takes people over. */
  leadsOn(port: number): boolean;
}

const hubs = new Map<string, StoreHub>();

/** All stores that run in this process, by node id. */
export function runningStores(): ReadonlyMap<string, StoreHub> {
  return hubs;
}

/** Runtimes that have been told about the login before the public pages. */
const warned = new WeakSet<object>();

/** Node-RED puts this login before its whole HTTP root: nobody who gets a mail knows the password. */
function warnOfLogin({ red, warn }: NodeKit, httpPath: string): void {
  const login: unknown = Reflect.get(red.settings, 'httpNodeAuth');
  if (typeof login !== 'object' || login === null || Array.isArray(login) || warned.has(red)) return;
  warned.add(red);
  warn(
    'Unsubscribe links will ask for a password, because httpNodeAuth is set in settings.js. ' +
      `Let everything below ${httpPath}/u/ pass without a login; docs/operations.md ("Before the first mail") shows how.`,
  );
}

/** The behaviour of the store node: opens the marketing facade, follows deploys, ends when its last user has drained. */
export function startStore(kit: NodeKit): void {
  const { httpPath, ...settings } = storeSettings(kit);
  warnOfLogin(kit, httpPath);
  const connection = new Connection({
    open: () => openMarketing({ ...settings, clock: kit.clock, logger: loggerOf(kit.node) }),
    clock: kit.clock,
    onTrouble: (error) => kit.error(error),
  });
  const deployer = new Deployer({
    source: kit.id,
    red: kit.red,
    connection,
    clock: kit.clock,
    describe: describeStation,
    onProblem: (error) => kit.error(error),
  });
  const hub: StoreHub = { id: kit.id, tenant: settings.tenant, httpPath, connection, deployer };
  hubs.set(kit.id, hub);
  connection.start();
  kit.onClose(async (removed) => {
    if (hubs.get(kit.id) === hub) hubs.delete(kit.id);
    await deployer.close();
    // Whoever stands in the journeys of a store that was deleted is an orphan: visible, and movable to another station.
    await connection.close(
      removed ? async (marketing) => void (await marketing.definitions.deploy(kit.id, [])) : undefined,
    );
  });
}

/**
 * Connects a node with its store: counts it as a user, shows the store's troubles at it, joins it to the deploys.
 * @throws InputError E_NO_STORE
 */
export function useStore(kit: NodeKit, member: Omit<Member, 'id' | 'saved'>): StoreAccess {
  const hub = hubOf(kit.config.text('store'));
  if (!hub) {
    kit.badge.broken({ fill: 'red', text: 'noStore' });
    throw new InputError('E_NO_STORE', `${kit.title} has no store. Open the node and choose one, then deploy.`);
  }
  let problem: Badge | undefined;
  const release = hub.connection.use((state) => kit.badge.trouble(badgeOf(state) ?? problem));
  const leave = hub.deployer.join({
    id: kit.id,
    saved: kit.saved,
    ...(member.station ? { station: member.station } : {}),
    ...(member.verify ? { verify: member.verify } : {}),
    onDeployed(definitions, found) {
      problem = found ? problemBadge(found.code) : undefined;
      kit.badge.trouble(badgeOf(hub.connection.state) ?? problem);
      member.onDeployed(definitions, found);
    },
  });
  kit.onClose(async () => {
    try {
      await leave();
    } finally {
      release();
    }
  });
  return {
    hub,
    marketing: () => hub.connection.whenOpen(kit.closing),
    journey: (msg) => journeyOf(msg, hub.tenant),
    leadsOn: (port) => hub.deployer.leadsOn(kit.id, port),
  };
}

/** The running store with this node id. */
export function hubOf(id: string): StoreHub | undefined {
  return hubs.get(id);
}

function badgeOf(state: ConnectionState): Badge | undefined {
  switch (state.kind) {
    case 'open':
    case 'closed':
      return undefined;
    case 'connecting':
      return { fill: 'yellow', shape: 'ring', text: 'connecting' };
    case 'unreachable':
      return { fill: 'red', text: 'unreachable' };
    case 'failed':
      return { fill: 'red', text: 'storeFailed' };
  }
}

function problemBadge(code: string): Badge {
  switch (code) {
    case 'E_DUPLICATE_STEP':
      return { fill: 'red', text: 'duplicateStep' };
    case 'E_DUPLICATE_DEFINITION':
      return { fill: 'red', text: 'duplicateDefinition' };
    case 'E_NO_STORE':
      return { fill: 'red', text: 'noStore' };
    case 'E_OTHER_STORE':
      return { fill: 'red', text: 'otherStore' };
    default:
      return { fill: 'red', text: 'journeyInvalid' };
  }
}

/** Warnings and errors also appear in the debug sidebar; the library writes none per person. */
function loggerOf(node: RuntimeNode): { [level in 'debug' | 'info' | 'warn' | 'error']: (text: string) => void } {
  return {
    debug: (text) => node.debug(text),
    info: (text) => node.log(text),
    warn: (text) => node.warn(text),
    error: (text) => node.error(text),
  };
}
