import { conditionField } from '../condition-field';
import { current, field, revalidate } from '../dialog';
import { canLaunch, launch } from '../launch';
import { attachPicker } from '../pickers';
import { segmentField } from '../segment-field';
import { nodeText, text } from '../texts';
import { type Verdict } from '../types';
import { isEnvironmentReference, number } from '../validators';
import { prepareCommon, showDefinitionKey, showStepName, storeOf } from './common';

/** Milliseconds of the units of a delay. */
const UNITS: Readonly<Record<string, number>> = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 };
const LONGEST_DELAY_DAYS = 30;

/** Dialog of the trigger node. */
export function prepare(node: RedNode): void {
  prepareCommon(node);
  showStepName(node);
  showDefinitionKey(node);
  const store = storeOf(node);
  segmentField({ node, input: field('segment', node), store });
  segmentField({ node, input: field('watchSegment', node), store });
  attachPicker(field('event', node), 'events', store);
  attachPicker(field('attribute', node), 'dates', store);
  attachPicker(field('contract', node), 'contracts', store);
  const condition = conditionField({ node, input: field('condition', node), store, about: 'event' });
  field('store', node).on('change.marketing', () => {
    condition.check();
    showAddress(node);
  });
  prepareEndpoint(node);
}

/** The address is made once, and shown; a secret can be made, and is shown until the dialog closes. */
function prepareEndpoint(node: RedNode): void {
  field('mode', node).on('change.marketing', () => {
    if (current(node, 'mode') === 'webhook' && current(node, 'webhookKey') === '')
      field('webhookKey', node).val(randomText(18).replace(/\+/g, '-').replace(/\//g, '_'));
    showAddress(node);
  });
  const make = $('<button type="button" class="red-ui-button red-ui-button-small"></button>')
    .text(text('webhook.make'))
    .on('click', () => {
      field('webhookSecret', node)
        .attr('type', 'text')
        .val(`whsec_${randomText(24)}`)
        .trigger('change');
      revalidate(node);
    });
  field('webhookSecret', node).after($('<div class="marketing-under"></div>').append(make));
  showAddress(node);
}

function showAddress(node: RedNode): void {
  const key = current(node, 'webhookKey');
  const path = String(RED.nodes.node(current(node, 'store'))?.['httpPath'] ?? '/marketing');
  const root = String(RED.settings.httpNodeRoot ?? '/').replace(/\/$/, '');
  field('webhookAddress', node).val(key === '' ? '' : `${window.location.origin}${root}${path}/in/${key}`);
}

/** Random bytes as base64. */
function randomText(bytes: number): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes))));
}

/** Whether the node's journey begins with an event, which must be named. */
export function records(node: RedNode): boolean {
  return ['event', 'webhook'].includes(current(node, 'mode'));
}

/** An inbound webhook has an address. */
export function keyVerdict(value: unknown): Verdict {
  const written = String(value ?? '').trim();
  if (isEnvironmentReference(written)) return true;
  return /^[\w-]{16,64}$/.test(written) ? true : text('invalid.webhookKey');
}

/** 0 to 30 days (AC-004.3). */
export function delayVerdict(node: RedNode, value: unknown): Verdict {
  const day = UNITS['days'] ?? 1;
  const unit = UNITS[current(node, 'delayUnit')] ?? day;
  return number(value, { min: 0, max: (LONGEST_DELAY_DAYS * day) / unit, allowBlank: true });
}

/** Label of a node without a name: who enters, or when. */
export function label(node: RedNode): string {
  const named = (key: string, property: string, name = property): string => {
    const value = String(node[property] ?? '');
    return value === '' ? nodeText(node, 'palette.label') : nodeText(node, `label.short.${key}`, { [name]: value });
  };
  switch (node['mode']) {
    case 'event':
    case 'webhook':
      return named('event', 'event');
    case 'segment':
      return named(node['segmentChange'] === 'left' ? 'segmentLeft' : 'segmentEntered', 'watchSegment', 'segment');
    case 'score':
      return named(node['direction'] === 'falls' ? 'scoreFalls' : 'scoreRises', 'threshold');
    case 'date':
      return named('date', 'attribute');
    case 'custom':
      return named('custom', 'contract');
    default:
      return node['audience'] === 'segment' && node['segment']
        ? nodeText(node, 'label.short.segment', { segment: String(node['segment']) })
        : nodeText(node, 'label.short.everybody');
  }
}

export { canLaunch, launch };
export { finish } from './common';
