import { bodyWriter } from './body';
import { contentHash } from './canonical';
import { ContentError } from './errors';
import { withoutControls } from './headers';
import { senderFields, writeMessage, type MessageHeaders, type RenderedEmail } from './message';
import { deriveText, type TextOrigin } from './plain-text';
import { compileTemplate, type CompiledTemplate } from './template';
import type { EmailContent, EmailOptions, RenderContext } from './types';
import { withUnsubscribeLink } from './unsubscribe-link';

/** The parts of a filled e-mail, before they are encoded: for previews. */
export interface FilledEmail {
  readonly subject: string;
  readonly text: string;
  readonly html: string | undefined;
}

/** An e-mail's content version, read and checked once. */
export interface CompiledEmail {
  /** {@link contentHash} of content and options: freezes the version. */
  readonly hash: string;
  /** Paths that the templates read (`lead.name`, `campaign.data.city`), sorted. */
  readonly variables: readonly string[];
  /** Where the text part comes from. */
  readonly textOrigin: TextOrigin;
  /** The envelope's sender. */
  readonly sender: string;
  /** Fills all parts for one lead. Throws {@link ContentError}. */
  fill(context: RenderContext): FilledEmail;
  /** The whole message for one lead. Throws {@link ContentError}. See {@link render}. */
  write(context: RenderContext, headers: MessageHeaders): RenderedEmail;
}

function placePreheader(html: string, preheader: string): string {
  const hidden =
    '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all">' +
    `${preheader}</div>`;
  const start =
    /<body\b[^>]*>/i.exec(html) ??
    /<\/head\s*>/i.exec(html) ??
    /<html\b[^>]*>/i.exec(html) ??
    /^\s*<!doctype[^>]*>/i.exec(html);
  const at = start ? start.index + start[0].length : 0;
  return html.slice(0, at) + hidden + html.slice(at);
}

/** False for a part that is absent or blank. What is no text at all goes on to {@link compileTemplate}, which refuses it. */
function present(template: string | null | undefined): template is string {
  return template !== undefined && template !== null && (typeof template !== 'string' || template.trim() !== '');
}

function finishHtml(
  html: CompiledTemplate,
  content: EmailContent,
  finish: (template: CompiledTemplate) => CompiledTemplate,
): CompiledTemplate {
  if (!present(content.preheader)) return finish(html);
  // Read by itself first, so that its errors are reported where they are.
  const preheader = compileTemplate('preheader', content.preheader, 'html');
  return finish(compileTemplate('html', placePreheader(html.source, preheader.source), 'html'));
}

interface Parts {
  readonly text: CompiledTemplate;
  readonly html: CompiledTemplate | undefined;
  readonly textOrigin: TextOrigin;
}

function compileParts(content: EmailContent, options: EmailOptions): Parts {
  const { language = 'en', unsubscribeLink = true } = options;
  const addLink = (template: CompiledTemplate): CompiledTemplate =>
    unsubscribeLink ? withUnsubscribeLink(template, language) : template;
  const written = present(content.text) ? addLink(compileTemplate('text', content.text, 'plain')) : undefined;
  if (!present(content.html)) {
    if (written) return { text: written, html: undefined, textOrigin: 'written' };
    throw new ContentError('content', 'The e-mail has neither HTML nor text. Write at least one of them.');
  }
  const html = compileTemplate('html', content.html, 'html');
  const finished = finishHtml(html, content, addLink);
  if (written) return { text: written, html: finished, textOrigin: 'written' };
  const derived = deriveText(html, addLink(html), addLink);
  return { text: derived.template, html: finished, textOrigin: derived.origin };
}

/**
 * Reads and checks an e-mail's content: templates, sender, unsubscribe link, text part. Do this once per content version; filling
 * it ({@link render}) is then a matter of microseconds.
 *
 * Throws {@link ContentError}: `E_TEMPLATE` with part, line and column for a template, `E_ADDRESS` for the sender.
 */
export function compileEmail(content: EmailContent, options: EmailOptions = {}): CompiledEmail {
  if (typeof content.subject !== 'string' || content.subject.trim() === '') {
    throw new ContentError('subject', 'The e-mail has no subject. Write one.');
  }
  const sender = senderFields(content.from, content.replyTo);
  const subject = compileTemplate('subject', content.subject, 'plain');
  const { text, html, textOrigin } = compileParts(content, options);
  const writeText = bodyWriter(text);
  const writeHtml = html && bodyWriter(html);
  const variables = new Set([subject, text, ...(html ? [html] : [])].flatMap((template) => template.variables));
  return {
    hash: contentHash({
      content,
      language: options.language ?? 'en',
      unsubscribeLink: options.unsubscribeLink ?? true,
    }),
    variables: [...variables].sort(),
    textOrigin,
    sender: sender.address,
    fill: (context) => ({
      subject: withoutControls(subject.fill(context)),
      text: text.fill(context),
      html: html?.fill(context),
    }),
    write: (given, headers) => {
      const context = given.now === undefined ? { ...given, now: headers.date } : given;
      return writeMessage({
        sender,
        headers,
        unsubscribeUrl: context.unsubscribe_url,
        subject: subject.fill(context),
        text: writeText(context),
        html: writeHtml?.(context),
      });
    },
  };
}

/**
 * The message for one lead, ready for the wire. The same arguments give the same bytes. Throws {@link ContentError}, which is never
 * retryable: the lead's data or the content has to change first.
 */
export function render(compiled: CompiledEmail, context: RenderContext, headers: MessageHeaders): RenderedEmail {
  return compiled.write(context, headers);
}
