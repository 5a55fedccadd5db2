import { fork, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What Node-RED runs: nodes as configured, with positions. */
export type Flow = readonly Readonly<Record<string, unknown>>[];

/** How a deploy treats what runs. */
export type DeployType = 'full' | 'flows' | 'nodes';

/** How to start a Node-RED. */
export interface NodeRedOptions {
  /** `node-red` (5) or `node-red-4.1`. Default `node-red`. */
  version?: NodeRedVersion;
  flow: Flow;
  /** Credentials by node id. */
  credentials?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Keep and use this user directory instead of a temporary one. */
  userDir?: string;
  /** Further settings. */
  settings?: Readonly<Record<string, unknown>>;
  /** Bearer tokens of the admin API and what they may do (`*`, `read`, …). Without any everybody may do everything. */
  tokens?: Readonly<Record<string, string>>;
  /** Milliseconds until it must be up. Default 30 s. */
  timeoutMs?: number;
}

/** Versions that the package is tested with. */
export const NODE_RED_VERSIONS = ['node-red', 'node-red-4.1'] as const;
export type NodeRedVersion = (typeof NODE_RED_VERSIONS)[number];

/** A running Node-RED. */
export interface NodeRed {
  readonly version: string;
  /** Address of its admin API, without a slash at the end. */
  readonly admin: string;
  /** Address of its HTTP nodes. */
  readonly http: string;
  readonly userDir: string;
  readonly child: ChildProcess;
  /** Everything it has written so far. */
  log(): string;
  /** Deploys a flow; resolves when Node-RED has accepted it (it starts right after). */
  deploy(flow: Flow, type: DeployType): Promise<void>;
  /** A request to the admin API, answered as JSON. Rejects on other statuses than 2xx. */
  get<T>(address: string): Promise<T>;
  post<T>(address: string, body?: unknown): Promise<T>;
  /** Stops it as an operator would. */
  stop(): Promise<void>;
  /** Kills it as a power failure would. */
  kill(): Promise<void>;
}

const ROOT = path.join(__dirname, '..', '..');
const PACKAGE = '@nexus/node-red-marketing';

/** Starts a headless Node-RED in a process of its own, with this package's nodes. */
export async function startNodeRed(options: NodeRedOptions): Promise<NodeRed> {
  const temporary = options.userDir === undefined;
  const userDir = options.userDir ?? mkdtempSync(path.join(tmpdir(), 'nm-node-red-'));
  installPackage(userDir);
  writeFileSync(path.join(userDir, 'flows.json'), JSON.stringify(options.flow));
  if (options.credentials) writeFileSync(path.join(userDir, 'flows_cred.json'), JSON.stringify(options.credentials));

  const child = fork(path.join(__dirname, 'node-red-host.ts'), [], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: nodeOptions(), LANG: 'C' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.send({
    version: options.version ?? 'node-red',
    ...(options.tokens ? { tokens: options.tokens } : {}),
    settings: {
      httpAdminRoot: '/red',
      httpNodeRoot: '/',
      disableEditor: true,
      userDir,
      flowFile: 'flows.json',
      credentialSecret: false,
      telemetry: { enabled: false },
      editorTheme: { tours: false },
      runtimeState: { enabled: false },
      logging: { console: { level: 'info', metrics: false, audit: false } },
      ...options.settings,
    },
  });
  let ready;
  try {
    ready = await waitUntilReady(child, options.timeoutMs ?? 30_000);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${output}`, { cause: error });
  }
  const http = `http://127.0.0.1:${ready.port}`;
  const admin = `${http}/red`;
  const tidy = async (): Promise<void> => {
    await exited;
    if (temporary) rmSync(userDir, { recursive: true, force: true });
  };
  return {
    version: ready.version,
    admin,
    http,
    userDir,
    child,
    log: () => output,
    deploy: (flow, type) =>
      request(
        'POST',
        `${admin}/flows`,
        { flows: flow },
        { 'Node-RED-API-Version': 'v2', 'Node-RED-Deployment-Type': type },
      ).then(() => undefined),
    get: (address) => request('GET', `${admin}/${address}`),
    post: (address, body = {}) => request('POST', `${admin}/${address}`, body),
    async stop() {
      if (child.connected) child.send('stop');
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await tidy();
      clearTimeout(timer);
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The child reads TypeScript too. */
export function nodeOptions(): string {
  const own = process.env['NODE_OPTIONS'] ?? '';
  return own.includes('ts.cjs') ? own : `${own} --require ${path.join(ROOT, 'tools', 'ts.cjs')}`.trim();
}

interface Ready {
  ready: true;
  port: number;
  version: string;
}

function waitUntilReady(child: ChildProcess, timeoutMs: number): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Node-RED was not up after ${timeoutMs} ms.`)), timeoutMs);
    child.once('message', (message) => {
      clearTimeout(timer);
      const answer = message as Ready | { ready: false; error: string };
      if (answer.ready) resolve(answer);
      else reject(new Error(answer.error));
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`Node-RED ended with ${code ?? signal} before it was up.`));
    });
  });
}

async function request<T>(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok)
    throw Object.assign(new Error(`${method} ${url}: ${response.status} ${text}`), {
      status: response.status,
      body: text,
    });
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/**
 * Installs the package into a user directory: what was built if `MARKETING_TEST_DIST` is set, else a stand-in of the
 * same shape whose files load the TypeScript sources.
 */
export function installPackage(userDir: string): void {
  const target = path.join(userDir, 'node_modules', PACKAGE);
  if (existsSync(path.join(target, 'package.json'))) return;
  mkdirSync(target, { recursive: true });
  const entries = readdirSync(path.join(ROOT, 'nodes')).filter((name) =>
    existsSync(path.join(ROOT, 'nodes', name, `${name}.ts`)),
  );
  const nodes = Object.fromEntries(entries.map((name) => [name, `dist/nodes/${name}/${name}.js`]));
  const plugins = { 'marketing-editor': 'dist/nodes/kit/plugin.js' };
  writeFileSync(
    path.join(target, 'package.json'),
    JSON.stringify({ name: PACKAGE, version: '0.0.0', 'node-red': { version: '>=4.1.0', nodes, plugins } }),
  );
  if (process.env['MARKETING_TEST_DIST']) {
    // Real files with real paths: what they require is found from the project.
    for (const file of [...Object.values(nodes), ...Object.values(plugins)])
      standIn(target, file, path.join(ROOT, file));
    return;
  }
  for (const file of [...Object.values(nodes), ...Object.values(plugins)]) {
    standIn(target, file, path.join(ROOT, file.replace(/^dist\//, '').replace(/\.js$/, '.ts')));
  }
}

function standIn(target: string, file: string, source: string): void {
  const folder = path.dirname(path.join(target, file));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(target, file), `module.exports = require(${JSON.stringify(source)});\n`);
  const html = source.replace(/\.(ts|js)$/, '.html');
  if (existsSync(html)) cpSync(html, path.join(target, file.replace(/\.js$/, '.html')));
  for (const beside of ['locales', 'icons']) {
    const origin = path.join(path.dirname(source), beside);
    if (existsSync(origin)) cpSync(origin, path.join(folder, beside), { recursive: true });
  }
}
