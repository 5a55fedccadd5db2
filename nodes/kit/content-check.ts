import {
  compileEmail,
  compileWebhook,
  ContentError,
  type EmailContent,
  type Plain,
  type RenderContext,
  type WebhookContent,
} from '../../lib/content';
import { InputError } from '../../lib/errors';

/** What the editor is told about a message's texts. */
export type ContentVerdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly part?: string;
      readonly line?: number;
      readonly column?: number;
      readonly code: string;
      readonly message: string;
    };

/** A message filled for one lead, as it is shown in the dialog. */
export interface ContentPreview {
  readonly subject: string;
  readonly html?: string;
  readonly text?: string;
}

/** Where the account's sender will stand. */
const SENDER = { address: 'sender@example.org' } as const;

/** The link of a preview leads nowhere. */
const UNSUBSCRIBE = 'https://example.org/unsubscribe';

/** A lead for previews of stores that have none. */
const SAMPLE: RenderContext['lead'] = {
  id: 1,
  email: 'ada@example.org',
  name: 'Ada Example',
  country: 'DE',
  score: 0,
  createdAt: 0,
};

/** Checks the texts of a message: whether they parse, and where they do not. */
export function checkContent(content: unknown): ContentVerdict {
  try {
    compile(content);
    return { ok: true };
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    const { part, line, column, code, message } = error;
    return {
      ok: false,
      part,
      code,
      message,
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
    };
  }
}

/** Fills the texts for a lead. @throws ContentError */
export function previewContent(content: unknown, lead: object | undefined, now: number): ContentPreview {
  const compiled = compile(content);
  const context: RenderContext = {
    lead: (lead as { readonly [key: string]: Plain } | undefined) ?? SAMPLE,
    campaign: { id: 1, key: 'preview', name: 'Preview', data: {} },
    unsubscribe_url: UNSUBSCRIBE,
    now,
  };
  if (compiled.kind === 'email') {
    const { subject, html, text } = compiled.email.fill(context);
    return { subject, text, ...(html === undefined ? {} : { html }) };
  }
  const { method, url, body } = compiled.webhook.render(context);
  return { subject: `${method} ${url}`, ...(body === undefined ? {} : { text: body }) };
}

function compile(
  content: unknown,
):
  | { kind: 'email'; email: ReturnType<typeof compileEmail> }
  | { kind: 'webhook'; webhook: ReturnType<typeof compileWebhook> } {
  if (typeof content !== 'object' || content === null) {
    throw new InputError('E_CONTENT', 'Send the texts of the message: subject, html and text, or url and payload.');
  }
  const parts = content as Readonly<Record<string, unknown>>;
  if ('url' in parts) return { kind: 'webhook', webhook: compileWebhook(parts as unknown as WebhookContent) };
  return { kind: 'email', email: compileEmail({ ...parts, from: SENDER } as unknown as EmailContent) };
}
