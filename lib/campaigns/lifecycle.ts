import type { Transition } from '../definitions/document';
import { ConflictError, NotFoundError } from '../errors';
import { faulty, readStages, type LifecycleSource, type Stages } from './stages';
import type { CampaignAction, CampaignState } from './types';

/** What an action does to the engine; `optimize` and `stage` leave its state alone, or change nothing but the state. */
export type LifecycleEffect = CampaignAction | 'optimize' | 'stage';

/** One step of a campaign's life. */
export interface LifecycleStep {
  /** As it was asked for. */
  readonly action: string;
  readonly from: string;
  /** The stage that it leads to. */
  readonly to: string;
  /** What that stage means to the engine. */
  readonly state: CampaignState;
  readonly effect: LifecycleEffect;
  /** Must be true of the campaign: the source of a condition. */
  readonly condition?: string | object;
}

type BuiltIn = CampaignAction | 'optimize';

interface Rule {
  readonly from: readonly CampaignState[];
  /** Absent: it stays where it is. */
  readonly to?: CampaignState;
}

/** What the engine can do to every campaign. */
const BUILT_IN: Readonly<Record<BuiltIn, Rule>> = {
  schedule: { from: ['draft', 'scheduled', 'queued', 'completed'], to: 'scheduled' },
  unschedule: { from: ['scheduled', 'queued'], to: 'draft' },
  queue: { from: ['draft', 'scheduled'], to: 'queued' },
  launch: { from: ['draft', 'scheduled', 'queued', 'completed'], to: 'active' },
  pause: { from: ['active'], to: 'paused' },
  resume: { from: ['paused'], to: 'active' },
  complete: { from: ['active', 'paused'], to: 'completed' },
  cancel: { from: ['draft', 'scheduled', 'queued', 'active', 'paused'], to: 'cancelled' },
  optimize: { from: ['active', 'paused'] },
};

/** States in which nobody is on the way; a campaign whose run is over prepares its next one. */
const PREPARING: readonly CampaignState[] = ['draft', 'scheduled', 'queued', 'completed'];

/** Other words for the same. */
const ALIASES: Readonly<Record<string, BuiltIn>> = { close: 'complete' };

/** What was done, as one word. */
export const PAST: Readonly<Record<LifecycleEffect, string>> = {
  schedule: 'scheduled',
  unschedule: 'unscheduled',
  queue: 'queued',
  launch: 'launched',
  pause: 'paused',
  resume: 'resumed',
  complete: 'completed',
  cancel: 'cancelled',
  optimize: 'optimized',
  stage: 'stage_changed',
};

/**
 * The life of a definition's campaigns: stages, and the actions that lead from one to another. Pure: it knows no database.
 *
 * A declared transition is an action; what it does to the engine follows from what its stages mean (to an active stage = launch,
 * from a paused one = resume …). The engine's own actions (`launch`, `pause` …) work as well. Where a declared transition leads
 * between the same states, they follow it, its condition included; else they lead to the first stage of the state. Nothing leads
 * around a condition: who is planned ahead, or paused, before the action meets the same one.
 */
export class Lifecycle {
  private static readonly standard = new Lifecycle({});

  private readonly known: Stages;
  private readonly transitions: readonly (readonly [name: string, transition: Transition])[];

  private constructor(source: LifecycleSource) {
    this.known = readStages(source.stages);
    this.transitions = Object.entries(source.transitions ?? {});
    for (const [name, transition] of this.transitions) this.check(name, transition);
  }

  /** @throws InputError `E_LIFECYCLE` */
  static of({ stages, transitions }: LifecycleSource = {}): Lifecycle {
    const own = (stages?.length ?? 0) > 0 || Object.keys(transitions ?? {}).length > 0;
    return own
      ? new Lifecycle({ ...(stages ? { stages } : {}), ...(transitions ? { transitions } : {}) })
      : Lifecycle.standard;
  }

  /** Where a new campaign stands: at the stage that means draft; where none is listed, at the first one, if it means a preparation. */
  get initial(): string {
    const [first] = this.known.declared;
    const drafted = this.known.declared.some((stage) => this.stateOf(stage) === 'draft');
    const begins = first !== undefined && !drafted && ['scheduled', 'queued'].includes(this.stateOf(first));
    return begins ? first : this.locate(undefined, 'draft');
  }

  /** The stages as the definition lists them. */
  get stages(): readonly string[] {
    return this.known.declared;
  }

  /** What a stage means to the engine. @throws NotFoundError `E_UNKNOWN_STAGE` */
  stateOf(stage: string): CampaignState {
    const state = this.known.states.get(stage);
    if (state) return state;
    throw new NotFoundError(
      'E_UNKNOWN_STAGE',
      `There is no stage "${stage}"; the definition has ${this.known.declared.join(', ')}.`,
    );
  }

  /** The first stage of a state, or undefined. */
  stageFor(state: CampaignState): string | undefined {
    return [...this.known.states].find(([, meaning]) => meaning === state)?.[0];
  }

  /** Where a campaign stands whose definition may have got other stages since: the stage itself, or the first of its state. */
  locate(stage: string | undefined, state: CampaignState): string {
    if (stage !== undefined && this.known.states.get(stage) === state) return stage;
    return this.stageFor(state) ?? state;
  }

  /** What can be done to a campaign that stands at a stage. Conditions are not looked at. */
  actions(stage: string): string[] {
    const names = [...this.transitions.map(([name]) => name), ...Object.keys(BUILT_IN), ...Object.keys(ALIASES)];
    return [...new Set(names)].filter((name) => this.find(stage, name) !== undefined);
  }

  /** Every action that there is: the declared ones and the engine's. */
  knows(action: string): boolean {
    return builtInOf(action) !== undefined || this.transitions.some(([name]) => name === action);
  }

  /** What was done, as one word: `launched`, `paused` … */
  past(action: string): string {
    const declared = this.transitions.find(([name]) => name === action)?.[1];
    if (declared) return PAST[this.effectOf(fromOf(declared)[0] ?? this.initial, declared.to)];
    const builtIn = builtInOf(action);
    return PAST[builtIn ?? 'stage'];
  }

  /**
   * Where an action leads from a stage.
   * @throws ConflictError `E_CAMPAIGN_STATE`, saying from where it is possible; NotFoundError `E_UNKNOWN_ACTION`
   */
  next(stage: string, action: string, who = 'The campaign'): LifecycleStep {
    const step = this.find(stage, action);
    if (step) return step;
    if (!this.knows(action)) {
      throw new NotFoundError(
        'E_UNKNOWN_ACTION',
        `There is no action "${action}"; possible now: ${this.actions(stage).join(', ') || 'none'}.`,
      );
    }
    const possible = [...this.known.states.keys()].filter((from) => this.find(from, action));
    const when = possible.length > 0 ? `only when it is ${possible.join(' or ')}` : 'at no stage of its definition';
    throw new ConflictError('E_CAMPAIGN_STATE', `${who} is ${stage}; "${action}" is possible ${when}.`, {
      details: { stage, action, possible },
    });
  }

  private find(stage: string, action: string): LifecycleStep | undefined {
    const declared = this.transitions.find(([name, it]) => name === action && fromOf(it).includes(stage))?.[1];
    if (declared) return this.step(stage, action, declared);
    const builtIn = builtInOf(action);
    return builtIn && this.findBuiltIn(stage, action, builtIn);
  }

  private findBuiltIn(stage: string, action: string, builtIn: BuiltIn): LifecycleStep | undefined {
    const state = this.stateOf(stage);
    const { from, to } = BUILT_IN[builtIn];
    if (!from.includes(state)) return undefined;
    if (to === undefined) return { action, from: stage, to: stage, state, effect: builtIn };
    const covering = this.transitions
      .map(([, transition]) => transition)
      .filter((it) => this.stateOf(it.to) === to && fromOf(it).some((name) => this.stateOf(name) === state));
    if (covering.length > 0) {
      // Who has drawn how a draft becomes active has also drawn from which stage.
      const way = covering.find((transition) => fromOf(transition).includes(stage));
      return way && { ...this.step(stage, action, way), effect: builtIn };
    }
    const guarded = this.guarded(state, to);
    if (guarded) return { ...this.step(stage, action, guarded), effect: builtIn };
    // Taken back is a campaign to where it began, whatever that stage means.
    const target = to === 'draft' ? this.initial : this.stageFor(to);
    if (target === undefined || (target === stage && state !== 'scheduled')) return undefined;
    return { action, from: stage, to: target, state: this.stateOf(target), effect: builtIn };
  }

  /**
   * The declared way into a state whose condition must hold for others that come from elsewhere as well: a campaign that was planned
   * ahead instead of launched, or paused before it was completed, would go around it. From the first stage, if there is one.
   */
  private guarded(from: CampaignState, to: CampaignState): Transition | undefined {
    const near = (state: CampaignState): boolean =>
      state !== to && PREPARING.includes(state) === PREPARING.includes(from);
    const ways = this.transitions
      .map(([, transition]) => transition)
      .filter((it) => it.condition !== undefined && this.stateOf(it.to) === to)
      .filter((it) => fromOf(it).some((stage) => near(this.stateOf(stage))));
    return ways.find((it) => fromOf(it).includes(this.initial)) ?? ways[0];
  }

  private step(stage: string, action: string, { to, condition }: Transition): LifecycleStep {
    return {
      action,
      from: stage,
      to,
      state: this.stateOf(to),
      effect: this.effectOf(stage, to),
      ...(condition === undefined ? {} : { condition }),
    };
  }

  private effectOf(from: string, to: string): LifecycleEffect {
    const [before, after] = [this.stateOf(from), this.stateOf(to)];
    if (before === after) return 'stage';
    switch (after) {
      case 'active':
        return before === 'paused' ? 'resume' : 'launch';
      case 'paused':
        return 'pause';
      case 'completed':
        return 'complete';
      case 'cancelled':
        return 'cancel';
      default:
        // Nobody stays under way in a campaign that is taken back to its preparation.
        if (before === 'active' || before === 'paused') return 'complete';
        if (after === 'draft') return before === 'scheduled' || before === 'queued' ? 'unschedule' : 'stage';
        return after === 'scheduled' ? 'schedule' : 'queue';
    }
  }

  private check(name: string, transition: Transition): void {
    const path = `/transitions/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const unknown = [...fromOf(transition), transition.to].find((stage) => !this.known.states.has(stage));
    if (unknown !== undefined)
      throw faulty(path, `the transition "${name}" names the stage "${unknown}", which is not in the list`);
    if (this.stateOf(transition.to) !== 'paused') return;
    const resting = fromOf(transition).find((stage) => !['active', 'paused'].includes(this.stateOf(stage)));
    if (resting !== undefined) {
      throw faulty(path, `the transition "${name}" pauses from "${resting}", where there is nothing to pause`);
    }
  }
}

function fromOf({ from }: Transition): readonly string[] {
  return typeof from === 'string' ? [from] : from;
}

function builtInOf(action: string): BuiltIn | undefined {
  if (Object.hasOwn(ALIASES, action)) return ALIASES[action];
  return Object.hasOwn(BUILT_IN, action) ? (action as BuiltIn) : undefined;
}
