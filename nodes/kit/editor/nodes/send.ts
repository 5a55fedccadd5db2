import { boundEditor, type BoundEditor } from '../code-editor';
import { current, currentStore, debounce, field, revalidate } from '../dialog';
import { definitionsOf } from '../journey';
import { attachPicker } from '../pickers';
import { preselect } from '../placing';
import { showPreview, type Previewed } from '../preview';
import { shorten, text } from '../texts';
import { type Verdict } from '../types';
import { checkTemplate, knownTemplate, type Content } from '../verdicts';
import { headerList, type HeaderList } from './send-headers';
import { finish as finishCommon, prepareCommon, showStepName, storeOf } from './common';

type Channel = 'email' | 'webhook';
type ContentFrom = 'inline' | 'template' | 'campaign';
type TabId = 'html' | 'text' | 'request' | 'preview' | 'delivery';

interface OpenDialog {
  editors: Record<'html' | 'text' | 'payload', BoundEditor>;
  headers: HeaderList;
  checkSoon: { (): void; cancel(): void };
}

/** Which tabs a channel has for words of its own, in order. */
const ownTabsOf: Record<Channel, readonly TabId[]> = {
  email: ['html', 'text', 'preview', 'delivery'],
  webhook: ['request', 'preview', 'delivery'],
};

let dialog: OpenDialog | undefined;

/** Height of the dialog as Node-RED last told it, in pixels. */
let height = 600;

/** Dialog of the send node: what is asked for follows the channel of the account. */
export function prepare(node: RedNode): void {
  // A node of an earlier release does not say: it has words of its own.
  field('contentFrom', node).val(contentFrom(node));
  prepareCommon(node);
  preselect(node, 'account', 'marketing-account');
  showStepName(node);
  attachPicker(field('template', node), 'templates', storeOf(node));
  attachPicker(previewCampaign(), 'campaigns', storeOf(node));
  // The campaign that a trigger's button launches has the key of its definition.
  previewCampaign().val(definitionsOf(node)[0] ?? '');
  const checkSoon = debounce(400, () => void check(node));
  const changed = (): void => checkSoon();
  const editor = (property: 'html' | 'text' | 'payload', mode: string): BoundEditor =>
    boundEditor({
      elementId: `marketing-send-${property}`,
      mode: `ace/mode/${mode}`,
      input: field(property, node),
      onChange: changed,
    });
  dialog = {
    editors: { html: editor('html', 'html'), text: editor('text', 'text'), payload: editor('payload', 'text') },
    headers: headerList($('#marketing-send-headers'), node.headers),
    checkSoon,
  };
  field('subject', node).on('input.marketing', changed);
  field('url', node).on('input.marketing', changed);

  let drawn = '';
  const follow = (): void => {
    const channel = channelOf(node);
    const from = contentFrom(node);
    if (`${channel} ${from}` === drawn) return;
    drawn = `${channel} ${from}`;
    $('.marketing-form [data-channel]').each((_index, element) => {
      $(element).toggle(element.dataset.channel === channel);
    });
    drawTabs(node, from === 'inline' ? ownTabsOf[channel] : ['preview', 'delivery']);
    changed();
  };
  field('account', node).on('change.marketing', follow);
  field('contentFrom', node).on('change.marketing', follow);
  field('template', node).on('change.marketing', () => refreshPreview(node));
  previewCampaign().on('change.marketing', () => refreshPreview(node));
  follow();
  void check(node);
}

/** Takes the texts over into the node. */
export function save(node: RedNode): void {
  if (dialog !== undefined) {
    for (const editor of Object.values(dialog.editors)) editor.save();
    node.headers = dialog.headers.value();
  }
  finish(node);
}

/** Closes the dialog's editors. */
export function finish(node: RedNode): void {
  dialog?.checkSoon.cancel();
  for (const editor of Object.values(dialog?.editors ?? {})) editor.destroy();
  dialog = undefined;
  finishCommon(node);
}

/** Gives the editors the room that is left below the fields. */
export function resize(size: { height: number }): void {
  height = size.height;
  layout();
}

function layout(): void {
  const form = $('.marketing-send');
  const above = (form.find('.marketing-send-body').offset()?.top ?? 0) - (form.offset()?.top ?? 0);
  const room = Math.max(220, height - above - 30);
  form.find('.marketing-send-fill').each((_index, element) => {
    const fixed = $(element)
      .siblings(':visible')
      .toArray()
      .reduce((sum, sibling) => sum + ($(sibling).outerHeight(true) ?? 0), 0);
    $(element).height(Math.max(120, room - fixed));
  });
  for (const editor of Object.values(dialog?.editors ?? {})) editor.layout();
}

/** Channel of the chosen account; e-mail while none is chosen. */
export function channelOf(node: RedNode): Channel {
  const account = RED.nodes.node(current(node, 'account'));
  return account?.channel === 'webhook' ? 'webhook' : 'email';
}

/** Where the content comes from. */
export function contentFrom(node: RedNode): ContentFrom {
  const chosen = current(node, 'contentFrom');
  return chosen === 'template' || chosen === 'campaign' ? chosen : 'inline';
}

/** What stands on a node that has no name: its subject, or its template. */
export function title(node: RedNode): string {
  switch (contentFrom(node)) {
    case 'inline':
      return shorten(node.subject);
    case 'template':
      return shorten(node.template);
    case 'campaign':
      return '';
  }
}

/** A template is named where one is asked for. Attached to `template`. */
export function templateVerdict(node: RedNode, value: unknown): Verdict {
  if (contentFrom(node) !== 'template' || String(value ?? '').trim() !== '') return true;
  return text('invalid.required.template');
}

/** The content fields are there and, as far as this session knows, they parse. Attached to `subject` and `url`. */
export function contentVerdict(node: RedNode, property: 'subject' | 'url', value: unknown): Verdict {
  if (contentFrom(node) !== 'inline') return true;
  const channel = channelOf(node);
  if (channel !== (property === 'subject' ? 'email' : 'webhook')) return true;
  if (String(value ?? '').trim() === '') return text(`invalid.required.${property}`);
  if (property === 'subject' && current(node, 'html').trim() === '' && current(node, 'text').trim() === '') {
    return text('invalid.required.body');
  }
  const known = knownTemplate(contentOf(node));
  return known === undefined || known.ok ? true : problem(known);
}

async function check(node: RedNode): Promise<void> {
  const content = contentOf(node);
  const line = $('.marketing-send-problem');
  // Nothing to parse here, or not yet: the fields say themselves what is missing.
  if (contentFrom(node) !== 'inline' || !isComplete(content)) return void line.hide();
  try {
    const verdict = await checkTemplate(content);
    line.toggle(!verdict.ok).text(verdict.ok ? '' : problem(verdict));
  } catch {
    // The runtime does not answer: the texts are checked again at deploy, nothing is lost here.
    line.hide();
  }
  revalidate(node);
}

function problem(verdict: { part?: string; line?: number; column?: number; message: string }): string {
  const part = verdict.part === undefined ? '' : partName(verdict.part);
  const where =
    verdict.line === undefined
      ? part
      : text('template.where', { part, line: verdict.line, column: verdict.column ?? 1 });
  return where === '' ? verdict.message : `${where}: ${verdict.message}`;
}

/** The name of a part in the editor's language; the part itself where a later runtime knows more of them. */
function partName(part: string): string {
  const name = text(`part.${part}`);
  return name.endsWith(`part.${part}`) ? part : name;
}

function contentOf(node: RedNode): Content {
  const properties = channelOf(node) === 'email' ? ['subject', 'html', 'text'] : ['method', 'url', 'payload'];
  const written = properties.map((property) => [property, current(node, property)] as const);
  // An empty HTML or text is none, not an empty one; the others are there even when nothing is written yet.
  return Object.fromEntries(
    written.filter(([property, value]) => value.trim() !== '' || ['subject', 'url'].includes(property)),
  );
}

function isComplete({ subject, html, text: plain, url }: Content): boolean {
  if (url !== undefined) return url.trim() !== '';
  return subject?.trim() !== '' && (html !== undefined || plain !== undefined);
}

function drawTabs(node: RedNode, ids: readonly TabId[]): void {
  const bar = $('<ul></ul>');
  $('.marketing-send-tabs').empty().append(bar);
  const tabs = RED.tabs.create({
    element: bar,
    onchange: ({ id }) => {
      $('.marketing-send-pane').hide();
      $(`#marketing-send-pane-${id}`).show();
      layout();
      refreshPreview(node);
    },
  });
  for (const id of ids) tabs.addTab({ id, label: text(`tab.${id}`) });
  const [first] = ids;
  if (first !== undefined) tabs.activateTab(first);
}

/** Fills the preview, if it is what is looked at. */
function refreshPreview(node: RedNode): void {
  if (!$('#marketing-send-pane-preview').is(':visible')) return;
  void showPreview($('#marketing-send-preview'), currentStore(node), previewed(node));
}

function previewed(node: RedNode): Previewed {
  const channel = channelOf(node);
  switch (contentFrom(node)) {
    case 'inline':
      return { content: contentOf(node) };
    case 'template':
      return { template: current(node, 'template').trim(), channel };
    case 'campaign':
      return { campaign: String(previewCampaign().val() ?? '').trim(), channel };
  }
}

/** The campaign whose content is previewed: a question of the dialog, not a property of the node. */
function previewCampaign(): JQuery {
  return $('#marketing-send-preview-campaign');
}
