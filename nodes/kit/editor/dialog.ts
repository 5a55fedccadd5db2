/**
 * The nodes whose dialogs are open: one of the workspace and, above it, one config node. Validators read the fields of
 * an open dialog and the stored properties of every other node; the fields alone cannot tell whose they are, because
 * all dialogs of a kind use the same ids.
 */
const openNodes = new Map<string, RedNode>();

/** Remembers whose dialog is open; called first in oneditprepare. */
export function openDialog(node: RedNode): void {
  openNodes.set(prefixOf(node), node);
}

/** Forgets it; called in oneditsave and oneditcancel. */
export function closeDialog(node: RedNode): void {
  openNodes.delete(prefixOf(node));
}

/** Whether this node's own dialog is open. */
export function isOpen(node: RedNode): boolean {
  return openNodes.get(prefixOf(node))?.id === node.id;
}

/** Field of a node's dialog. */
export function field(property: string, node: RedNode): JQuery {
  return $(`#${prefixOf(node)}-${property}`);
}

function prefixOf(node: RedNode): string {
  return node._def.category === 'config' ? 'node-config-input' : 'node-input';
}

/** What the user sees now: the field's value while this node's dialog is open, else the stored property. */
export function current(node: RedNode, property: string): string {
  if (isOpen(node)) {
    const input = field(property, node);
    if (input.length > 0) {
      return input.attr('type') === 'checkbox' ? String(input.prop('checked')) : String(input.val() ?? '');
    }
  }
  const value = node[property];
  return value === undefined || value === null ? '' : String(value);
}

/** Id of the store that the open dialog has chosen, or '' while it has none. */
export function currentStore(node: RedNode): string {
  const id = current(node, 'store');
  return id === '_ADD_' ? '' : id;
}

/** Shows the rows `data-show-if="property=value|value"` that fit the fields, hides the others, and follows changes. */
export function followConditions(node: RedNode): void {
  const rows = field('name', node).closest('.marketing-form').find<HTMLElement>('[data-show-if]');
  const update = (): void => {
    rows.each((_index, element) => {
      const clauses = String(element.dataset.showIf).split('&');
      $(element).toggle(
        clauses.every((clause) => {
          const [property = '', values = ''] = clause.split('=');
          return values.split('|').includes(current(node, property));
        }),
      );
    });
  };
  const watched = new Set<string>();
  rows.each((_index, element) => {
    for (const clause of String(element.dataset.showIf).split('&')) watched.add(clause.split('=')[0] ?? '');
  });
  for (const property of watched) {
    field(property, node).on('change.marketing', update);
  }
  update();
}

/**
 * Runs the field validators of the open dialog again, for a verdict that arrived from the runtime. Node-RED validates
 * every field of a dialog on any key in any of them, and every node of this package has a name field.
 */
export function revalidate(node: RedNode): void {
  field('name', node).trigger('keyup');
}

/** Calls `action` once nothing has called for `milliseconds`; `cancel` drops a pending call. */
export function debounce(milliseconds: number, action: () => void): { (): void; cancel(): void } {
  let timer: number | undefined;
  const call = (): void => {
    window.clearTimeout(timer);
    timer = window.setTimeout(action, milliseconds);
  };
  call.cancel = (): void => window.clearTimeout(timer);
  return call;
}
