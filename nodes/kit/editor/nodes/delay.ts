import { conditionField } from '../condition-field';
import { current, field } from '../dialog';
import { attachPicker } from '../pickers';
import { segmentField } from '../segment-field';
import { nodeText, shorten, text } from '../texts';
import { type Verdict } from '../types';
import { condition, dateTime, eventName, isEnvironmentReference, number, required, timeOfDay } from '../validators';
import { prepareCommon, showStepName, storeOf, typedInput } from './common';

/** Modes that wait until something happens, or time runs out. */
const WAITS: readonly string[] = ['event', 'condition', 'segment'];

const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7];

/** What fields show for nodes that an earlier release has saved. */
const FRESH: Readonly<Record<string, string>> = {
  shift: '0',
  shiftUnit: 'days',
  time: '09:00',
  weekdays: '1,2,3,4,5',
  timeout: '4',
  timeoutUnit: 'hours',
  quietFrom: '22:00',
  quietTo: '08:00',
  releaseMinutes: '30',
};

/** Dialog of the delay node. */
export function prepare(node: RedNode): void {
  for (const [property, value] of Object.entries(FRESH)) {
    if (node[property] === undefined) field(property, node).val(value);
  }
  prepareCommon(node);
  showStepName(node);
  typedInput(node, 'until', ['str', 'msg', 'env']);
  attachPicker(field('event', node), 'events', storeOf(node));
  segmentField({ node, input: field('segment', node), store: storeOf(node) });
  const onLead = conditionField({ node, input: field('condition', node), store: storeOf(node) });
  const onEvent = conditionField({ node, input: field('eventCondition', node), store: storeOf(node), about: 'event' });
  field('store', node).on('change.marketing', () => {
    onLead.check();
    onEvent.check();
  });
  weekdayBoxes(node);
  const count = (): void => void field('outputs', node).val(outputsOf(current(node, 'mode'), current(node, 'missing')));
  for (const property of ['mode', 'missing']) field(property, node).on('change.marketing', count);
  count();
}

export { finish } from './common';

/** A box to tick for each day; the days are kept as "1,3,5". */
function weekdayBoxes(node: RedNode): void {
  const input = field('weekdays', node);
  const chosen = new Set(
    String(input.val() ?? '')
      .split(',')
      .map(Number),
  );
  const boxes = input.siblings('.marketing-weekdays').empty();
  for (const day of WEEKDAYS) {
    const box = $('<input type="checkbox">').prop('checked', chosen.has(day));
    box.on('change', () => {
      if (box.prop('checked')) chosen.add(day);
      else chosen.delete(day);
      input.val(WEEKDAYS.filter((one) => chosen.has(one)).join(',')).trigger('change');
    });
    boxes.append($('<label></label>').append(box, document.createTextNode(nodeText(node, `option.weekday.${day}`))));
  }
}

function outputsOf(mode: string, missing: string): number {
  return WAITS.includes(mode) || (mode === 'attribute' && missing === 'output') ? 2 : 1;
}

/** Key of an output's label. */
export function outputLabel(node: RedNode, index: number): string {
  if (WAITS.includes(String(node.mode))) return index === 0 ? 'port.happened' : 'port.timedOut';
  return index === 0 ? 'port.out' : 'port.noDate';
}

/** A fixed date-time must be one; a message property or environment variable must be named. */
export function untilVerdict(node: RedNode, value: unknown): Verdict {
  const present = required(value, 'until');
  return present === true && current(node, 'untilType') === 'str' ? dateTime(value) : present;
}

/** What is wrong with a property, where the mode uses it. */
export function verdict(node: RedNode, property: string, value: unknown): Verdict {
  const mode = current(node, 'mode');
  const written = String(value ?? '').trim();
  if (isEnvironmentReference(written)) return true;
  const own = current(node, 'hold') === 'own';
  switch (property) {
    case 'attribute':
      return mode !== 'attribute' || required(value, 'attribute');
    case 'shift':
      return mode !== 'attribute' || number(value, { min: 0, max: 100_000, allowBlank: true });
    case 'time':
      if (mode === 'attribute' && written === '') return true;
      return !['attribute', 'hour', 'weekday'].includes(mode) || timeOfDay(written);
    case 'weekdays':
      return mode !== 'weekday' || required(value, 'weekdays');
    case 'event':
      return mode !== 'event' || eventName(value);
    case 'eventCondition':
      return mode !== 'event' || written === '' || condition(node, value, 'event');
    case 'segment':
      return mode !== 'segment' || required(value, 'segment');
    case 'timeout':
      return !WAITS.includes(mode) || number(value, { min: 0 });
    case 'quietFrom':
    case 'quietTo':
      return !own || quiet(current(node, 'quietFrom').trim(), current(node, 'quietTo').trim(), written);
    case 'holidays':
      return !own || holidays(written);
    case 'releaseMinutes':
      return current(node, 'hold') === 'none' || number(value, { min: 0, max: 1_440, whole: true, allowBlank: true });
    default:
      return true;
  }
}

/** Both or none, and not the same. */
function quiet(from: string, to: string, written: string): Verdict {
  if (from === '' && to === '') return true;
  return from === to ? text('invalid.quietHours') : written === '24:00' && written === to ? true : timeOfDay(written);
}

function holidays(written: string): Verdict {
  const days = written.split(/[\s,;]+/).filter((day) => day !== '');
  const usable = days.every((day) => /^(?:\d{4}-)?(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/.test(day));
  return usable ? true : text('invalid.holidays');
}

/** Label of a node without a name: how long, or until when. */
export function label(node: RedNode): string {
  const palette = nodeText(node, 'palette.label');
  const short = (key: string, values: Record<string, string>): string => nodeText(node, `label.short.${key}`, values);
  const written = (property: string): string => String(node[property] ?? '').trim();
  switch (node.mode) {
    case 'until': {
      const until = written('until');
      return until === '' ? palette : short('until', { until: node.untilType === 'msg' ? `msg.${until}` : until });
    }
    case 'attribute': {
      const attribute = written('attribute');
      if (attribute === '') return palette;
      if (Number(written('shift')) === 0) return short('until', { until: attribute });
      const amount = amountOf(node, written('shift'), written('shiftUnit'));
      return short(node.direction === 'before' ? 'before' : 'after', { amount, attribute });
    }
    case 'hour':
      return short('until', { until: written('time') });
    case 'weekday': {
      const days = written('weekdays')
        .split(',')
        .filter((day) => day !== '')
        .map((day) => nodeText(node, `option.weekday.${day}`));
      return short('until', { until: `${days.join(', ')} ${written('time')}`.trim() });
    }
    case 'event':
      return written('event') === '' ? palette : short('until', { until: written('event') });
    case 'condition':
      return written('condition') === '' ? palette : short('until', { until: shorten(written('condition')) });
    case 'segment':
      return written('segment') === '' ? palette : short('segment', { segment: written('segment') });
    default:
      return amountOf(node, written('amount'), written('unit'));
  }
}

function amountOf(node: RedNode, amount: string, unit: string): string {
  return `${amount} ${nodeText(node, `option.unit.${amount === '1' ? 'one.' : ''}${unit}`)}`;
}
