import { post } from './api';
import { unavailable } from './condition-field';
import { text } from './texts';
import { type Content } from './verdicts';

/** What is to be shown: texts, a template, or what a campaign says for a channel. */
export type Previewed =
  { content: Content } | { template: string; channel: string } | { campaign: string; channel: string };

interface Preview {
  subject?: string;
  html?: string;
  text?: string;
}

/**
 * Shows the content rendered for a sample lead. The HTML is somebody's template: it is shown in a frame that may run
 * no script, submit nothing and reach nothing of the editor.
 */
export async function showPreview(target: JQuery, store: string, what: Previewed): Promise<void> {
  if (store === '') return void target.empty().append(notice(text('condition.noStore')));
  const missing = missingIn(what);
  if (missing !== undefined) return void target.empty().append(notice(text(missing)));
  target.empty().append(notice(text('preview.loading')));
  try {
    const preview = await post<Preview>('marketing/preview', { store, ...what });
    target.empty().append(rendered(preview));
  } catch (error) {
    target.empty().append(notice(unavailable(error)).addClass('marketing-bad'));
  }
}

/** The sentence that asks for what has not been chosen yet. */
function missingIn(what: Previewed): string | undefined {
  if ('template' in what && what.template === '') return 'invalid.required.template';
  return 'campaign' in what && what.campaign === '' ? 'preview.chooseCampaign' : undefined;
}

function rendered(preview: Preview): JQuery {
  const box = $('<div class="marketing-preview"></div>');
  $('<div class="marketing-preview-subject"></div>')
    .text(preview.subject || text('preview.noSubject'))
    .appendTo(box);
  if (preview.html) {
    $('<iframe sandbox="" referrerpolicy="no-referrer"></iframe>')
      .attr({ srcdoc: preview.html, title: text('preview.frame') })
      .appendTo(box);
  }
  if (preview.text) {
    $('<details></details>')
      .prop('open', !preview.html)
      .append($('<summary></summary>').text(text('preview.text')), $('<pre></pre>').text(preview.text))
      .appendTo(box);
  }
  return box;
}

function notice(message: string): JQuery {
  return $('<p class="marketing-preview-notice"></p>').text(message);
}
