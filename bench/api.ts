/**
 * The time of an answer of the REST API: list, get, create and patch of campaigns, with 100,000 of them, at 100 requests a second
 * on loopback, SQLite.
 *
 * **Ours**: the product in a process of its own as a store node has it, ledger and timers at work, behind its own router: the token
 * is looked up, the rate limits are counted, bodies are validated, each change is one transaction with its history and its
 * announcement.
 *
 * **Theirs**: bare Express and better-sqlite3 in another process, a copy of the same file with the same settings, one statement
 * per request and the row as JSON. Nobody is asked for a token, nothing is checked, nothing else is written.
 *
 * Requests leave at their time whether or not earlier ones were answered (25 a second of each kind), and their time counts from
 * then. The two take turns, one round each, in the same run. `ratio` is our p50 over all requests divided by theirs: what the rest
 * of it costs. `aimMet`: our p99 is below 50 ms.
 */
import { copyFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import path from 'node:path';
import type { Bench, BenchContext } from './lib/bench';
import { makeCampaigns } from './lib/campaigns';
import { startChild } from './lib/child';
import { withFolder } from './lib/folder';
import { fileOf } from './lib/people';
import { product } from './lib/product';
import { percentile, significant } from './lib/statistics';
import type { ApiHostQuestions } from './processes/api-host';
import type { PlainApiQuestions } from './processes/plain-api';

type Lib = typeof import('../lib');

const KINDS = ['list', 'get', 'create', 'patch'] as const;
type Kind = (typeof KINDS)[number];
type Times = Record<Kind, number[]>;

const AIM_MS = 50;

interface Side {
  readonly url: string;
  readonly token: string;
}

export const bench: Bench = {
  name: 'api',
  summary: 'answers of the REST API with many campaigns, against bare Express and one statement',
  options: {
    campaigns: { default: 100_000, says: 'campaigns existing' },
    rate: { default: 100, says: 'requests per second' },
    seconds: { default: 20, says: 'length of a round' },
    rounds: { default: 3, says: 'rounds of each side' },
  },
  async run(context) {
    return withFolder('api', async (folder) => {
      const campaigns = context.number('campaigns');
      const [ours, theirs] = await databases(folder, campaigns);
      const api = startChild<ApiHostQuestions>('api-host');
      const plain = startChild<PlainApiQuestions>('plain-api');
      const times = { ours: noTimes(), theirs: noTimes() };
      try {
        const sides = { ours: await api.ask('open', ours), theirs: await plain.ask('open', theirs) };
        // Once unmeasured: what is compiled at the first request is compiled.
        for (const side of Object.values(sides)) await load(side, { campaigns, rate: 100, seconds: 2 });
        for (let round = 1; round <= context.number('rounds'); round++) {
          for (const name of ['ours', 'theirs'] as const) {
            const found = await load(sides[name], {
              campaigns,
              rate: context.number('rate'),
              seconds: context.number('seconds'),
            });
            for (const kind of KINDS) times[name][kind].push(...found[kind]);
            say(context, `round ${round}, ${name}`, found);
          }
        }
        const [a, b] = [figuresOf(times.ours), figuresOf(times.theirs)];
        return {
          ratio: significant(a.all.p50Ms / b.all.p50Ms),
          ratioIs: 'our p50 / p50 of bare Express with one statement (lower is better)',
          aimMet: a.all.p99Ms < AIM_MS,
          campaigns,
          rate: context.number('rate'),
          ours: a,
          theirs: b,
        };
      } finally {
        await api.stop();
        await plain.stop();
      }
    });
  },
};

/** Two databases with the same campaigns. */
async function databases(folder: string, campaigns: number): Promise<[ours: string, theirs: string]> {
  const ours = `sqlite:${path.join(folder, 'ours.sqlite')}`;
  const theirs = `sqlite:${path.join(folder, 'theirs.sqlite')}`;
  const { openMarketing } = product<Lib>('lib/index');
  await (await openMarketing({ database: { url: ours }, work: false })).close();
  makeCampaigns(ours, campaigns, { mixed: true });
  copyFileSync(fileOf(ours), fileOf(theirs));
  return [ours, theirs];
}

/** Sends requests at their times, and measures from these until the last byte of each answer. */
async function load(
  side: Side,
  { campaigns, rate, seconds }: { campaigns: number; rate: number; seconds: number },
): Promise<Times> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const times = noTimes();
  const start = performance.now() + 100;
  const all = Array.from({ length: rate * seconds }, async (_none, i) => {
    const due = start + (i * 1_000) / rate;
    await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    const kind = KINDS[i % KINDS.length] ?? 'list';
    await send(agent, side, kind, ((i * 7_919) % campaigns) + 1);
    times[kind].push(performance.now() - due);
  });
  try {
    await Promise.all(all);
  } finally {
    agent.destroy();
  }
  return times;
}

function send(agent: Agent, { url, token }: Side, kind: Kind, id: number): Promise<void> {
  // Every fifth of the made-up campaigns is a draft, and may be changed.
  const draft = Math.max(5, id - (id % 5));
  const [method, below, body] = {
    list: ['GET', '/campaigns?limit=20', undefined] as const,
    get: ['GET', `/campaigns/${id}`, undefined] as const,
    create: ['POST', '/campaigns', { name: `Created ${id}`, ...(token === '' ? {} : { definition: 'made' }) }] as const,
    patch: ['PATCH', `/campaigns/${draft}`, { name: `Changed ${id} ${Math.random()}` }] as const,
  }[kind];
  const headers = {
    ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
  };
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${below}`, { method, agent, headers }, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode >= 300) reject(new Error(`${kind}: ${statusCode}`));
      response.resume().once('end', resolve).once('error', reject);
    });
    asked.once('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function noTimes(): Times {
  return { list: [], get: [], create: [], patch: [] };
}

interface KindFigures {
  p50Ms: number;
  p99Ms: number;
}

function figuresOf(times: Times): Record<Kind | 'all', KindFigures> & { requests: number } {
  const of = (values: readonly number[]): KindFigures => ({
    p50Ms: significant(percentile(values, 0.5)),
    p99Ms: significant(percentile(values, 0.99)),
  });
  const all = KINDS.flatMap((kind) => times[kind]);
  const { list, get, create, patch } = times;
  return { requests: all.length, all: of(all), list: of(list), get: of(get), create: of(create), patch: of(patch) };
}

function say(context: BenchContext, what: string, times: Times): void {
  const { all, ...figures } = figuresOf(times);
  const kinds = KINDS.map((kind) => `${kind} ${figures[kind].p50Ms}/${figures[kind].p99Ms}`).join(', ');
  context.say(`  ${what}: p50/p99 ${all.p50Ms}/${all.p99Ms} ms (${kinds})`);
}
