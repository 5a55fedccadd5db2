import { closeDialog, current, currentStore, field, followConditions, openDialog } from '../dialog';
import { definitionKey as definitionKeyOf, stepName as stepNameOf } from '../../names';
import { preselect } from '../placing';

/** What every node's dialog starts with: the store is chosen if there is only one, rows follow the fields. */
export function prepareCommon(node: RedNode): void {
  openDialog(node);
  preselect(node, 'store', 'marketing-store');
  followConditions(node);
}

/** Shows in the empty step field what the runtime will use. */
export function showStepName(node: RedNode): void {
  showFallback(node, 'step', () => stepNameOf({ type: node.type, name: current(node, 'name') }));
}

/** The same for a trigger's definition key. */
export function showDefinitionKey(node: RedNode): void {
  showFallback(node, 'definition', () => definitionKeyOf({ type: node.type, name: current(node, 'name') }));
}

function showFallback(node: RedNode, property: string, fallback: () => string): void {
  const update = (): void => void field(property, node).attr('placeholder', fallback());
  field('name', node).on('input.marketing', update);
  update();
}

/** The store chosen in this dialog, read when it is needed. */
export function storeOf(node: RedNode): () => string {
  return () => currentStore(node);
}

/** A typed input whose value and type are kept in two properties, `<property>` and `<property>Type`. */
export function typedInput(node: RedNode, property: string, types: TypedInputOptions['types']): void {
  const first = types[0];
  const fallback = typeof first === 'string' ? first : (first?.value ?? 'str');
  field(property, node).typedInput({
    default: String(node[`${property}Type`] || fallback),
    types,
    typeField: field(`${property}Type`, node),
  });
}

export { closeDialog as finish };
