import { ApiError, endpoint, get, post } from './api';
import { debounce, revalidate } from './dialog';
import { attachSuggestions, type Suggestion } from './suggestions';
import { formatCount, text } from './texts';
import { type AttributeSummary, type ConditionCheck, type SegmentPreview } from './types';
import { checkCondition } from './verdicts';

/** Milliseconds without a key before the condition is checked. */
const pause = 300;

/** Known before the store has answered; with its answer come the declared attributes. */
const standardFields: readonly AttributeSummary[] = [
  { name: 'email', type: 'string' },
  { name: 'name', type: 'string' },
  { name: 'phone', type: 'string' },
  { name: 'country', type: 'string' },
  { name: 'timeZone', type: 'string' },
  { name: 'externalId', type: 'string' },
  { name: 'score', type: 'number' },
  { name: 'createdAt', type: 'date' },
];

const functions: readonly Suggestion[] = [
  ...['did', 'not', 'exists', 'contains', 'startsWith', 'endsWith', 'lowercase', 'uppercase', 'length'],
  ...['today', 'millis', 'toMillis'],
].map((name) => ({ value: `$${name}(`, detail: '( )' }));

/** What may be written in a condition: attributes as the language spells them, then functions. */
function suggestionsFrom(attributes: readonly AttributeSummary[]): Suggestion[] {
  const fields = attributes.map(({ name, type }) => ({
    value: /^[A-Za-z_]\w*$/.test(name) ? `lead.${name}` : `lead.\`${name}\``,
    detail: type,
  }));
  return [...fields, ...functions];
}

/** What a condition field needs to know of its dialog. */
export interface ConditionFieldOptions {
  node: RedNode;
  /** Textarea that holds the condition. */
  input: JQuery;
  /** Config node id of the store chosen in the dialog, or ''. */
  store: () => string;
  /** What it may read besides leads. Then nobody can be counted: it depends on what will happen. */
  about?: 'event';
}

/**
 * Turns a textarea into the condition editor: attribute names are completed, the runtime checks the text while it is
 * written and the message stands under the field with a mark at the position, and a button counts who would match.
 */
export function conditionField({ node, input, store, about }: ConditionFieldOptions): { check: () => void } {
  const message = $('<div class="marketing-condition-message" role="status" aria-live="polite"></div>');
  const result = $('<div class="marketing-condition-result"></div>').hide();
  const count = $('<button type="button" class="red-ui-button red-ui-button-small"></button>')
    .append('<i class="fa fa-users"></i> ', document.createTextNode(text('condition.count')))
    .on('click', () => void showCount());
  input.addClass('marketing-condition').attr({ spellcheck: 'false', autocomplete: 'off', rows: '3' });
  input.after(
    message,
    $('<div class="marketing-condition-tools"></div>')
      .append(count)
      .toggle(about === undefined),
    result,
  );

  let suggestions = suggestionsFrom(standardFields);
  attachSuggestions(input, () => suggestions);

  const written = (): string => String(input.val() ?? '').trim();
  const show = (verdict: ConditionCheck | 'empty' | 'unknown', explanation = ''): void => {
    message.empty().removeClass('marketing-good marketing-bad');
    const bad = typeof verdict === 'object' && !verdict.ok;
    input.toggleClass('marketing-condition-bad', bad).attr('aria-invalid', String(bad));
    if (verdict === 'empty') return;
    if (verdict === 'unknown') {
      message.text(explanation);
    } else if (verdict.ok) {
      message
        .addClass('marketing-good')
        .append('<i class="fa fa-check"></i> ', document.createTextNode(text('condition.good')));
    } else {
      message.addClass('marketing-bad').append(explain(written(), verdict.message, verdict.position));
    }
    count.prop('disabled', bad);
  };

  const check = async (): Promise<void> => {
    const asked = written();
    if (asked === '') return show('empty');
    if (store() === '') return show('unknown', text('condition.noStore'));
    try {
      const verdict = await checkCondition(store(), asked, about);
      if (asked === written()) show(verdict);
    } catch (error) {
      if (asked === written()) show('unknown', unavailable(error));
    }
    revalidate(node);
  };
  const checkSoon = debounce(pause, () => void check());

  const showCount = async (): Promise<void> => {
    result.text(text('condition.counting')).show();
    try {
      const found = await post<SegmentPreview>('marketing/segment/preview', { store: store(), condition: written() });
      result.empty().append(sampleTable(found));
    } catch (error) {
      result.text(unavailable(error));
    }
  };

  const loadAttributes = async (): Promise<void> => {
    if (store() === '') return;
    try {
      const declared = await get<AttributeSummary[]>(endpoint(store(), 'attributes'));
      const names = new Set(declared.map(({ name }) => name));
      suggestions = suggestionsFrom([...declared, ...standardFields.filter(({ name }) => !names.has(name))]);
    } catch {
      // Not deployed yet: the standard fields are still offered, and the check says what is the matter.
      suggestions = suggestionsFrom(standardFields);
    }
  };

  input.on('input.marketing', () => {
    result.hide();
    checkSoon();
  });
  const start = (): void => {
    void loadAttributes();
    void check();
  };
  start();
  return { check: start };
}

/** Why the runtime could not judge or count. */
export function unavailable(error: unknown): string {
  if (error instanceof ApiError && error.storeIsNotDeployed) return text('condition.notDeployed');
  return error instanceof Error ? error.message : String(error);
}

/** The line of the condition that is wrong, a caret under the position, and the message. */
function explain(condition: string, message: string, position: number | undefined): JQuery {
  const box = $('<div></div>');
  if (position !== undefined && position >= 0) {
    const start = condition.lastIndexOf('\n', Math.max(0, position - 1)) + 1;
    const lineEnd = condition.indexOf('\n', start);
    const line = condition.slice(start, lineEnd === -1 ? undefined : lineEnd);
    // Long lines are cut around the position, so that the mark is always in sight.
    const from = Math.max(0, position - start - 40);
    const excerpt = line.slice(from, from + 60);
    const mark = `${' '.repeat(Math.max(0, position - start - from))}^`;
    $('<pre class="marketing-condition-mark"></pre>').text(`${excerpt}\n${mark}`).appendTo(box);
  }
  return box.append('<i class="fa fa-exclamation-triangle"></i> ', document.createTextNode(message));
}

/** How many leads were found, and the sample as a small table. */
export function sampleTable(found: SegmentPreview): JQuery {
  const box = $('<div></div>').append(
    $('<strong></strong>').text(text('condition.found', { count: found.count, shown: formatCount(found.count) })),
  );
  if (found.sample.length === 0) return box;
  const body = $('<tbody></tbody>');
  for (const lead of found.sample) {
    $('<tr></tr>')
      .append([lead.email, lead.name, lead.country].map((value) => $('<td></td>').text(value ?? '–')))
      .appendTo(body);
  }
  return box.append($('<table class="marketing-sample"></table>').append(body));
}
