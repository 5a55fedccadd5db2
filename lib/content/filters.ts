import { filters as liquidFilters, type Liquid } from 'liquidjs';
import { formatDate } from './date-format';
import { wellFormed } from './headers';

/**
 * The filters a marketer may use. Left out on purpose: what runs expressions (`where_exp` …), is random (`sample`: a retry must
 * send the same bytes), digests or decodes (`hmac_sha256`, `base64_decode` …) or prints internals (`inspect`).
 *
 * `direct` filters are plain functions of their arguments and may be called without liquidjs' generators; the others may not.
 */
const DIRECT = [
  ...['abs', 'at_least', 'at_most', 'ceil', 'divided_by', 'floor', 'minus', 'plus', 'modulo', 'times', 'round'],
  ...['append', 'prepend', 'capitalize', 'downcase', 'upcase', 'lstrip', 'rstrip', 'strip', 'strip_newlines', 'squish'],
  ...['normalize_whitespace', 'replace', 'replace_first', 'replace_last', 'remove', 'remove_first', 'remove_last'],
  ...['truncate', 'truncatewords', 'split', 'number_of_words', 'array_to_sentence_string', 'slugify'],
  ...['escape', 'escape_once', 'newline_to_br', 'strip_html', 'url_encode', 'url_decode', 'uri_escape'],
  ...['join', 'first', 'last', 'size', 'slice', 'date', 'default', 'raw', 'json'],
] as const;
const INDIRECT = [
  'reverse',
  'sort',
  'sort_natural',
  'map',
  'sum',
  'compact',
  'concat',
  'uniq',
  'where',
  'reject',
] as const;

const directNames: ReadonlySet<string> = new Set(DIRECT);

/** Names of all filters that templates may use. */
export const ALLOWED_FILTERS: readonly string[] = [...DIRECT, ...INDIRECT].sort();

/** True when a filter may be called straight, without a generator around it. */
export function isDirectFilter(name: string): boolean {
  return directNames.has(name);
}

/** Our own view of what liquidjs hands to a filter: the few members the replaced filters need. */
interface FilterThis {
  context: { environments: object; memoryLimit: { use(count: number): void } };
}

function call(name: string, self: FilterThis, args: readonly unknown[]): unknown {
  const impl = liquidFilters[name];
  const handler = typeof impl === 'function' ? impl : impl?.handler;
  return handler === undefined ? args[0] : Reflect.apply(handler, self, args);
}

/** `date` for our data and the message's time; see {@link formatDate}. */
function date(this: FilterThis, value: unknown, format?: unknown, zone?: unknown): unknown {
  const { environments } = this.context;
  return formatDate(value, format, zone, 'now' in environments ? environments.now : undefined);
}

/** JSON of a value; what is missing is `null`, so that `{"age": {{ lead.age | json }}}` stays JSON. */
function json(this: FilterThis, value: unknown, space?: unknown): unknown {
  return call('json', this, [value === undefined ? null : value, space]) ?? 'null';
}

/** Line breaks of a value as `<br />`, everything else escaped: safe as it stands, so it is not escaped a second time. */
function newlineToBr(this: FilterThis, value: unknown): unknown {
  return call('newline_to_br', this, [call('escape', this, [value])]);
}

/** Installs the allow-list in an engine and removes everything else. */
export function installFilters(engine: Liquid, kind: 'html' | 'plain' | 'json' | 'url'): void {
  for (const name of Object.keys(engine.filters)) {
    if (!ALLOWED_FILTERS.includes(name)) engine.unregisterFilter(name);
  }
  engine.registerFilter('date', date);
  engine.registerFilter('json', kind === 'json' ? { raw: true, handler: json } : json);
  // Lone surrogates cannot be percent-encoded; one odd name must not make a lead undeliverable.
  for (const name of ['url_encode', 'uri_escape']) {
    const handler = function (this: FilterThis, value: unknown): unknown {
      return call(name, this, [typeof value === 'string' ? wellFormed(value) : value]);
    };
    // Outputs are escaped by default; said explicitly, it must not happen twice. Likewise below.
    engine.registerFilter(name, { raw: kind === 'url', handler });
  }
  if (kind === 'html') {
    for (const name of ['escape', 'escape_once']) {
      const handler = function (this: FilterThis, value: unknown): unknown {
        return call(name, this, [value]);
      };
      engine.registerFilter(name, { raw: true, handler });
    }
    engine.registerFilter('newline_to_br', { raw: true, handler: newlineToBr });
  }
}
