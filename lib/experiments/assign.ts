import { MarketingError } from '../errors';
import type { Scope } from '../store';
import { bucketOf, ownerOf, seedOf, sizesOf, BUCKETS } from './allocation';
import { baselineOf } from './change';
import { readExperiments } from './rows';
import type { Experiment } from './types';

/** Somebody who is to be given a variant. */
export interface Arriving {
  readonly campaign: number;
  readonly lead: number;
}

/** Who got what. */
export interface Assigned {
  readonly experiment: number;
  readonly variant: string;
  readonly control: boolean;
  /** 0 to 9,999. */
  readonly bucket: number;
  /** `stays`: was exposed before. `new`: by the bucket. `decided`: the test is over. `too_small`: there is none. */
  readonly because: 'stays' | 'new' | 'decided' | 'too_small';
  readonly content?: Readonly<Record<string, unknown>>;
}

/** Makes sure that experiments are there and begun. */
export interface Preparing {
  /** Creates the experiment of a campaign that has none. False: there is to be none; else everything is looked at again. */
  create(campaign: number): Promise<boolean>;
  /** Called for each experiment before anybody is assigned. True when it changed: then everything is looked at again. */
  begin(experiment: Standing): Promise<boolean>;
}

/** How an experiment stands, as far as every assignment looks. */
export interface Standing {
  readonly id: number;
  readonly campaign: number;
  readonly version: number;
  readonly state: string;
  readonly declared: string | null;
}

interface Look extends Standing {
  readonly n: number;
  readonly variant: string | null;
  readonly bucket: number | null;
}

/** What is kept of an experiment between two groups of people. */
interface Known {
  readonly experiment: Experiment;
  readonly seed: number;
}

const MOST_TRIES = 8;
const MOST_KNOWN = 1_000;

/**
 * Gives people their variants: one statement for a group that was exposed before; for newcomers one transaction more, which writes their
 * exposures and the counters. An experiment's allocation is kept in memory as long as its version, which each group looks at.
 */
export class Assigner {
  private readonly known = new Map<number, Known>();

  /** @param mostKnown experiments that are kept in memory */
  constructor(
    private readonly scope: Scope,
    private readonly mostKnown = MOST_KNOWN,
  ) {}

  /**
   * Who gets what of the experiment with this key, in the order of the people; undefined where their campaign has none.
   * @param key undefined: the experiment that the campaign's own contents are in
   */
  async assign(
    people: readonly Arriving[],
    key: string | undefined,
    preparing: Preparing,
  ): Promise<(Assigned | undefined)[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(people, key, preparing);
      } catch (error) {
        if (!(error instanceof Overtaken) || attempt >= MOST_TRIES) throw error;
      }
    }
  }

  private async once(
    people: readonly Arriving[],
    key: string | undefined,
    preparing: Preparing,
  ): Promise<(Assigned | undefined)[]> {
    const looks = newestOf(await lookAt(this.scope, people, key));
    const found = new Set(looks.map(({ campaign }) => campaign));
    let changed = false;
    for (const campaign of new Set(people.map((one) => one.campaign))) {
      if (!found.has(campaign) && (await preparing.create(campaign))) changed = true;
    }
    for (const standing of new Map(looks.map((look) => [look.id, look])).values()) {
      if (await preparing.begin(standing)) changed = true;
    }
    if (changed) throw new Overtaken();
    await this.learn(looks);
    const assigned: (Assigned | undefined)[] = people.map(() => undefined);
    const fresh: Newcomer[] = [];
    for (const look of looks) {
      const known = this.known.get(look.id);
      const lead = people[look.n]?.lead;
      if (!known || lead === undefined) continue;
      const one = give(known, look, lead);
      assigned[look.n] = one;
      if (one.because !== 'stays' && one.because !== 'too_small') fresh.push({ ...one, lead, known });
    }
    if (fresh.length > 0) await expose(this.scope, fresh);
    return assigned;
  }

  private async learn(looks: readonly Look[]): Promise<void> {
    // Before it is found out which are missing: those of this group must all be known afterwards.
    if (this.known.size > this.mostKnown) this.known.clear();
    const stale = new Set(
      looks.filter(({ id, version }) => this.known.get(id)?.experiment.version !== version).map(({ id }) => id),
    );
    if (stale.size === 0) return;
    for (const experiment of await readExperiments(this.scope, [...stale])) {
      this.known.set(experiment.id, { experiment, seed: seedOf(experiment.id, experiment.salt) });
    }
  }
}

/** Somebody else was faster, with the same people or with the allocation: look again. */
class Overtaken extends MarketingError {
  constructor() {
    super('E_EXPERIMENT_RACE', 'The experiment changed at the same moment: try again.', { retryable: true });
  }
}

interface Newcomer extends Assigned {
  readonly lead: number;
  readonly known: Known;
}

function give({ experiment, seed }: Known, look: Look, lead: number): Assigned {
  const of = (variant: string, bucket: number, because: Assigned['because']): Assigned => {
    const found = experiment.variants.find(({ key }) => key === variant);
    return {
      experiment: experiment.id,
      variant,
      control: found?.control ?? false,
      bucket,
      because,
      ...(found?.content === undefined ? {} : { content: found.content }),
    };
  };
  if (look.variant !== null) return of(look.variant, look.bucket ?? 0, 'stays');
  const bucket = bucketOf(seed, lead);
  if (experiment.state === 'too_small') return of(baselineOf(experiment), bucket, 'too_small');
  const variant = ownerOf(experiment.ranges, bucket) ?? baselineOf(experiment);
  return of(variant, bucket, experiment.state === 'decided' ? 'decided' : 'new');
}

async function lookAt(scope: Scope, people: readonly Arriving[], key: string | undefined): Promise<Look[]> {
  const { dialect } = scope;
  return scope.all<Look>(
    `SELECT r.n, e.id, e.campaign_id AS campaign, e.version, e.state, e.declared, x.variant_key AS variant, x.bucket
     FROM ${dialect.rows('people', { n: 'int', campaign: 'int', lead: 'int' }, 'r')}
     ${dialect.join} marketing_experiments e ON e.campaign_id = r.campaign AND e.tenant_id = :tenant
       AND ${key === undefined ? `e.source = 'campaign'` : 'e.experiment_key = :key'}
     LEFT JOIN marketing_exposures x ON x.experiment_id = e.id AND x.lead_id = r.lead AND x.tenant_id = :tenant
     ORDER BY r.n, e.id`,
    {
      people: JSON.stringify(people.map(({ campaign, lead }, n) => [n, campaign, lead])),
      ...(key === undefined ? {} : { key }),
    },
  );
}

/** One experiment per person: of several that a campaign's contents have been in, the newest. */
function newestOf(looks: readonly Look[]): Look[] {
  return [...new Map(looks.map((look) => [look.n, look])).values()];
}

/** Writes newcomers' exposures and counts them, if the experiments are still what they were given by. @throws Overtaken */
async function expose(scope: Scope, newcomers: readonly Newcomer[]): Promise<void> {
  // The same person may stand in a group twice.
  const people = [...new Map(newcomers.map((one) => [`${one.experiment}:${one.lead}`, one])).values()];
  const experiments = new Map(people.map(({ known: { experiment } }) => [experiment.id, experiment]));
  await scope.transaction(async (tx) => {
    const { dialect } = tx;
    const now = tx.clock.now();
    const held = await tx.all<{ id: number; version: number }>(
      `SELECT e.id, e.version FROM ${dialect.rows('ids', { experiment: 'int' }, 'r')}
       ${dialect.join} marketing_experiments e ON e.id = r.experiment WHERE e.tenant_id = :tenant ORDER BY e.id
       ${dialect.name === 'postgres' ? 'FOR UPDATE OF e' : dialect.forUpdate}`,
      { ids: JSON.stringify([...experiments.keys()].sort((a, b) => a - b).map((id) => [id])) },
    );
    if (held.length !== experiments.size) throw new Overtaken();
    for (const { id, version } of held) if (experiments.get(id)?.version !== Number(version)) throw new Overtaken();
    const written = await tx.run(
      `${dialect.insertCounted} INTO marketing_exposures (tenant_id, experiment_id, campaign_id, lead_id, variant_key, bucket, exposed_at)
       SELECT :tenant, r.experiment, r.campaign, r.lead, r.of_variant, r.at_bucket, :now
       FROM ${dialect.rows(
         'rows',
         { experiment: 'int', campaign: 'int', lead: 'int', of_variant: 'text', at_bucket: 'int' },
         'r',
       )} WHERE 1 = 1 ${dialect.countedTail}`,
      {
        now,
        rows: JSON.stringify(
          people.map(({ experiment, known, lead, variant, bucket }) => [
            experiment,
            known.experiment.campaign,
            lead,
            variant,
            bucket,
          ]),
        ),
      },
    );
    if (written !== people.length) throw new Overtaken();
    await countExposures(tx, people, [...experiments.values()]);
  });
}

/** Adds to each variant who got it, and how many were meant for it. */
async function countExposures(
  tx: Scope,
  people: readonly Newcomer[],
  experiments: readonly Experiment[],
): Promise<void> {
  const rows = experiments.flatMap((experiment) => {
    const own = people.filter((one) => one.experiment === experiment.id);
    const sizes = sizesOf(experiment.ranges);
    return experiment.variants.map(({ id, key }) => [
      id,
      own.filter(({ variant }) => variant === key).length,
      (own.length * (sizes.get(key) ?? 0)) / BUCKETS,
    ]);
  });
  rows.sort(([a = 0], [b = 0]) => a - b);
  await tx.run(
    tx.dialect.updateFrom(
      'marketing_variants',
      tx.dialect.rows('rows', { of_id: 'int', people: 'int', meant: 'real' }, 'r'),
      'exposed = exposed + people, expected = expected + meant',
      'marketing_variants.id = r.of_id AND tenant_id = :tenant',
    ),
    { rows: JSON.stringify(rows) },
  );
}
