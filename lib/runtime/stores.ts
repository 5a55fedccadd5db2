import { createRequire } from 'node:module';
import path from 'node:path';
import type { Marketing } from '..';
import type { Account } from '../channels';
import type { Clock } from '../clock';
import { codeOf } from '../errors';
import type { Log } from './log';
import type { EmbeddedNodeRed } from './node-red';
import { packageRoot } from './user-dir';

/** What a store node says of its connection: the node kit's `ConnectionState`, as far as the runtime reads it. */
type StoreState =
  | { readonly kind: 'open'; readonly marketing: Marketing }
  | { readonly kind: 'connecting' | 'closed' }
  | { readonly kind: 'unreachable' | 'failed'; readonly error: Error };

interface StoreModule {
  runningStores(): ReadonlyMap<
    string,
    {
      readonly tenant: string;
      readonly httpPath: string;
      readonly connection: { readonly state: StoreState };
      readonly deployer: { readonly flowing: boolean };
    }
  >;
}

interface AccountModule {
  accountOf(id: string): { readonly account: Account } | undefined;
}

/** What anybody may know of a store. */
export interface StoreFacts {
  readonly name: string;
  readonly state: StoreState['kind'] | 'missing' | 'starting' | 'unwell';
  /** The code of the error, if there is one. */
  readonly code?: string;
}

/** Whether the stores of the running flows do their work. */
export interface StoreCheck {
  /** One sentence for everything that is wrong; never an error's own, which may name hosts and users. */
  readonly reasons: readonly string[];
  readonly stores: readonly StoreFacts[];
}

/** Looks at the store and account nodes of the running flows. */
export interface StoreWatch {
  /** The stores that are open. */
  open(): Marketing[];
  /** The same, by the ids of their nodes, in the order of the flows. */
  byNode(): ReadonlyMap<string, Marketing>;
  /** The sending accounts, by the names that their nodes have. */
  accounts(): ReadonlyMap<string, Account>;
  /** True for an address that no login stands before: pages for anybody (unsubscribing), and the API, which has its tokens. */
  isPublic(address: string): boolean;
  check(): Promise<StoreCheck>;
}

/** Below the path of a store. Nothing that only begins with the same letters: flows may have it behind the login. */
const PUBLIC = /^(?:\/u\/|\/api\/v1\/|\/graphql(?:\?|$))/;

/** Watches the nodes that Node-RED runs, found anew each time because deploys replace them. What ails an open store is logged. */
export function createStoreWatch(nodeRed: EmbeddedNodeRed, log: Log): StoreWatch {
  // Before that, Node-RED has no flows to look through, and throws.
  let loaded = false;
  nodeRed.events.once('flows:started', () => {
    loaded = true;
  });
  const ofType = (wanted: string): { id: string; name: string }[] => {
    const found: { id: string; name: string }[] = [];
    if (!loaded) return found;
    nodeRed.nodes.eachNode(({ id, type, name }) => {
      if (type === wanted) found.push({ id, name: name || id });
    });
    return found;
  };
  const told = new Map<string, string>();
  const tell = (name: string, health: string): void => {
    if (told.get(name) !== health && health !== '') log.warn(`The store "${name}" is not well: ${health}.`);
    told.set(name, health);
  };
  const stores = () => {
    const { runningStores } = loadedByNodeRed<StoreModule>('store-node');
    return ofType('marketing-store').map(({ id, name }) => ({ id, name, hub: runningStores().get(id) }));
  };
  const byNode = (): Map<string, Marketing> =>
    new Map(
      stores().flatMap(({ id, hub }) =>
        hub?.connection.state.kind === 'open' ? [[id, hub.connection.state.marketing] as const] : [],
      ),
    );
  return {
    open: () => [...byNode().values()],
    byNode,
    accounts() {
      const { accountOf } = loadedByNodeRed<AccountModule>('account-node');
      const found = ofType('marketing-account').map(({ id, name }) => ({ name, account: accountOf(id)?.account }));
      return new Map(found.flatMap(({ name, account }) => (account ? [[name, account] as const] : [])));
    },
    isPublic: (address) =>
      stores().some(
        ({ hub }) =>
          hub !== undefined && address.startsWith(hub.httpPath) && PUBLIC.test(address.slice(hub.httpPath.length)),
      ),
    async check() {
      const facts: StoreFacts[] = [];
      for (const { name, hub } of stores())
        facts.push({ name, ...(await factsOf(hub, (health) => tell(name, health))) });
      return { reasons: facts.flatMap(reasonsOf), stores: facts };
    },
  };
}

type Hub = ReturnType<StoreModule['runningStores']> extends ReadonlyMap<string, infer Value> ? Value : never;

async function factsOf(hub: Hub | undefined, tell: (health: string) => void): Promise<Omit<StoreFacts, 'name'>> {
  if (!hub) return { state: 'missing' };
  const { state } = hub.connection;
  // Node-RED logs the error itself when it happens.
  if ('error' in state) return { state: state.kind, code: codeOf(state.error) };
  if (state.kind !== 'open') return { state: state.kind };
  const health = await state.marketing.health();
  tell(health.ok ? '' : JSON.stringify(health));
  if (health.ok) return { state: hub.deployer.flowing ? 'open' : 'starting' };
  if (health.database !== 'ok') return { state: 'unwell', code: 'E_DATABASE_UNREACHABLE' };
  return { state: 'unwell', code: health.timers === 'down' ? 'E_TIMERS_UNREACHABLE' : 'E_LEDGER_CLOSED' };
}

function reasonsOf({ name, state, code }: StoreFacts): string[] {
  switch (state) {
    case 'open':
      return [];
    case 'missing':
      return [`The store "${name}" does not run.`];
    case 'starting':
      return [`The journeys of the store "${name}" are being put to work.`];
    case 'unwell':
      return [`The store "${name}" is not well (${code}). The log says more.`];
    case 'unreachable':
    case 'failed':
      return [`The store "${name}" is ${state} (${code}). The log says more.`];
    case 'connecting':
    case 'closed':
      return [`The store "${name}" is ${state}.`];
  }
}

/** How long a check of the stores counts, ms: each asks every database. */
const CHECK_MS = 1_000;

/** The same stores, looked at once a second at most, however often that is asked for. */
export function checkedSeldom(watch: StoreWatch, clock: Clock): StoreWatch {
  let last: { readonly at: number; readonly check: Promise<StoreCheck> } | undefined;
  return {
    ...watch,
    check() {
      const at = clock.monotonic();
      if (!last || at - last.at >= CHECK_MS) last = { at, check: watch.check() };
      return last.check;
    },
  };
}

/** The very module that Node-RED has loaded: its state is the flows' state. Not an import, because lib knows no nodes. */
function loadedByNodeRed<Module>(name: string): Module {
  return createRequire(__filename)(path.join(packageRoot(), 'dist', 'nodes', 'kit', `${name}.js`)) as Module;
}
