import {
  compileParts,
  ContentError,
  previewContext,
  type ChannelParts,
  type CompiledParts,
  type FilledContent,
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
  return shownOf(compile(content).fill(previewContext({ now, ...(lead === undefined ? {} : { lead }) })));
}

/** A filled content as the dialog shows it. */
export function shownOf({ subject, title, html, text, body, request }: FilledContent): ContentPreview {
  const plain = text ?? body ?? request?.body;
  return {
    subject: subject ?? title ?? (request ? `${request.method} ${request.url}` : ''),
    ...(html === undefined ? {} : { html }),
    ...(plain === undefined ? {} : { text: plain }),
  };
}

function compile(content: unknown): CompiledParts {
  if (typeof content !== 'object' || content === null) {
    throw new InputError('E_CONTENT', 'Send the texts of the message: subject, html and text, or url and payload.');
  }
  return compileParts('url' in content ? 'webhook' : 'email', content as ChannelParts);
}
