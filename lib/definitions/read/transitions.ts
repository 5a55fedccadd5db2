import { Lifecycle } from '../../campaigns';
import { InputError } from '../../errors';
import type { DefinitionDocument, Transition } from '../document';
import { at, type Problems } from '../problems';
import { readCondition, type ConditionScope } from './conditions';
import { readStages } from './stages';
import type { ReadStage, ReadTransition } from './types';

/** The stages and transitions of a document. */
export interface ReadLifecycle {
  readonly stages?: readonly ReadStage[];
  readonly transitions: Readonly<Record<string, ReadTransition>>;
}

/** The entity of the sales-marketing form that is the campaign. */
const CAMPAIGN = 'campaign';
/** What every campaign has; transitions may name these where a document has no stages of its own. */
const USUAL = ['draft', 'scheduled', 'queued', 'active', 'paused', 'completed', 'cancelled'];

/** Reads stages and transitions, from the top of the document or from its entity `campaign`. */
export function readLifecycle(document: DefinitionDocument, scope: ConditionScope, problems: Problems): ReadLifecycle {
  const entity = document.entities?.[CAMPAIGN];
  const inEntity = at('/entities', CAMPAIGN);
  for (const [name, { stages, transitions }] of Object.entries(document.entities ?? {})) {
    if (name === CAMPAIGN) continue;
    for (const [part, value] of Object.entries({ stages, transitions }))
      if (value !== undefined)
        problems.add(at(at('/entities', name), part), `Only the entity "${CAMPAIGN}" has stages and transitions.`);
  }
  if (document.stages && entity?.stages)
    problems.add(at(inEntity, 'stages'), 'There are stages at the top of this definition too. Write one list.');
  const [written, path] = document.stages ? [document.stages, '/stages'] : [entity?.stages, at(inEntity, 'stages')];
  const stages = written && readStages(written, path, problems);
  const reader = new TransitionReader(stages, scope, problems);
  reader.read(document.transitions, '/transitions');
  reader.read(entity?.transitions, at(inEntity, 'transitions'));
  return { ...(stages ? { stages } : {}), transitions: Object.fromEntries(reader.transitions) };
}

class TransitionReader {
  readonly transitions = new Map<string, ReadTransition>();

  private readonly names: ReadonlySet<string>;

  constructor(
    private readonly stages: readonly ReadStage[] | undefined,
    private readonly scope: ConditionScope,
    private readonly problems: Problems,
  ) {
    this.names = new Set(stages?.map(({ name }) => name) ?? USUAL);
  }

  read(written: Readonly<Record<string, Transition>> = {}, path: string): void {
    for (const [name, transition] of Object.entries(written)) {
      const inside = at(path, name);
      if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name))
        this.problems.add(inside, 'An action’s name has a letter first, then up to 63 letters, digits, "_" or "-".');
      if (this.transitions.has(name))
        this.problems.add(inside, `The transition "${name}" is at the top of this definition too. Write it once.`);
      this.transitions.set(name, this.transition(transition, inside));
    }
  }

  private transition({ from, to, condition }: Transition, path: string): ReadTransition {
    const list = typeof from === 'string' ? [from] : from;
    list.forEach((stage, index) => {
      const where = typeof from === 'string' ? at(path, 'from') : at(at(path, 'from'), index);
      this.mustExist(stage, where);
      if (list.indexOf(stage) !== index) this.problems.add(where, `The stage "${stage}" is there twice.`);
    });
    this.mustExist(to, at(path, 'to'));
    if ([...list, to].every((stage) => this.names.has(stage))) this.mustMakeSense(list, to, path);
    if (list.length === 1 && list[0] === to) this.problems.add(at(path, 'to'), 'This leads to where it comes from.');
    return {
      from: list,
      to,
      ...readCondition(condition, at(path, 'condition'), { fields: this.scope.fields }, this.problems),
    };
  }

  private mustExist(stage: string, path: string): void {
    if (!this.names.has(stage))
      this.problems.add(path, `There is no stage "${stage}". The stages are: ${[...this.names].join(', ')}.`);
  }

  /** What the engine makes of it: pausing what was never active, for example, is nothing. */
  private mustMakeSense(from: readonly string[], to: string, path: string): void {
    try {
      Lifecycle.of({ ...(this.stages ? { stages: this.stages } : {}), transitions: { it: { from, to } } });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const [problem] = error.details['problems'] as readonly { message: string }[];
      this.problems.add(path, `${problem?.message.replace('the transition "it"', 'This') ?? error.message}.`);
    }
  }
}
