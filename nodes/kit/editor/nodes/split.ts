import { current, field, revalidate } from '../dialog';
import { text } from '../texts';
import { isWhole } from '../validators';
import { finish as finishCommon, prepareCommon } from './common';

interface Variant {
  key: string;
  name: string;
  share: number;
}

/** A row of the list; `from` is the output that it had when the dialog was opened. */
interface Row extends Partial<Variant> {
  from?: number;
}

const MOST = 5;

/** Dialog of the split node: a list of variants with their shares, one output each. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  const list = rows();
  const changed = (): void => {
    showSum(node);
    keepOutputs(node);
  };
  list.editableList<Row>({
    height: 'auto',
    removable: true,
    sortable: true,
    addButton: text('split.add'),
    addItem: (row, _index, variant) => {
      addRow(row, { ...variant, key: variant.key ?? freeKey() }, changed);
      changed();
    },
    removeItem: changed,
    sortItems: changed,
  });
  const saved: unknown = node.variants;
  for (const [from, variant] of (Array.isArray(saved) ? (saved as Row[]) : []).entries()) {
    list.editableList('addItem', { ...variant, from });
  }
  field('control', node).on('change.marketing', changed);
  field('controlShare', node).on('input.marketing', changed);
  changed();
}

/** Takes the list over into the node. */
export function save(node: RedNode): void {
  node.variants = variantsOf();
  finishCommon(node);
}

export { finish } from './common';

/** What stands at an output; empty for the control's. */
export function label(node: RedNode, index: number): string {
  const list = Array.isArray(node.variants) ? (node.variants as Partial<Variant>[]) : [];
  const variant = list[index];
  return variant === undefined ? '' : `${variant.name || variant.key || ''} (${variant.share ?? 0} %)`;
}

function rows(): JQuery {
  return $('#marketing-split-variants');
}

function addRow(row: JQuery, { key = '', name = '', share = 0, from }: Row, changed: () => void): void {
  const input = (kind: string, value: string | number): JQuery =>
    $(`<input type="text" class="marketing-split-${kind}">`).val(value).on('input', changed);
  $('<div class="marketing-split-row"></div>')
    .attr('data-from', from ?? '')
    .append(
      input('key', key).attr('placeholder', text('split.key')),
      input('name', name).attr('placeholder', text('split.name')),
      input('share', share),
      $('<span>').text('%'),
    )
    .appendTo(row);
}

function listed(): HTMLElement[] {
  return rows().find<HTMLElement>('.marketing-split-row').toArray();
}

function variantsOf(): Variant[] {
  return listed().map((row) => {
    const value = (kind: string): string => String($(row).find(`.marketing-split-${kind}`).val() ?? '').trim();
    return { key: value('key'), name: value('name') || value('key'), share: Number(value('share')) };
  });
}

/** The first letter that no variant has. */
function freeKey(): string {
  const taken = new Set(variantsOf().map(({ key }) => key));
  return [...'ABCDEFGHIJ'].find((letter) => !taken.has(letter)) ?? '';
}

function showSum(node: RedNode): void {
  const variants = variantsOf();
  const shares = variants.map(({ share }) => share);
  if (current(node, 'control') === 'true') shares.push(Number(current(node, 'controlShare')));
  const sum = String(Math.round(shares.reduce((all, share) => all + share, 0) * 100) / 100);
  const good = isWhole(shares) && variants.length >= 2 && variants.length <= MOST;
  $('#marketing-split-sum')
    .text(text(isWhole(shares) ? 'split.sum' : 'split.sumWrong', { sum }))
    .toggleClass('marketing-bad', !good);
  // The validators of the node read the stored list: what is seen now is theirs as well.
  revalidate(node);
}

/** Tells Node-RED which output is which after rows were moved, added or removed (as its own switch node does). */
function keepOutputs(node: RedNode): void {
  const map: Record<string, number> = {};
  const before = Array.isArray(node.variants) ? node.variants.length : 0;
  for (let port = 0; port < before; port += 1) map[port] = -1;
  const now = listed();
  now.forEach((row, port) => {
    const from = $(row).attr('data-from');
    map[from === undefined || from === '' ? `new${port}` : from] = port;
  });
  const hadControl = node.control === true;
  const hasControl = current(node, 'control') === 'true';
  if (hadControl) map[before] = hasControl ? now.length : -1;
  else if (hasControl) map['newControl'] = now.length;
  field('outputs', node).val(JSON.stringify(map));
}
