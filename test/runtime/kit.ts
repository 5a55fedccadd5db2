import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { main } from '../../lib/runtime/main';
import { createScreen } from '../../lib/runtime/screen';

/** The built package; `MARKETING_TEST_PACKAGE` names another build of it. */
export const PACKAGE = process.env['MARKETING_TEST_PACKAGE'] ?? path.join(__dirname, '..', '..');
const CLI = path.join(PACKAGE, 'dist', 'lib', 'runtime', 'cli.js');

/** What a command line came to. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The last line of stdout, parsed. */
  json(): unknown;
}

/** A running command. */
export interface Running {
  child: ChildProcess;
  output(): { stdout: string; stderr: string };
  ended: Promise<Outcome>;
}

/** Starts a command with an environment of its own: nothing of the developer's leaks in. */
export function startCli(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('MARKETING_') && name !== 'NODE_OPTIONS',
  );
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(outcome(code, { stdout, stderr })));
  });
  return { child, output: () => ({ stdout, stderr }), ended };
}

/** Runs a command in this process: what takes a second in one of its own takes a moment here. */
export async function runHere(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const code = await main(args, { screen: createScreen(stream('stdout'), stream('stderr')), environment });
  return outcome(code, written);
}

function outcome(code: number | null, { stdout, stderr }: { stdout: string; stderr: string }): Outcome {
  return { code, stdout, stderr, json: () => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as unknown };
}

/** Runs a command to its end. */
export function runCli(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return startCli(args, environment).ended;
}

/** A directory that is removed after the suite. Call it within `describe`. */
export function scratchFolder(): { path(...names: string[]): string } {
  let folder = '';
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'nm-runtime-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  return { path: (...names) => path.join(folder, ...names) };
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Asks again until `look` gives something, or the time is over. */
export async function eventually<T>(look: () => Promise<T | undefined>, ms = 30_000): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error('It did not happen in time.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
