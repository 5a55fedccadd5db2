// Runs the test-suite: says which services answer, then mocha over test/**/*.test.ts (or the files that are named).
//
// The suite starts hundreds of processes, servers and browsers. When a few files fail, they are run once more by themselves:
// what passes then depended on the load, is named as FLAKY, and does not fail the run; what fails twice does.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

const services = {
  SQLite: true,
  PostgreSQL: await answers(5432),
  MariaDB: await answers(3306),
  Redis: await answers(6379),
};
services.MongoDB = Boolean(process.env.MARKETING_TEST_MONGO_URL);
for (const [name, up] of Object.entries(services)) {
  console.log(`${name}: ${up ? 'answers, its tests run' : 'does not answer on loopback, its tests are skipped'}`);
}

/** More files than this do not fail by chance. */
const FEW_FILES = 3;

const mocha = path.join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
const work = mkdtempSync(path.join(os.tmpdir(), 'marketing-tests-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

/** Runs mocha to its end: how it ended, and what it counted (nothing when it did not get that far). */
function run(args, result) {
  const child = spawn(
    process.execPath,
    [mocha, '--reporter', path.join(root, 'tools', 'reporter.cjs'), '--exit', ...args],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        MARKETING_TEST_RESULT: result,
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${path.join(root, 'tools', 'ts.cjs')}`.trim(),
      },
    },
  );
  const pass = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass);
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, pass);
      const counted = existsSync(result) ? JSON.parse(readFileSync(result, 'utf8')) : undefined;
      resolve({ code: code ?? 1, interrupted: signal !== null, counted });
    });
  });
}

const args = process.argv.slice(2);
const first = await run(
  args.some((arg) => arg.endsWith('.ts')) ? args : ['test/**/*.test.ts', ...args],
  path.join(work, 'first.json'),
);
const failed = first.counted?.failed ?? [];
const files = [...new Set(failed.map(({ file }) => file))];
if (first.code === 0 || first.interrupted || files.length === 0 || files.length > FEW_FILES) process.exit(first.code);

console.log(`\nOnce more, by themselves: ${files.join(', ')}\n`);
const second = await run(files, path.join(work, 'second.json'));
if (second.code !== 0 || !second.counted) process.exit(second.code || 1);
for (const { title, reason, file } of failed) console.log(`FLAKY TEST: ${title}: ${reason} (${file})`);
const { passes, pending } = first.counted;
console.log(`${passes + failed.length} passed, 0 failed, ${pending} skipped`);
