import { debounce, field } from './dialog';
import { definitionKey, firstFree, isStation, stepName } from './journey';

/**
 * What a node gets when it is dropped or pasted, so that it works at once: the only store there is (and the only
 * account), and a step name or definition key that is still free.
 */
export function onAdd(node: RedNode): void {
  chooseOnly(node, 'store', 'marketing-store');
  if (node.type === 'marketing-send') chooseOnly(node, 'account', 'marketing-account');
  if (isStation(node) && node.step === '' && node.name === '') {
    const free = firstFree(stepName(node), stepNames(node));
    if (free !== stepName(node)) node.step = free;
  }
  if (node.type === 'marketing-trigger' && node.definition === '' && node.name === '') {
    const free = firstFree(definitionKey(node), definitionKeys(node));
    if (free !== definitionKey(node)) node.definition = free;
  }
}

/** In the dialog: chooses the only config node of a type when the node has none yet. */
export function preselect(node: RedNode, property: 'store' | 'account', type: string): void {
  const only = onlyConfig(type);
  const select = field(property, node);
  const chosen = String(node[property] ?? '');
  if (chosen === '' && only !== undefined && select.find(`option[value="${only}"]`).length > 0) select.val(only);
}

/** Validates stations and triggers again when wires or other nodes change, because their names must differ. */
export function watchNames(): void {
  const check = debounce(200, () => {
    RED.nodes.eachNode((node) => {
      if (isStation(node)) RED.editor.validateNode(node);
    });
    RED.view.redraw();
  });
  for (const event of ['links:add', 'links:remove', 'nodes:add', 'nodes:remove', 'nodes:change']) {
    RED.events.on(event, check);
  }
}

function chooseOnly(node: RedNode, property: 'store' | 'account', type: string): void {
  const chosen = node[property];
  const only = onlyConfig(type);
  if ((chosen === '' || chosen === undefined) && only !== undefined) node[property] = only;
}

function onlyConfig(type: string): string | undefined {
  const ids: string[] = [];
  RED.nodes.eachConfig((config) => {
    if (config.type === type && config.d !== true) ids.push(config.id);
  });
  return ids.length === 1 ? ids[0] : undefined;
}

function stepNames(node: RedNode): Set<string> {
  return new Set(others(node, isStation).map(stepName));
}

function definitionKeys(node: RedNode): Set<string> {
  return new Set(others(node, (other) => other.type === 'marketing-trigger').map(definitionKey));
}

function others(node: RedNode, wanted: (other: RedNode) => boolean): RedNode[] {
  const found: RedNode[] = [];
  RED.nodes.eachNode((other) => {
    if (other.id === node.id || !wanted(other)) return;
    // Step names count per workspace, definition keys everywhere.
    if (other.type === 'marketing-trigger' || other.z === node.z) found.push(other);
  });
  return found;
}
