import { InputError, messageOf } from '../errors';
import type { CampaignState } from '../campaigns';
import type { ModelHistoryEntry } from './types';

/** A campaign as the model's JSON column keeps it. */
export interface StoredCampaign {
  readonly stage: string;
  readonly state: CampaignState;
  readonly data: Readonly<Record<string, unknown>>;
  readonly run: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** All that a model keeps of its campaigns. */
export interface StoredState {
  readonly version: 1;
  readonly campaigns: Readonly<Record<string, StoredCampaign>>;
  readonly history: readonly ModelHistoryEntry[];
}

/** Entries that the column keeps at most; a database keeps them all. */
export const LONGEST_HISTORY = 1_000;

const EMPTY: StoredState = { version: 1, campaigns: {}, history: [] };

/** The attribute of any object that keeps its campaigns. */
type Bearer = Record<string, unknown>;

/**
 * Reads a model's campaigns from its attribute: an object, or its JSON text where the column is a text.
 * @throws InputError `E_MODEL_STATE` when something else stands there
 */
export function readState(model: object, attribute: string): StoredState {
  const value = (model as Bearer)[attribute];
  if (value === undefined || value === null || value === '') return EMPTY;
  const parsed = typeof value === 'string' ? parse(value, attribute) : value;
  if (!isState(parsed)) throw unreadable(attribute, 'it holds something else');
  return parsed;
}

/**
 * Writes a new object, so that an ORM that compares notices it; text stays text.
 */
export function writeState(model: object, attribute: string, state: StoredState): void {
  const bearer = model as Bearer;
  const asText = typeof bearer[attribute] === 'string' && bearer[attribute] !== '';
  bearer[attribute] = asText ? JSON.stringify(state) : state;
}

/** Puts back what stood there, absent as it may have been. */
export function restoreState(model: object, attribute: string, former: unknown): void {
  (model as Bearer)[attribute] = former;
}

/** What stands there now, as it is. */
export function rawState(model: object, attribute: string): unknown {
  return (model as Bearer)[attribute];
}

function parse(text: string, attribute: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(attribute, messageOf(error));
  }
}

function isState(value: unknown): value is StoredState {
  if (typeof value !== 'object' || value === null) return false;
  const { version, campaigns, history } = value as Partial<StoredState>;
  return version === 1 && typeof campaigns === 'object' && campaigns !== null && Array.isArray(history);
}

function unreadable(attribute: string, why: string): InputError {
  return new InputError(
    'E_MODEL_STATE',
    `The attribute "${attribute}" of this model does not hold campaigns (${why}). Name another one in the declaration ("attribute"), or empty it.`,
  );
}

interface Saving {
  $query?(): { patch(values: object): Promise<unknown> };
  save?(): Promise<unknown>;
}

/** Saves a model the way its ORM does: Objection's `$query().patch()`, Sequelize's (and others') `save()`; a plain object has nothing to do. */
export async function saveModel(model: object, attribute: string): Promise<void> {
  const saving = model as Saving;
  if (typeof saving.$query === 'function') {
    await saving.$query().patch({ [attribute]: rawState(model, attribute) });
  } else if (typeof saving.save === 'function') await saving.save();
}
