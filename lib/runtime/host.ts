import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import type { Clock } from '../clock';
import { InputError, MarketingError, messageOf } from '../errors';
import {
  createHostServer,
  healthRouter,
  mailboxRouter,
  marketingApi,
  metricsRouter,
  ratesFrom,
  type HealthReport,
} from '../http';
import { readFigures } from './figures';
import { DefinitionKeeper, embeddedFlows, readDefinitions } from './definitions';
import type { Log } from './log';
import type { MailSink } from './mailbox';
import { mailboxSource } from './mailbox/source';
import { nodeLogin, type NodeLogin } from './node-login';
import { loadNodeRed, type EmbeddedNodeRed } from './node-red';
import { nodeRedSettings } from './node-red-settings';
import { Readiness } from './readiness';
import { checkedSeldom, createStoreWatch, type StoreWatch } from './stores';
import { defaultDatabase, packageRoot, prepareFlows } from './user-dir';
import { within } from './within';

/** How to start the headless runtime. */
export interface HostOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** A flow file, or a directory of them. Default: the package's own `flows/`. */
  readonly flows?: string;
  /** Where Node-RED keeps its files. */
  readonly userDir: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 1880; 0 takes any free one. */
  readonly port?: number;
  /** True: the editor, and with it the admin API, at `/`. Without it neither can be reached. */
  readonly editor?: boolean;
  /** For store nodes that name no database of their own. Default: the SQLite file in the user directory. */
  readonly databaseUrl?: string;
  /** Further environment variables that flows may name as `${NAME}`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Settings of Node-RED (as in its settings file) that ours do not overrule. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Adds the page `/mailbox`, on loopback only: it shows everybody's mail to anybody. */
  readonly mailbox?: MailSink;
  /** Longest time that stopping may take, ms. Default 20 s. */
  readonly drainMs?: number;
}

/** A running headless runtime. */
export interface Host {
  readonly url: string;
  readonly port: number;
  /** The page of the mailbox, when there is one. */
  readonly mailboxUrl: string | undefined;
  /** The database that store nodes use when they name none. */
  readonly databaseUrl: string;
  readonly nodeRed: EmbeddedNodeRed;
  readonly stores: StoreWatch;
  /** Deploys what is saved in the database; {@link DefinitionKeeper.poke} makes it look at once. */
  readonly definitions: DefinitionKeeper;
  health(): Promise<HealthReport>;
  /**
   * Resolves once the flows run and their stores are open.
   * @throws MarketingError `E_NOT_READY` with the reasons after `ms`, or at once when the flows cannot start
   */
  whenReady(ms: number): Promise<void>;
  /** Not ready any more → nodes close → server closes. True when all of it ended in time. Safe to call twice. */
  stop(): Promise<boolean>;
}

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/;

/**
 * Starts Node-RED inside an HTTP server of ours: flows without an editor, `/api/v1`, `/graphql`, `/healthz`, `/metrics`. One per process: Node-RED
 * cannot be started twice.
 * @throws MarketingError `E_NODE_RED_MISSING`, `E_PORT_IN_USE`; InputError `E_FLOWS`, `E_EDITOR_EXPOSED`, `E_SETTINGS`, `E_RATE_LIMITS`
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { clock, log, editor = false } = options;
  const address = options.host ?? '127.0.0.1';
  if (editor && !LOOPBACK.test(address) && !options.settings?.['adminAuth']) {
    throw new InputError(
      'E_EDITOR_EXPOSED',
      `An editor on ${address} would let anybody who reaches it run code here: give --settings FILE with adminAuth, or leave --host at 127.0.0.1.`,
    );
  }
  const mailbox = LOOPBACK.test(address) ? options.mailbox : undefined;
  const userDir = path.resolve(options.userDir);
  const usualDatabase = defaultDatabase(userDir);
  const databaseUrl = options.databaseUrl ?? usualDatabase;
  const flowFile = prepareFlows({
    flows: options.flows ?? path.join(packageRoot(), 'flows'),
    ...{ userDir, editor },
    fillDatabase: databaseUrl !== usualDatabase,
  });
  const nodeRed = loadNodeRed();
  const login = nodeLogin(options.settings ?? {});

  const readiness = new Readiness(clock);
  const stores = createStoreWatch(nodeRed, log);
  const seldom = checkedSeldom(stores, clock);
  const definitions = new DefinitionKeeper({
    flows: embeddedFlows(nodeRed),
    read: readDefinitions(
      () => stores.byNode(),
      ({ documents }) => documents,
    ),
    clock,
    log,
  });
  const health = async (): Promise<HealthReport> => {
    const report = await readiness.report(seldom);
    return { ...report, facts: { ...report.facts, definitions: definitions.definitions } };
  };
  const api = marketingApi(
    {
      clock,
      open: () => stores.open(),
      onError: (error, incident) =>
        log.error(`The API failed (${incident}): ${error instanceof Error ? error.stack : String(error)}`),
    },
    ratesFrom(options.settings),
  );
  const server = createHostServer(
    [
      healthRouter(health),
      api.router,
      metricsRouter({
        clock,
        read: () => readFigures(stores.open(), stores.accounts(), clock),
        onError: (error) => log.warn(`The figures for /metrics could not be counted: ${messageOf(error)}`),
      }),
      ...(mailbox ? [mailboxRouter(mailboxSource(mailbox))] : []),
    ],
    (error) => log.error(`A request could not be answered: ${messageOf(error)}`),
  );
  const port = await listen(server.listen, options.port ?? 1880, address);
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
  // What flows read as ${NAME}. A public address that the environment names stands; loopback is only a stopgap.
  Object.assign(process.env, options.environment, { MARKETING_DATABASE_URL: databaseUrl });
  process.env['MARKETING_BASE_URL'] ||= url;

  nodeRed.init(
    server.server,
    // Without an editor nothing that is deployed is written to the flow file: the database keeps it.
    nodeRedSettings({ userDir, flowFile, editor, port, log, settings: { ...options.settings, readOnly: !editor } }),
  );
  readiness.watch(nodeRed);
  server.setFallback(nodeRedFallback(nodeRed, stores, { editor, login }));
  nodeRed.events.once('flows:started', () => definitions.start());
  await nodeRed.start();
  log.info(`Node-RED ${nodeRed.version()} runs ${flowFile} at ${url}`);

  let stopping: Promise<boolean> | undefined;
  const stop = async (): Promise<boolean> => {
    readiness.stopping();
    await within(definitions.stop(), 2_000, clock);
    const drained = await within(nodeRed.stop(), options.drainMs ?? 20_000, clock);
    if (!drained) log.warn('Some nodes did not close in time; who was under way there goes on at the next start.');
    await server.close(2_000, (ms, fn) => clock.after(ms, fn));
    await api.close();
    return drained;
  };
  return {
    url,
    port,
    mailboxUrl: mailbox ? `${url}/mailbox` : undefined,
    databaseUrl,
    nodeRed,
    stores,
    definitions,
    health,
    async whenReady(ms) {
      await readiness.whenReady(stores, ms);
      // Until there is a token, the API answers nobody outside.
      await api.assertGuarded(address).catch((error: unknown) => log.warn(`The API stays closed: ${messageOf(error)}`));
    },
    stop: () => (stopping ??= stop()),
  };
}

async function listen(
  start: (port: number, host: string) => Promise<number>,
  port: number,
  host: string,
): Promise<number> {
  try {
    return await start(port, host);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new MarketingError(
      'E_PORT_IN_USE',
      `Port ${port} on ${host} is taken: is another runtime running? Choose a port with --port.`,
      {
        cause: error,
      },
    );
  }
}

/** Public pages come before the editor, whose own addresses may begin with the same words. */
function nodeRedFallback(
  nodeRed: EmbeddedNodeRed,
  stores: StoreWatch,
  { editor, login }: { editor: boolean; login: NodeLogin | undefined },
) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const last = (error?: unknown): void => {
      if (response.headersSent) return void response.end();
      const status = error === undefined ? 404 : 500;
      response
        .writeHead(status, { 'Content-Type': 'text/plain' })
        .end(status === 404 ? 'There is nothing here.' : 'That went wrong.');
    };
    const isPublic = stores.isPublic(request.url ?? '');
    const nodes = (error?: unknown): void =>
      error === undefined ? nodeRed.httpNode(request, response, last) : last(error);
    const flows = (error?: unknown): void => {
      if (error === undefined && login && !isPublic) login(request, response, nodes);
      else nodes(error);
    };
    if (editor && !isPublic) nodeRed.httpAdmin(request, response, flows);
    else flows();
  };
}
