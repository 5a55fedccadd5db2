/**
 * `npm run crash-test -- --audience 10000 --kills 10 --seed 1 --json`
 *
 * Kills a sending runtime again and again, under both policies (`--policy hold` or `resend`: one of them). With
 * `--node-red` it is a headless Node-RED that runs a flow; without, the same stations in a smaller program. The last line of the output is a JSON array with one
 * object per policy. Ends with 1 when a promise was not kept.
 */
import { parseArgs } from 'node:util';
import type { UnknownPolicy } from '../../lib/types';
import { crashRun, type CrashFigures } from './kit/crash-run';

const BOTH: readonly UnknownPolicy[] = ['resend', 'hold'];

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`--${name} must be a whole number from ${least}, not "${text}".`);
  return value;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      audience: { type: 'string', default: '10000' },
      kills: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      policy: { type: 'string' },
      'node-red': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const audience = whole('audience', values.audience, 1);
  const kills = whole('kills', values.kills, 0);
  const seed = whole('seed', values.seed, 0);
  const policies = BOTH.filter((policy) => values.policy === undefined || values.policy === policy);
  if (policies.length === 0)
    throw new Error(`--policy is "resend" or "hold", not "${values.policy}". Without it, both are tested.`);
  const kind = values['node-red'] ? 'node-red' : 'plain';
  const all: CrashFigures[] = [];
  let kept = true;
  for (const policy of policies) {
    const { figures, broken } = await crashRun({
      audience,
      kills,
      seed,
      policy,
      kind,
      say: (line) => console.log(line),
    });
    all.push(figures);
    for (const line of broken) console.log(`${policy}: NOT KEPT: ${line}`);
    kept &&= broken.length === 0;
    if (!values.json) console.table({ [policy]: { ...figures, kept: broken.length === 0 } });
  }
  console.log(JSON.stringify(all));
  process.exitCode = kept ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
