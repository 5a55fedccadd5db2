import { Liquid } from 'liquidjs';
import { installFilters } from './filters';
import { wellFormed } from './headers';

/**
 * How a template's outputs are escaped: `html` as HTML, `json` as the inside of a JSON string, `url` as a URL component,
 * `plain` not at all.
 */
export type TemplateKind = 'html' | 'plain' | 'json' | 'url';

/** Longest template, in characters. */
export const MAX_TEMPLATE = 500_000;
/** Longest result of one template, in characters. */
export const MAX_OUTPUT = 1_000_000;
/** Longest time one lead's template may take, in milliseconds. Exceeding it is tried once more: the process may have stood still. */
export const MAX_RENDER_MS = 100;
const MAX_MEMORY = 5_000_000;

/** Tags a marketer may use. Nothing that loads another file (`include`, `render`, `layout`, `block`). */
export const ALLOWED_TAGS: readonly string[] = [
  ...['#', 'assign', 'break', 'capture', 'case', 'comment', 'continue', 'cycle', 'decrement', 'echo', 'for', 'if'],
  ...['increment', 'liquid', 'raw', 'unless'],
];

const HTML_SPECIAL = /[&<>"']/;
const HTML_SPECIALS = /[&<>"']/g;

function htmlEntity(character: string): string {
  switch (character) {
    case '&':
      return '&amp;';
    case '<':
      return '&lt;';
    case '>':
      return '&gt;';
    case '"':
      return '&#34;';
    default:
      return '&#39;';
  }
}

/** Text as HTML text or attribute value. The entities are those of liquidjs' `escape`. */
export function escapeHtml(text: string): string {
  return HTML_SPECIAL.test(text) ? text.replace(HTML_SPECIALS, htmlEntity) : text;
}

/** Also for objects: `[object Object]`, as liquidjs prints them. */
const toText: (value: unknown) => string = String;

/** What liquidjs would print for a value. */
export function stringify(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(stringify).join('');
  return toText(value);
}

function escapeJson(value: unknown): unknown {
  if (typeof value === 'string') return JSON.stringify(value).slice(1, -1);
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

/** The text of a value as a kind of template prints it when no filter says otherwise. */
export function escapeFor(kind: TemplateKind): (value: unknown) => string {
  switch (kind) {
    case 'html':
      return (value) => escapeHtml(stringify(value));
    case 'json':
      return (value) => stringify(escapeJson(value));
    case 'url':
      return (value) => encodeURIComponent(wellFormed(stringify(value)));
    case 'plain':
      return stringify;
  }
}

function createEngine(kind: TemplateKind): Liquid {
  const engine = new Liquid({
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: false,
    // An empty map of templates takes the place of the file system.
    templates: {},
    cache: false,
    parseLimit: MAX_TEMPLATE,
    memoryLimit: MAX_MEMORY,
    renderLimit: MAX_RENDER_MS,
    // The same lead must get the same bytes on every machine.
    timezoneOffset: 0,
    locale: 'en-US',
    outputEscape: kind === 'plain' ? undefined : escapeFor(kind),
  });
  for (const name of Object.keys(engine.tags)) {
    if (!ALLOWED_TAGS.includes(name)) delete engine.tags[name];
  }
  installFilters(engine, kind);
  return engine;
}

const engines = new Map<TemplateKind, Liquid>();

/** The one engine of a kind. */
export function engineOf(kind: TemplateKind): Liquid {
  let engine = engines.get(kind);
  if (!engine) {
    engine = createEngine(kind);
    engines.set(kind, engine);
  }
  return engine;
}
