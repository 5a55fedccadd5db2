import type { ReadChannel } from '../read/types';
import type { Sending } from './boxes';

/** Where words may stand: a step of the sequence, a trigger, a channel's settings. */
export type Words = Readonly<Record<string, unknown>>;

type Content = Pick<Sending, 'contentFrom' | 'template' | 'subject' | 'html' | 'text' | 'method' | 'url' | 'payload'>;

/**
 * What is sent: the words of the step, else its template, else what the channel says; where nobody says anything, the
 * campaign brings its own.
 */
export function contentOf(channel: string, step: Words, settings: ReadChannel | undefined): Content {
  if (channel === 'webhook') return requestOf(step, settings);
  const own = wordsOf(step);
  if (own.html !== undefined || own.text !== undefined) {
    const subject = own.subject ?? settings?.subject;
    return { contentFrom: 'inline', ...own, ...(subject === undefined ? {} : { subject }) };
  }
  const template = text(step['template']);
  if (template !== undefined) return { contentFrom: 'template', template };
  if (settings?.html !== undefined || settings?.text !== undefined)
    return { contentFrom: 'inline', ...wordsOf({ ...settings }), ...own };
  if (settings?.template !== undefined) return { contentFrom: 'template', template: settings.template };
  return { contentFrom: 'campaign' };
}

/** A request to another system about one person. */
export function requestOf(step: Words, settings: ReadChannel | undefined): Content {
  const url = text(step['url']) ?? settings?.url;
  const template = text(step['template']) ?? settings?.template;
  if (url === undefined && template !== undefined) return { contentFrom: 'template', template };
  if (url === undefined) return { contentFrom: 'campaign' };
  const payload = text(step['payload']) ?? text(settings?.more['payload']);
  return {
    contentFrom: 'inline',
    url,
    method: text(step['method']) ?? settings?.method ?? 'POST',
    payload: payload ?? payloadOf({}),
  };
}

/** What another system is told about a person: who, in which campaign, and what is to be done. */
export function payloadOf(more: Words): string {
  const entries = Object.entries(more).map(([name, value]) => `  ${literal(name)}: ${literal(value)},\n`);
  return `{\n${entries.join('')}  "lead": {\n    "id": {{ lead.id }},\n    "email": "{{ lead.email }}",\n    "name": "{{ lead.name }}",\n    "phone": "{{ lead.phone }}",\n    "score": {{ lead.score }}\n  },\n  "campaign": "{{ campaign.key }}"\n}\n`;
}

/** The text for a gateway that sends it on to a telephone. */
export function gatewayPayload(words: string): string {
  // Inside of a JSON string the Liquid of the words stands as it is; the engine escapes what it prints.
  const escaped = words
    .replace(/\\/g, '\\\\')
    .replace(/"(?![^{]*\}\})/g, '\\"')
    .replace(/\r?\n/g, '\\n');
  return `{\n  "to": "{{ lead.phone }}",\n  "text": "${escaped}"\n}\n`;
}

/** JSON of a value whose texts hold no Liquid. */
function literal(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'string' ? inner.replace(/\{(?=[{%])/g, '{ ') : inner,
  );
}

function wordsOf(words: Words): Pick<Sending, 'subject' | 'html' | 'text'> {
  const found = (['subject', 'html', 'text'] as const).map((part) => [part, text(words[part])] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** A text as it is written in a document; undefined when there is none. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}
