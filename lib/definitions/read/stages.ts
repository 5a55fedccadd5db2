import { Lifecycle } from '../../campaigns';
import type { StageObject } from '../document';
import { at, type Problems } from '../problems';
import type { ReadStage } from './types';

/**
 * The stages of a list and what each means to the engine, as campaigns take it (see `Lifecycle`). Names that appear twice, and
 * lists with nothing that is active, go to `problems`.
 */
export function readStages(stages: readonly (string | StageObject)[], path: string, problems: Problems): ReadStage[] {
  const usable = new Map<string, string | StageObject>();
  stages.forEach((stage, index) => {
    const name = typeof stage === 'string' ? stage : stage.name;
    const where = typeof stage === 'string' ? at(path, index) : at(at(path, index), 'name');
    if (name.trim() !== name) problems.add(where, 'A stage’s name neither begins nor ends with white space.');
    else if (usable.has(name)) problems.add(where, `The stage "${name}" is there twice.`);
    else usable.set(name, stage);
  });
  const lifecycle = Lifecycle.of({ stages: [...usable.values()] });
  const read = [...usable.keys()].map((name): ReadStage => ({ name, state: lifecycle.stateOf(name) }));
  if (!read.some(({ state }) => state === 'active'))
    problems.add(path, 'No stage is one in which a campaign is active. Write it as {"name": "…", "state": "active"}.');
  return read;
}
