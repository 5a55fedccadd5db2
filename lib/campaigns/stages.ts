import type { StageObject, Transition } from '../definitions/document';
import { InputError } from '../errors';
import type { CampaignState } from './types';

/** What a definition says of the life of its campaigns; absent: the default. */
export interface LifecycleSource {
  readonly stages?: readonly (string | StageObject)[];
  readonly transitions?: Readonly<Record<string, Transition>>;
}

/** The default: every state of the engine is a stage of that name. */
export const DEFAULT_STAGES: readonly CampaignState[] = [
  'draft',
  'scheduled',
  'queued',
  'active',
  'paused',
  'completed',
  'cancelled',
];

/**
 * States that the engine needs whatever a definition calls its stages: a campaign begins as a draft, can be planned ahead,
 * paused and cancelled, and comes to an end. A list without such a stage gets one with the state's own name.
 */
const NEEDED: readonly CampaignState[] = ['draft', 'scheduled', 'paused', 'completed', 'cancelled'];

const MEANINGS: Readonly<Record<string, CampaignState>> = {
  draft: 'draft',
  plan: 'draft',
  planned: 'draft',
  planning: 'draft',
  new: 'draft',
  scheduled: 'scheduled',
  queued: 'queued',
  ready: 'queued',
  active: 'active',
  running: 'active',
  live: 'active',
  paused: 'paused',
  on_hold: 'paused',
  completed: 'completed',
  closed: 'completed',
  done: 'completed',
  finished: 'completed',
  cancelled: 'cancelled',
  canceled: 'cancelled',
  aborted: 'cancelled',
};

/** Stages by name, in the order of the list, with what each means to the engine. */
export interface Stages {
  readonly states: ReadonlyMap<string, CampaignState>;
  /** Names that the definition lists; without those that the engine added. */
  readonly declared: readonly string[];
}

/**
 * What the stages of a list mean: what their object says, else what their name says; of other names the first means draft, the
 * last completed, and each in between active.
 * @throws InputError `E_LIFECYCLE`
 */
export function readStages(list: readonly (string | StageObject)[] = []): Stages {
  const given = list.length === 0 ? DEFAULT_STAGES : list;
  const states = new Map<string, CampaignState>();
  for (const [index, stage] of given.entries()) {
    const name = typeof stage === 'string' ? stage : stage.name;
    if (name.trim() === '' || name.length > 64) {
      throw faulty(`/stages/${index}`, 'a stage needs a name of at most 64 characters');
    }
    if (states.has(name)) throw faulty(`/stages/${index}`, `the stage "${name}" stands in the list twice`);
    states.set(name, typeof stage === 'string' ? meaningOf(name, index, given.length) : stage.state);
  }
  const declared = [...states.keys()];
  for (const state of NEEDED) {
    if (![...states.values()].includes(state) && !states.has(state)) states.set(state, state);
  }
  return { states, declared };
}

function meaningOf(name: string, index: number, count: number): CampaignState {
  const word = name.toLowerCase().replace(/[\s-]+/g, '_');
  if (Object.hasOwn(MEANINGS, word)) return MEANINGS[word] as CampaignState;
  if (index === 0) return 'draft';
  return index === count - 1 ? 'completed' : 'active';
}

/** The error for a lifecycle that cannot be. */
export function faulty(path: string, message: string): InputError {
  return new InputError('E_LIFECYCLE', `The stages of this definition cannot be used: ${message}.`, {
    details: { problems: [{ path, message }] },
  });
}
