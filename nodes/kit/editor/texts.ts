import { type MessageOptions } from './types';

/** Catalogue of the texts that several dialogs share: locales/<language>/plugin.json next to plugin.html. */
const namespace = '@nexus/node-red-marketing/marketing-editor';

/** A shared text in the editor's language. */
export function text(key: string, options?: MessageOptions): string {
  return RED._(`${namespace}:${key}`, options);
}

/** A text of one node's own catalogue, in the editor's language. */
export function nodeText(node: RedNode, key: string, options?: MessageOptions): string {
  return node._def._(key, options);
}

/** A whole number as it is written in the editor's language, such as 12,345. */
export function formatCount(value: number): string {
  return new Intl.NumberFormat(RED.i18n.lang()).format(value);
}

/** A text cut to what fits on a node. */
export function shorten(value: unknown, length = 28): string {
  const written = String(value ?? '')
    .replace(/\s+/g, ' ')
    .trim();
  return written.length > length ? `${written.slice(0, length - 1)}…` : written;
}
