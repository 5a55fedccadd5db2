import { contentHash } from './canonical';
import { formOf, partsOf, type ChannelForm, type ChannelParts, type PartForm } from './channel-forms';
import { emailContentOf, headersOf, mailboxOf, textOf, webhookContentOf, type DefaultSender } from './channel-parts';
import { checkAddress } from './address';
import { compileEmail } from './email';
import { ContentError, type ContentPart } from './errors';
import { SAMPLE_SENDER } from './sample';
import { smsSize, type SmsSize } from './sms';
import { compileTemplate, type CompiledTemplate } from './template';
import type { ContentLanguage, RenderContext } from './types';
import { compileWebhook, type RenderedWebhook } from './webhook';

/** A content filled for one lead, part by part. */
export interface FilledContent extends Readonly<
  Partial<Record<'subject' | 'html' | 'text' | 'title' | 'body', string>>
> {
  readonly actionUrl?: string;
  readonly icon?: string;
  /** webhook. */
  readonly request?: RenderedWebhook;
  /** sms: how many messages it takes. */
  readonly size?: SmsSize;
}

/** A channel's content, read and checked once. */
export interface CompiledParts {
  readonly channel: string;
  /** {@link contentHash} of channel and parts. */
  readonly hash: string;
  /** Paths that the templates read (`lead.name`, `campaign.data.city`), sorted. */
  readonly variables: readonly string[];
  /** Fills it for one lead. @throws ContentError */
  fill(context: RenderContext): FilledContent;
}

/** How {@link compileParts} reads a content. */
export interface PartsOptions {
  /** Language of what is added (the unsubscribe line). Default `en`. */
  readonly language?: ContentLanguage;
  /** Who sends where the content names nobody. Default: a sample, for checking and previews. */
  readonly sender?: DefaultSender;
}

/** Something that is wrong with a content. */
export interface ContentProblem {
  /** JSON pointer: `/content/subject`. */
  readonly path: string;
  readonly message: string;
  /** 1-based, in the part's text; only for templates. */
  readonly line?: number;
  readonly column?: number;
}

/**
 * Reads and checks a channel's content. Channels without a form of their own take a `text`.
 * @throws ContentError for the first thing that is wrong; {@link partsProblems} finds them all
 */
export function compileParts(channel: string, parts: ChannelParts, options: PartsOptions = {}): CompiledParts {
  const hash = contentHash({ channel, parts });
  switch (channel) {
    case 'email': {
      const { language = 'en', sender = { from: SAMPLE_SENDER } } = options;
      const { variables, fill } = compileEmail(emailContentOf(parts, sender), { language });
      return {
        channel,
        hash,
        variables,
        fill: (context) => {
          const { subject, text, html } = fill(context);
          return { subject, text, ...(html === undefined ? {} : { html }) };
        },
      };
    }
    case 'webhook': {
      const { variables, render } = compileWebhook(webhookContentOf(parts));
      return { channel, hash, variables, fill: (context) => ({ request: render(context) }) };
    }
    default:
      return { channel, hash, ...compileTexts(channel, formOf(channel), parts) };
  }
}

function compileTexts(
  channel: string,
  form: ChannelForm,
  parts: ChannelParts,
): Pick<CompiledParts, 'variables' | 'fill'> {
  const templates = partsOf(form).flatMap(([part, wanted]) => {
    const template = compilePart(part, wanted, parts);
    return template === undefined ? [] : [{ part, wanted, template }];
  });
  return {
    variables: [...new Set(templates.flatMap(({ template }) => template.variables))].sort(),
    fill: (context) => {
      const filled: FilledContent = Object.fromEntries(
        templates.map(({ part, wanted, template }) => [part, checked(part, wanted, template.fill(context))]),
      );
      return channel === 'sms' ? { ...filled, size: smsSize(filled.text ?? '') } : filled;
    },
  };
}

function checked(part: ContentPart, { longest }: PartForm, text: string): string {
  if (longest === undefined || text.length <= longest) return text;
  throw new ContentError(
    part,
    `The ${part} is ${text.length} characters long; at most ${longest} can be sent. Shorten the template or this lead's data.`,
  );
}

/** A part's template; undefined when it is not there. What is the same for everybody is filled once, so that its length is known. */
function compilePart(part: ContentPart, wanted: PartForm, parts: ChannelParts): CompiledTemplate | undefined {
  const text = textOf(parts, part);
  if (text === undefined) {
    if (wanted.required) throw new ContentError(part, `There is no ${part}. Write one.`);
    return undefined;
  }
  const template = compileTemplate(part, text, wanted.kind === 'html' || wanted.kind === 'url' ? wanted.kind : 'plain');
  if (template.variables.length === 0) checked(part, wanted, template.fill({ lead: {} }));
  return template;
}

/** Everything that is wrong with a channel's content; nothing when it can be compiled. `path` stands before each part's name. */
export function partsProblems(channel: string, content: unknown, path = ''): ContentProblem[] {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    return [
      { path, message: `The content must be an object with the parts of the channel: ${names(formOf(channel))}.` },
    ];
  }
  const parts = content as ChannelParts;
  const form = formOf(channel);
  const unknown = Object.keys(parts)
    .filter((name) => !Object.hasOwn(form, name))
    .map((name) => ({
      path: `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      message: `This is no part of a content for ${channel}. Its parts are: ${names(form)}.`,
    }));
  const wrong = partsOf(form).flatMap(([part, wanted]) => attempt(path, () => checkPart(part, wanted, parts)));
  // What only shows when the parts stand together: neither HTML nor text, a payload that is no JSON …
  const together = wrong.length > 0 ? [] : attempt(path, () => compileParts(channel, parts));
  return [...unknown, ...wrong, ...together];
}

function checkPart(part: ContentPart, wanted: PartForm, parts: ChannelParts): unknown {
  switch (wanted.kind) {
    case 'mailbox': {
      const mailbox = mailboxOf(parts, part === 'replyTo' ? 'replyTo' : 'from');
      return mailbox && checkAddress(mailbox.address, part);
    }
    case 'headers':
      return headersOf(parts);
    case 'json':
      return webhookContentOf({ [part]: parts[part] });
    case 'fixed':
      return compileWebhook({ ...webhookContentOf({ [part]: parts[part] }), url: 'https://example.org' });
    default:
      return compilePart(part, wanted, parts);
  }
}

function attempt(path: string, check: () => unknown): ContentProblem[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    const { part, message, line, column } = error;
    const where = line === undefined || column === undefined ? {} : { line, column };
    return [{ path: part === 'content' ? path : `${path}/${part}`, message, ...where }];
  }
}

function names(form: ChannelForm): string {
  return Object.keys(form).join(', ');
}
