import { contentHash } from './canonical';
import type { TemplateKind } from './engine';
import { ContentError } from './errors';
import { hasControl, headerError } from './headers';
import { withJsonValues } from './json-template';
import { compileTemplate, type CompiledTemplate } from './template';
import type { RenderContext } from './types';

/** What a marketer wrote for a webhook (AC-002.5). `url`, header values and `payload` are Liquid templates. */
export interface WebhookContent {
  /** GET, POST, PUT, PATCH or DELETE. Default POST. */
  readonly method?: string;
  /** http or https. What is printed into it is encoded as a URL component unless the last filter is `raw`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * The body. Its escaping follows the Content-Type header (default `application/json`): in JSON, `"{{ lead.name }}"` prints the inside of a
   * string and `{{ lead.age }}` without quotes a value (`null` when it is missing). XML and HTML, and urlencoded forms, are escaped in
   * their own way.
   */
  readonly payload?: string;
}

/** A request, filled for one lead. */
export interface RenderedWebhook {
  readonly method: string;
  readonly url: string;
  /** Names as written, plus `Content-Type` when there is a body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** A webhook's content version, read and checked once. */
export interface CompiledWebhook {
  readonly hash: string;
  readonly variables: readonly string[];
  readonly method: string;
  /** Fills the request for one lead. Throws {@link ContentError}. */
  render(context: RenderContext): RenderedWebhook;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const WITHOUT_BODY = ['GET'];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/;
const MAX_HEADER = 4_000;
const MAX_URL = 4_000;

/** Headers that belong to the connection: whoever sets them can smuggle a second request or misroute this one. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'te', 'trailer', 'expect'],
  ...['proxy-authorization', 'proxy-connection'],
]);

function kindOf(contentType: string): TemplateKind {
  const type = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  if (isJson(type)) return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'url';
  return /[/+](?:xml|html)$/.test(type) || type === 'application/xhtml+xml' ? 'html' : 'plain';
}

function isJson(type: string): boolean {
  return type === 'application/json' || type === 'text/json' || type.endsWith('+json');
}

function checkHeaderName(name: string): void {
  if (!TOKEN.test(name)) throw headerError(`${JSON.stringify(name.slice(0, 40))} is not the name of an HTTP header.`);
  if (CONNECTION_HEADERS.has(name.toLowerCase())) {
    throw headerError(`The header ${name} is set by the connection itself. Remove it.`);
  }
}

function fillHeader(name: string, template: CompiledTemplate, context: RenderContext): string {
  const value = template.fill(context).trim();
  // Bytes above 0x7e arrive differently at different servers; RFC 9110 5.5 leaves them without a meaning.
  if (hasControl(value) || !/^[\x20-\x7e]*$/.test(value) || value.length > MAX_HEADER) {
    throw headerError(
      `The header ${name} must be one line of ASCII of at most ${MAX_HEADER} characters. Take line breaks out of it, or filter it with url_encode.`,
    );
  }
  return value;
}

function fillUrl(template: CompiledTemplate, context: RenderContext): string {
  const text = template.fill(context).trim();
  const url = !hasControl(text) && text.length <= MAX_URL ? URL.parse(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    throw new ContentError(
      'url',
      'The webhook url must be an http or https URL of one line. Correct the template or the data of this lead.',
      {
        code: 'E_PAYLOAD',
      },
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new ContentError('url', 'The webhook url must not contain a password. Send it in an Authorization header.', {
      code: 'E_PAYLOAD',
    });
  }
  return url.href;
}

/** The payload's template. Read as it was written first, so that errors say where. */
function compilePayload(source: string, contentType: string): CompiledTemplate {
  const template = compileTemplate('payload', source, kindOf(contentType));
  return template.kind === 'json' ? compileTemplate('payload', withJsonValues(template.source), 'json') : template;
}

function checkJson(body: string): string {
  try {
    JSON.parse(body);
    return body;
  } catch (cause) {
    // The parser's own message quotes the body, which is the lead's data.
    throw new ContentError(
      'payload',
      'The payload did not become JSON. Check commas, quotes and what is printed with the raw filter.',
      { code: 'E_PAYLOAD', cause },
    );
  }
}

/**
 * Reads and checks a webhook's content once. Throws {@link ContentError}: `E_TEMPLATE` for a template, `E_HEADER` for a header,
 * `E_PAYLOAD` for an unknown method, and for a fixed url or payload that is none.
 */
export function compileWebhook(content: WebhookContent): CompiledWebhook {
  const method = (content.method ?? 'POST').toUpperCase();
  if (!METHODS.includes(method)) {
    throw new ContentError('method', `The webhook method must be one of ${METHODS.join(', ')}.`, { code: 'E_PAYLOAD' });
  }
  if (typeof content.url !== 'string' || content.url.trim() === '') {
    throw new ContentError('url', 'The webhook has no url. Write one.', { code: 'E_PAYLOAD' });
  }
  const url = compileTemplate('url', content.url.trim(), 'url');
  const headers = Object.entries(content.headers ?? {}).map(([name, value]) => {
    checkHeaderName(name);
    return { name, template: compileTemplate('headers', value, 'plain') };
  });
  const written = headers.find(({ name }) => name.toLowerCase() === 'content-type');
  if (written && written.template.variables.length > 0)
    throw headerError('The Content-Type must be the same for everybody.');
  const contentType = written ? written.template.fill({ lead: {} }).trim() : 'application/json';
  const payload =
    content.payload === undefined || content.payload.trim() === '' || WITHOUT_BODY.includes(method)
      ? undefined
      : compilePayload(content.payload, contentType);
  const finish = payload?.kind === 'json' ? checkJson : (body: string): string => body;
  const templates = [url, ...headers.map(({ template }) => template), ...(payload ? [payload] : [])];
  const renderFor = (context: RenderContext): RenderedWebhook => {
    const filled: Record<string, string> = {};
    for (const { name, template } of headers) filled[name] = fillHeader(name, template, context);
    if (payload && !written) filled['Content-Type'] = contentType;
    return { method, url: fillUrl(url, context), headers: filled, body: payload && finish(payload.fill(context)) };
  };
  // What has no variables is wrong for everybody, so it is said now.
  if (payload?.variables.length === 0) finish(payload.fill({ lead: {} }));
  if (url.variables.length === 0) fillUrl(url, { lead: {} });
  return {
    hash: contentHash(content),
    variables: [...new Set(templates.flatMap((template) => template.variables))].sort(),
    method,
    render: renderFor,
  };
}
