import { authorise, nameOf, type Actor } from '../access';
import { ConflictError, InputError, NotFoundError } from '../errors';
import { record } from '../history';
import type { Scope } from '../store';
import type { Timers } from '../timers';
import { Assigner, type Arriving, type Assigned, type Standing } from './assign';
import { changeAllocation, decide, mustBeOpen, mustBeVersion, writeChange } from './change';
import { checkExperiment, checkShares, keyOf, SMALLEST_AUDIENCE, type CheckedExperiment } from './check';
import { insertExperiment, insertVariants, start } from './create';
import { hashOf, redeclare } from './declare';
import { lookAtExperiment } from './look';
import { reportOn, type ExperimentReport } from './report';
import { listExperiments, lockExperiment, readExperiment } from './rows';
import type { Experiment, ExperimentSettings, ExperimentState, NewExperiment } from './types';

const KIND = 'experiment';
const ACTOR = 'system:experiments';
/** How often a running experiment is looked at, ms: every ten minutes at first, every six hours when it has run for five days. */
const SHORTEST = 10 * 60_000;
const LONGEST = 6 * 3_600_000;
const LOOKS = 20;
/** How long after its campaign's end an experiment is still looked at: conversions count up to 30 days. */
const AFTERWARDS = 31 * 86_400_000;
const PAGE = 500;

/** What experiments need of their surroundings. */
export interface ExperimentDeps {
  readonly timers: Timers;
  /**
   * The run of a campaign, and how many people it enters; undefined when they come one by one, by an event.
   * @throws NotFoundError `E_UNKNOWN_CAMPAIGN`
   */
  audience(campaign: number): Promise<{ run: number; audience: number | undefined }>;
  /** @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
  campaign(idOrKey: number | string): Promise<{ id: number; endedAt?: number; deletedAt?: number }>;
}

/** Who does it, and which version was seen. */
export interface ExperimentOptions {
  readonly actor?: Actor;
  /** The version that the decision was made on; another one is a conflict. */
  readonly version?: number;
}

/**
 * Experiments of campaigns: who gets which variant, what comes of it, which one wins. Register before the timers start, then call
 * {@link recover}.
 */
export class Experiments {
  private readonly assigner: Assigner;
  private readonly checked = new Map<string, { checked: CheckedExperiment; hash: string }>();

  constructor(
    private readonly scope: Scope,
    private readonly deps: ExperimentDeps,
  ) {
    this.assigner = new Assigner(scope);
    deps.timers.on(KIND, ({ key }) => this.ring(Number(key)));
  }

  /** Call once the timers have started: sets those that a crash kept from being set. */
  async recover(): Promise<void> {
    for (let after = 0; ;) {
      const page = await listExperiments(this.scope, { state: 'running', after, limit: PAGE });
      for (const one of page) await this.watch(one);
      const last = page.at(-1);
      if (!last || page.length < PAGE) return;
      after = last.id;
    }
  }

  /**
   * Divides people who arrive at a split node together. The experiment of each campaign is created from the node's configuration when
   * somebody first arrives.
   * @throws InputError `E_EXPERIMENT`
   */
  async split(people: readonly Arriving[], declared: NewExperiment & { key: string }): Promise<Assigned[]> {
    const { checked, hash } = this.check(declared);
    const assigned = await this.assigner.assign(people, checked.key, {
      create: async (campaign) => {
        await this.scope.transaction(async (tx) =>
          insertExperiment(tx, checked, { campaign, source: 'split', declared: hash, actor: ACTOR }),
        );
        return true;
      },
      begin: async (standing) => {
        const changed =
          standing.declared !== hash && isOpen(standing.state)
            ? await redeclare(this.scope, standing.id, checked, hash, ACTOR)
            : false;
        return (await this.begin(standing)) || changed;
      },
    });
    return assigned.map((one, at) => {
      if (one) return one;
      throw new NotFoundError('E_UNKNOWN_CAMPAIGN', `There is no campaign ${people[at]?.campaign ?? ''}.`);
    });
  }

  /** Divides people who are about to get their campaign's contents; undefined for those whose campaign has no experiment of its own. */
  divide(people: readonly Arriving[]): Promise<(Assigned | undefined)[]> {
    return this.assigner.assign(people, undefined, {
      create: () => Promise.resolve(false),
      begin: (standing) => this.begin(standing),
    });
  }

  /**
   * Declares an experiment on a campaign: its variants may bring contents of their own, per channel, which send nodes take that say "the
   * campaign's content". It starts when the first person comes.
   * @throws InputError `E_EXPERIMENT`; ConflictError `E_EXPERIMENT_EXISTS`; NotFoundError `E_UNKNOWN_CAMPAIGN`; ForbiddenError
   */
  async create(
    campaign: number | string,
    input: NewExperiment,
    { actor }: ExperimentOptions = {},
  ): Promise<Experiment> {
    authorise(actor, 'campaign:write');
    const key = input.key ?? (keyOf(input.name).toLowerCase() || 'content');
    const checked = checkExperiment(input, key);
    const { id } = await this.deps.campaign(campaign);
    return this.scope.transaction(async (tx) => {
      await lockFor(tx, id, input.variants);
      const others = await listExperiments(tx, { campaign: id, limit: 1_000 });
      const open = others.find(({ source, state }) => source === 'campaign' && isOpen(state));
      const made = open
        ? undefined
        : await insertExperiment(tx, checked, { campaign: id, source: 'campaign', actor: nameOf(actor) });
      if (made !== undefined) return readExperiment(tx, made);
      throw new ConflictError(
        'E_EXPERIMENT_EXISTS',
        open
          ? `The campaign has the experiment "${open.key}" under way. Decide or stop it first.`
          : `The campaign already has an experiment "${key}". Choose another key.`,
      );
    });
  }

  /** @throws NotFoundError `E_UNKNOWN_EXPERIMENT`; ForbiddenError */
  async get(id: number, { actor }: ExperimentOptions = {}): Promise<Experiment> {
    authorise(actor, 'campaign:read');
    return readExperiment(this.scope, id);
  }

  /** Experiments in the order of their ids, 100 at most after the id `after`. @throws NotFoundError `E_UNKNOWN_CAMPAIGN`; ForbiddenError */
  async list(
    query: { campaign?: number | string; state?: ExperimentState; after?: number; limit?: number } = {},
    { actor }: ExperimentOptions = {},
  ): Promise<Experiment[]> {
    authorise(actor, 'campaign:read');
    const { campaign, limit = 20, ...rest } = query;
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= 101)) {
      throw new InputError('E_PAGE', `${limit} is no page size: give a whole number from 1 to 100.`);
    }
    const id = campaign === undefined ? undefined : (await this.deps.campaign(campaign)).id;
    return listExperiments(this.scope, { ...rest, limit, ...(id === undefined ? {} : { campaign: id }) });
  }

  /**
   * Changes the name, or the settings of an experiment that has not started: what a test is judged by is fixed before it begins. Only
   * whether a winner takes over by itself may be changed later.
   * @throws InputError `E_EXPERIMENT`; ConflictError `E_CONFLICT`, `E_EXPERIMENT_STATE`; NotFoundError; ForbiddenError
   */
  async update(
    id: number,
    changes: { name?: string; settings?: Partial<ExperimentSettings> },
    { actor, version }: ExperimentOptions = {},
  ): Promise<Experiment> {
    authorise(actor, 'campaign:write');
    return this.scope.transaction(async (tx) => {
      const experiment = await lockExperiment(tx, id);
      mustBeVersion(experiment, version);
      mustBeOpen(experiment);
      const { name = experiment.name, settings = {} } = changes;
      const others = Object.keys(settings).filter((what) => what !== 'autoWinner');
      if (experiment.state === 'running' && others.length > 0) {
        throw new ConflictError(
          'E_EXPERIMENT_STATE',
          `The experiment ${id} is running: "${others.join('", "')}" cannot change any more, or its result would mean nothing.`,
        );
      }
      const checked = checkExperiment(
        {
          name,
          metric: experiment.metric,
          settings: { ...experiment.settings, ...settings },
          variants: experiment.variants.map(({ key, name: of, share, control }) => ({ key, name: of, share, control })),
        },
        experiment.key,
      );
      await writeChange(tx, experiment, { name, settings: checked.settings });
      await record(tx, {
        event: 'experiment.updated',
        campaign: experiment.campaign,
        actor: nameOf(actor),
        before: { experiment: id, name: experiment.name, settings: experiment.settings },
        after: { name, settings: checked.settings },
      });
      return readExperiment(tx, id);
    });
  }

  /**
   * Changes the shares, in percent by variant: only those who must move get another variant, and nobody who was exposed.
   * @throws InputError `E_EXPERIMENT`; ConflictError `E_CONFLICT`, `E_EXPERIMENT_STATE`; NotFoundError; ForbiddenError
   */
  async allocate(
    id: number,
    shares: Readonly<Record<string, number>>,
    { actor, version }: ExperimentOptions = {},
  ): Promise<Experiment> {
    authorise(actor, 'campaign:write');
    return this.scope.transaction(async (tx) => {
      const experiment = await lockExperiment(tx, id);
      mustBeVersion(experiment, version);
      mustBeOpen(experiment);
      const wanted = checkShares(
        experiment.variants.map(({ key }) => key),
        shares,
      );
      await changeAllocation(tx, experiment, wanted, { actor: nameOf(actor), event: 'experiment.shares_changed' });
      return readExperiment(tx, id);
    });
  }

  /**
   * Copies a variant with its content under another key. The copy gets nobody until the shares say so. Five at most.
   * @throws InputError `E_EXPERIMENT`; ConflictError `E_CONFLICT`, `E_EXPERIMENT_STATE`; NotFoundError `E_UNKNOWN_VARIANT`; ForbiddenError
   */
  async clone(
    id: number,
    variant: string,
    as: { key?: string; name: string; content?: Readonly<Record<string, unknown>> },
    { actor, version }: ExperimentOptions = {},
  ): Promise<Experiment> {
    authorise(actor, 'campaign:write');
    return this.scope.transaction(async (tx) => {
      // Campaigns are locked before their experiments.
      if (as.content !== undefined) await lockFor(tx, (await readExperiment(tx, id)).campaign, [as]);
      const experiment = await lockExperiment(tx, id);
      mustBeVersion(experiment, version);
      mustBeOpen(experiment);
      const original = experiment.variants.find(({ key }) => key === variant);
      if (!original) throw unknownVariant(experiment, variant);
      const copy = {
        key: as.key ?? keyOf(as.name),
        name: as.name,
        control: original.control,
        ...((as.content ?? original.content) ? { content: as.content ?? original.content ?? {} } : {}),
      };
      // The rules for variants hold for the copy as well.
      checkExperiment(
        {
          metric: experiment.metric,
          settings: experiment.settings,
          variants: [...experiment.variants, { ...copy, share: 0 }],
        },
        experiment.key,
      );
      await insertVariants(tx, id, [{ ...copy, place: experiment.variants.length }]);
      await writeChange(tx, experiment, {});
      await record(tx, {
        event: 'experiment.variant_cloned',
        campaign: experiment.campaign,
        actor: nameOf(actor),
        payload: { experiment: id, from: variant, to: copy.key },
      });
      return readExperiment(tx, id);
    });
  }

  /** How an experiment stands. Looks at it without deciding anything. @throws NotFoundError `E_UNKNOWN_EXPERIMENT`; ForbiddenError */
  async report(id: number, { actor }: ExperimentOptions = {}): Promise<ExperimentReport> {
    authorise(actor, 'analytics:read');
    return reportOn(await readExperiment(this.scope, id), this.scope.clock.now());
  }

  /**
   * Ends an experiment by a person's word: with a winner, who gets everybody from now on, or with none (`null`), when the baseline does.
   * @throws ConflictError `E_CONFLICT`, `E_EXPERIMENT_STATE`; NotFoundError `E_UNKNOWN_VARIANT`; ForbiddenError
   */
  async decide(
    id: number,
    winner: string | null,
    { actor, version, reason }: ExperimentOptions & { reason?: string } = {},
  ): Promise<Experiment> {
    authorise(actor, 'campaign:launch');
    const decided = await this.scope.transaction(async (tx) => {
      const experiment = await lockExperiment(tx, id);
      mustBeVersion(experiment, version);
      mustBeOpen(experiment);
      if (winner !== null && !experiment.variants.some(({ key }) => key === winner))
        throw unknownVariant(experiment, winner);
      const by = nameOf(actor);
      await decide(tx, experiment, { winner, because: reason ?? 'decided by hand', by });
      return readExperiment(tx, id);
    });
    await this.deps.timers.cancel(KIND, String(id));
    return decided;
  }

  /**
   * Stops evaluating. People go on being divided as they are now.
   * @throws ConflictError `E_CONFLICT`, `E_EXPERIMENT_STATE`; NotFoundError; ForbiddenError
   */
  async stop(
    id: number,
    { actor, version, reason }: ExperimentOptions & { reason?: string } = {},
  ): Promise<Experiment> {
    authorise(actor, 'campaign:launch');
    const stopped = await this.scope.transaction(async (tx) => {
      const experiment = await lockExperiment(tx, id);
      mustBeVersion(experiment, version);
      mustBeOpen(experiment);
      await writeChange(tx, experiment, { state: 'stopped', ended: true });
      await record(tx, {
        event: 'experiment.stopped',
        campaign: experiment.campaign,
        actor: nameOf(actor),
        payload: { experiment: id, key: experiment.key, ...(reason === undefined ? {} : { reason }) },
      });
      return readExperiment(tx, id);
    });
    await this.deps.timers.cancel(KIND, String(id));
    return stopped;
  }

  /** Looks at an experiment now, as the timer does: names a winner where the rule allows it. @throws NotFoundError; ForbiddenError */
  async look(id: number, { actor }: ExperimentOptions = {}): Promise<Experiment> {
    authorise(actor, 'campaign:launch');
    await this.ring(id);
    return readExperiment(this.scope, id);
  }

  private check(declared: NewExperiment & { key: string }): { checked: CheckedExperiment; hash: string } {
    const text = JSON.stringify(declared);
    const known = this.checked.get(text);
    if (known) return known;
    if (this.checked.size > 1_000) this.checked.clear();
    const checked = checkExperiment(declared, declared.key);
    const one = { checked, hash: hashOf(checked) };
    this.checked.set(text, one);
    return one;
  }

  /** Starts what is planned, and what was too small once its campaign runs again. */
  private async begin({ id, campaign, state }: Standing): Promise<boolean> {
    if (state !== 'planned' && state !== 'too_small') return false;
    const { run, audience } = await this.deps.audience(campaign);
    return this.scope.transaction(async (tx) => {
      const experiment = await lockExperiment(tx, id);
      if (experiment.state !== 'planned' && experiment.state !== 'too_small') return true;
      if (experiment.state === 'too_small' && experiment.run === run) return false;
      await start(tx, experiment, { run, audience, smallest: SMALLEST_AUDIENCE });
      if (audience === undefined || audience >= SMALLEST_AUDIENCE) {
        const startedAt = tx.clock.now();
        tx.afterCommit(() => void this.watch({ ...experiment, startedAt }).catch(() => undefined));
      }
      return true;
    });
  }

  /** Sets the next look. */
  private async watch({ id, startedAt }: Pick<Experiment, 'id' | 'startedAt'>): Promise<void> {
    const now = this.scope.clock.now();
    const pause = Math.min(LONGEST, Math.max(SHORTEST, (now - (startedAt ?? now)) / LOOKS));
    await this.deps.timers.set(KIND, String(id), now + Math.round(pause));
  }

  private async ring(id: number): Promise<void> {
    try {
      const experiment = await lookAtExperiment(this.scope, id);
      if (experiment.state !== 'running') return;
      const { endedAt, deletedAt } = await this.deps.campaign(experiment.campaign);
      const over = deletedAt ?? endedAt;
      if (over === undefined || over + AFTERWARDS > this.scope.clock.now()) await this.watch(experiment);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
}

function isOpen(state: string): boolean {
  return state === 'planned' || state === 'running' || state === 'too_small';
}

function unknownVariant({ id, variants }: Experiment, key: string): NotFoundError {
  return new NotFoundError(
    'E_UNKNOWN_VARIANT',
    `The experiment ${id} has no variant "${key}". It has ${variants.map((variant) => variant.key).join(', ')}.`,
  );
}

/**
 * Locks a campaign that gets variants. Words of their own are content of the campaign, which nobody changes under way: an approval is about
 * them, too.
 * @throws ConflictError `E_CAMPAIGN_STATE`
 */
async function lockFor(
  tx: Scope,
  campaign: number,
  variants: readonly { readonly content?: unknown }[],
): Promise<void> {
  const row = await tx.get<{ campaign_key: string; state: string }>(
    `SELECT campaign_key, state FROM marketing_campaigns WHERE tenant_id = :tenant AND id = :campaign ${tx.dialect.forUpdate}`,
    { campaign },
  );
  if (row?.state !== 'active' || variants.every(({ content }) => content === undefined)) return;
  throw new ConflictError(
    'E_CAMPAIGN_STATE',
    `The campaign "${row.campaign_key}" is active and gets no variants with contents of their own. Pause it first.`,
    { details: { campaign: row.campaign_key, state: row.state } },
  );
}
