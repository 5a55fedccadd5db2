import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const root = path.resolve(__dirname, '..', '..');

/** The package under test is this one, or the one of MARKETING_TEST_PACKAGE, such as an unpacked tarball. */
const packageFolder = process.env.MARKETING_TEST_PACKAGE ?? root;

/** A Node-RED of its own: a child process with its own user directory and port. */
export interface RunningNodeRed {
  /** Address of the editor, with a slash at the end. */
  readonly url: string;
  readonly version: string;
  /** What the process has printed so far. */
  output(): string;
  /** Deploys a whole flow file, as the editor does. */
  deploy(flows: object[]): Promise<void>;
  flows(): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** Settings that a test may choose. */
export interface NodeRedOptions {
  /** Folder of node_modules that holds the release: `node-red` or `node-red-4.1`. */
  release: 'node-red' | 'node-red-4.1';
  /** Path prefix of the editor. */
  adminRoot?: string;
  theme?: string;
}

/** The editor is tested as it is published, so it must have been built; `npm test` does that first. */
export function requireBuild(): void {
  for (const file of ['dist/nodes/store/store.js', 'dist/nodes/store/store.html', 'resources/marketing-editor.js']) {
    if (!existsSync(path.join(packageFolder, file))) throw new Error(`${file} is missing. Run: npm run build`);
  }
}

/** Starts Node-RED with this package installed, and resolves when the editor answers. */
export async function startNodeRed({ release, adminRoot = '/', theme }: NodeRedOptions): Promise<RunningNodeRed> {
  const userDir = mkdtempSync(path.join(tmpdir(), 'nexus-editor-'));
  installPackage(userDir);
  const port = await freePort();
  const settings = {
    uiHost: '127.0.0.1',
    uiPort: port,
    userDir,
    flowFile: 'flows.json',
    credentialSecret: 'editor test',
    httpAdminRoot: adminRoot,
    telemetry: { enabled: false },
    diagnostics: { enabled: false },
    editorTheme: {
      tours: false,
      projects: { enabled: false },
      palette: { catalogues: [] },
      ...(theme ? { theme } : {}),
    },
    logging: { console: { level: 'info', metrics: false, audit: false } },
  };
  const settingsFile = path.join(userDir, 'settings.js');
  writeFileSync(settingsFile, `module.exports = ${JSON.stringify(settings, null, 2)};\n`);
  const child = spawn(process.execPath, [path.join(root, 'node_modules', release, 'red.js'), '-s', settingsFile], {
    cwd: userDir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8');
    });
  }
  const url = new URL(adminRoot.replace(/\/?$/, '/'), `http://127.0.0.1:${port}`).href;
  try {
    await answering(url, child, () => printed);
  } catch (error) {
    await end(child);
    rmSync(userDir, { recursive: true, force: true });
    throw error;
  }
  return {
    url,
    version: /Node-RED version: v([\w.-]+)/.exec(printed)?.[1] ?? '',
    output: () => printed,
    deploy: async (flows) => {
      const response = await fetch(`${url}flows`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Node-RED-Deployment-Type': 'full' },
        body: JSON.stringify(flows),
      });
      if (!response.ok) throw new Error(`Deploy failed: ${response.status} ${await response.text()}`);
    },
    flows: async () => (await (await fetch(`${url}flows`)).json()) as Record<string, unknown>[],
    stop: async () => {
      await end(child);
      rmSync(userDir, { recursive: true, force: true });
    },
  };
}

function installPackage(userDir: string): void {
  const scope = path.join(userDir, 'node_modules', '@nexus');
  mkdirSync(scope, { recursive: true });
  symlinkSync(packageFolder, path.join(scope, 'node-red-marketing'), 'dir');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  server.close();
  await once(server, 'close');
  return port;
}

/** The flows have started too: the palette is complete and statuses are known. */
async function answering(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const until = performance.now() + 60_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Node-RED ended with ${child.exitCode}:\n${output()}`);
    if (performance.now() > until) throw new Error(`Node-RED did not answer within a minute:\n${output()}`);
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok === true && /Started flows|Waiting for missing types/.test(output())) return;
    await pause(100);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await exited;
  clearTimeout(late);
}
