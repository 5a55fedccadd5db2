/**
 * `npm run bench -- NAME [options] --json`: runs one bench. Progress goes to stderr; the last line of stdout is one JSON object
 * with the figures and a `ratio`. `npm run bench -- NAME --help` lists the options.
 */
import { InputError, messageOf } from '../lib/errors';
import { readOptions, type Bench } from './lib/bench';
import { machine } from './lib/machine';
import { bench as api } from './api';
import { bench as dashboard } from './dashboard';
import { bench as experiment } from './experiment';
import { bench as imports } from './import';
import { bench as init } from './init';
import { bench as launch } from './launch';
import { bench as roi } from './roi';
import { bench as parallel } from './parallel';
import { bench as score } from './score';
import { bench as segment } from './segment';
import { bench as send } from './send';
import { bench as split } from './split';
import { bench as throttle } from './throttle';
import { bench as timers } from './timers';
import { bench as trigger } from './trigger';

const BENCHES: readonly Bench[] = [
  send,
  segment,
  timers,
  imports,
  trigger,
  launch,
  init,
  dashboard,
  api,
  throttle,
  roi,
  parallel,
  split,
  experiment,
  score,
];

async function main([name, ...args]: readonly string[]): Promise<number> {
  const bench = BENCHES.find((one) => one.name === name);
  if (!bench || args.includes('--help')) {
    process.stderr.write(`${help(bench)}\n`);
    return bench ? 0 : 2;
  }
  const context = readOptions(bench, args);
  const where = machine();
  context.say(`${bench.name}: ${bench.summary}`);
  context.say(`Node ${where.node}, ${where.cores} × ${where.cpu}, load ${where.loadBefore}, ${where.product}`);
  const figures = await bench.run(context);
  if (!args.includes('--json')) context.say(JSON.stringify(figures, null, 2));
  process.stdout.write(`${JSON.stringify({ bench: bench.name, ...figures, machine: where })}\n`);
  return 0;
}

function help(bench: Bench | undefined): string {
  const lines = bench
    ? Object.entries(bench.options).map(
        ([name, option]) => `  --${name.padEnd(14)} ${option.says} (default ${option.default})`,
      )
    : BENCHES.map((one) => `  ${one.name.padEnd(10)} ${one.summary}`);
  return [`npm run bench -- ${bench?.name ?? 'NAME'} [options] --json`, ...lines].join('\n');
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof InputError ? messageOf(error) : error instanceof Error ? error.stack : String(error)}\n`,
    );
    process.exit(1);
  },
);
