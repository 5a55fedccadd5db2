import type { FlowNode } from './flow-expand';
import { MAX_NAME, qualified, stepName, text } from './names';
import type { PlannedDefinition, PlanProblem } from './plan';

/** A definition's key is also the key of the campaign that its button launches, and part of addresses. */
const DEFINITION_KEY = new RegExp(`^[\\p{L}\\p{N}_.-]{1,${MAX_NAME}}$`, 'u');

/** The definition that is looked at. */
export interface ProblemContext {
  readonly definition: string;
  readonly trigger: string;
  readonly store: string;
}

/** Stations without a store, or with another one than their trigger. */
export function storeProblems(context: ProblemContext, trigger: FlowNode, nodes: readonly FlowNode[]): PlanProblem[] {
  return nodes.flatMap((node): PlanProblem[] => {
    const store = text(node.config['store']);
    if (store === '') {
      const message = `${title(node)} has no store. Open it and choose one.`;
      return [{ ...context, code: 'E_NO_STORE', message, nodes: [node.id] }];
    }
    if (store === context.store || context.store === '') return [];
    const message = `${title(node)} uses another store than ${title(trigger)}. Choose the same store in both.`;
    return [{ ...context, code: 'E_OTHER_STORE', message, nodes: [trigger.id, node.id] }];
  });
}

/** Names that the tables cannot hold, and stations of one definition with the same step name. */
export function nameProblems(context: ProblemContext, nodes: readonly FlowNode[]): PlanProblem[] {
  const problems: PlanProblem[] = [];
  const trigger = nodes.find(({ type }) => type === 'marketing-trigger');
  if (trigger && !DEFINITION_KEY.test(context.definition)) {
    const message = `The definition key "${context.definition}" of ${title(trigger)} is not usable: use 1 to ${MAX_NAME} letters, digits, "_", "-" or ".".`;
    problems.push({ ...context, code: 'E_DEFINITION_KEY', message, nodes: [trigger.id] });
  }
  const byStep = new Map<string, FlowNode>();
  for (const node of nodes) {
    const step = stepOf(node);
    const other = byStep.get(step);
    if (step.length > MAX_NAME) {
      const message = `The step name of ${title(node)} is longer than ${MAX_NAME} characters. Shorten it.`;
      problems.push({ ...context, code: 'E_STEP_NAME', message, nodes: [node.id] });
    } else if (other) {
      const message = `${title(other)} and ${title(node)} both have the step name "${step}" in the journey "${context.definition}". Give one of them another name or step name.`;
      problems.push({ ...context, code: 'E_DUPLICATE_STEP', message, nodes: [other.id, node.id] });
    } else byStep.set(step, node);
  }
  return problems;
}

/** Triggers of one store with the same definition key. */
export function duplicateKeys(definitions: readonly PlannedDefinition[]): PlanProblem[] {
  const problems: PlanProblem[] = [];
  const byKey = new Map<string, PlannedDefinition>();
  for (const planned of definitions) {
    const { key: definition, name } = planned.declaration;
    const other = byKey.get(keyOf(planned.store, definition));
    if (other) {
      const message = `The triggers "${other.declaration.name}" and "${name}" (nodes ${other.trigger} and ${planned.trigger}) both have the definition key "${definition}". Give one of them another.`;
      const nodes = [other.trigger, planned.trigger];
      problems.push({
        code: 'E_DUPLICATE_DEFINITION',
        message,
        definition,
        store: planned.store,
        trigger: planned.trigger,
        nodes,
      });
    } else byKey.set(keyOf(planned.store, definition), planned);
  }
  return problems;
}

/** A station's step name, with the subflow instances around it. */
export function stepOf({ config, instances }: FlowNode): string {
  return qualified(instances, stepName(config));
}

function title({ id, type, config }: FlowNode): string {
  const name = text(config['name']);
  return name === '' ? `the ${type.replace(/^marketing-/, '')} node ${id}` : `"${name}" (node ${id})`;
}

/** A definition key is a name within its store. */
export function keyOf(store: string, definition: string): string {
  return `${store}\n${definition}`;
}
