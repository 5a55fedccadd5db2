import { slug } from '../../names';
import { current, field } from '../dialog';
import { EVENT_CHOICES } from '../event-choices';
import { nodeText, text } from '../texts';
import { type Verdict } from '../types';
import { isEnvironmentReference, required } from '../validators';
import { prepareCommon } from './common';

/** Dialog of the event node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  field('events', node).typedInput({
    types: [
      {
        ...{ value: 'events', label: '', showLabel: false, multiple: true },
        options: EVENT_CHOICES.map((pattern) => ({ value: pattern, label: short(pattern) })),
      },
    ],
  });
  const step = field('step', node);
  const showKey = (): void => void step.attr('placeholder', keyOf(node));
  field('name', node).on('input.marketing', showKey);
  showKey();
}

export { finish } from './common';

/** What the events have in common goes without saying. */
function short(pattern: string): string {
  return pattern.replace(/^marketing\./, '');
}

/** The same as the runtime makes of it (nodes/event/controller.ts). */
function keyOf(node: RedNode): string {
  return current(node, 'step').trim() || slug(current(node, 'name')) || node.id;
}

/** Label of a node without a name: what it sends. */
export function label(node: RedNode): string {
  const [first = '', ...more] = String(node.events ?? '')
    .split(',')
    .filter((pattern) => pattern !== '');
  if (first === '') return nodeText(node, 'palette.label');
  if (first === '*') return nodeText(node, 'label.short.everything');
  if (more.length === 0) return short(first);
  return nodeText(node, 'label.short.several', { first: short(first), count: more.length });
}

/** At least one event, and only such as there are. */
export function eventsVerdict(value: unknown): Verdict {
  const present = required(value, 'events');
  if (present !== true || isEnvironmentReference(value)) return present;
  const unknown = String(value)
    .split(',')
    .map((pattern) => pattern.trim())
    .find((pattern) => pattern !== '' && !EVENT_CHOICES.includes(pattern));
  return unknown === undefined ? true : text('invalid.event', { event: unknown });
}

/** Two event nodes of a store that share a key would share the events between them. */
export function keyVerdict(node: RedNode): Verdict {
  const key = keyOf(node);
  if (current(node, 'durable') === 'false' || isEnvironmentReference(key)) return true;
  let found: RedNode | undefined;
  RED.nodes.eachNode((other) => {
    if (other.type !== node.type || other.id === node.id || other.d === true || other.durable === false) return true;
    if (current(other, 'store') !== current(node, 'store') || keyOf(other) !== key) return true;
    found = other;
    return false;
  });
  return found === undefined ? true : text('invalid.eventKey', { key, other: String(found.name || found.type) });
}
