import { endpoint, post } from './api';
import { conditionField, unavailable } from './condition-field';
import { slug } from './journey';
import { attachPicker, refreshPicker } from './pickers';
import { text } from './texts';
import { forgetConditions } from './verdicts';

/** What a segment field needs to know of its dialog. */
export interface SegmentFieldOptions {
  node: RedNode;
  /** Text field that holds the segment's key. */
  input: JQuery;
  /** Config node id of the store chosen in the dialog, or ''. */
  store: () => string;
}

/** Turns a text field into a segment picker with a panel to make a new segment without leaving the dialog. */
export function segmentField({ node, input, store }: SegmentFieldOptions): void {
  attachPicker(input, 'segments', store);
  const link = $('<a href="#" class="marketing-link"></a>').append(
    '<i class="fa fa-plus"></i> ',
    document.createTextNode(text('segment.create')),
  );
  const panel = $('<div class="marketing-panel"></div>').hide();
  input.after($('<div class="marketing-under"></div>').append(link, panel));
  link.on('click', (event) => {
    event.preventDefault();
    if (panel.children().length === 0) fillPanel();
    panel.toggle();
  });

  function fillPanel(): void {
    const name = $('<input type="text">').attr({ placeholder: text('segment.namePlaceholder') });
    const condition = $('<textarea></textarea>').attr({ placeholder: text('condition.placeholder') });
    const problem = $('<div class="marketing-bad"></div>').hide();
    const save = $('<button type="button" class="red-ui-button red-ui-button-small"></button>').text(
      text('segment.save'),
    );
    panel.append(row(text('segment.name'), name), row(text('segment.condition'), condition), problem, save);
    conditionField({ node, input: condition, store });
    save.on('click', () => {
      void create(String(name.val() ?? '').trim(), String(condition.val() ?? '').trim()).then(
        (key) => {
          problem.hide();
          panel.hide();
          input.val(key).trigger('change');
        },
        (error: unknown) => problem.text(unavailable(error)).show(),
      );
    });
  }

  async function create(name: string, condition: string): Promise<string> {
    if (store() === '') throw new Error(text('condition.noStore'));
    if (name === '') throw new Error(text('segment.nameMissing'));
    if (condition === '') throw new Error(text('invalid.required.condition'));
    const made = await post<{ key?: string }>(endpoint(store(), 'segments'), { key: slug(name), name, condition });
    refreshPicker('segments', store());
    forgetConditions();
    return made.key ?? slug(name);
  }
}

function row(label: string, input: JQuery): JQuery {
  return $('<div class="marketing-panel-row"></div>').append($('<span></span>').text(label), input);
}
