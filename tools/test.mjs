// Runs the test-suite: says which services answer, then mocha over test/**/*.test.ts (or the files that are named).
import { spawn } from 'node:child_process';
import net from 'node:net';
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

const args = process.argv.slice(2);
const files = args.some((arg) => arg.endsWith('.ts')) ? args : ['test/**/*.test.ts', ...args];
const mocha = path.join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
const child = spawn(process.execPath, [mocha, ...files], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${path.join(root, 'tools', 'ts.cjs')}`.trim(),
  },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
