import { randomBytes } from 'node:crypto';
import type { OpenApi, OpenApiOperation } from './openapi';

const STYLE = `
:root{color-scheme:light dark;--ink:#1b1b1f;--quiet:#5c5c66;--paper:#fbfbfd;--card:#fff;--line:#d4d4dc;--accent:#1d4ed8;--pick:#e3eafd}
@media(prefers-color-scheme:dark){:root{--ink:#ececf1;--quiet:#a2a2ae;--paper:#131316;--card:#1d1d22;--line:#3a3a44;--accent:#9dbbff;--pick:#26304a}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif;display:grid;grid-template-columns:18rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;border-right:1px solid var(--line);font-size:.9rem}
nav h2{font-size:.9rem;margin:1rem 0 .25rem}
nav ul{list-style:none;margin:0;padding:0}
nav a{display:block;padding:.1rem .4rem;border-radius:.3rem;color:inherit;text-decoration:none}
nav a:hover{background:var(--pick)}
a{color:var(--accent)}
a:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
main{padding:1rem 2rem 4rem;max-width:60rem}
main>section>h2{border-bottom:1px solid var(--line);padding-bottom:.25rem;margin-top:3rem}
article{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.75rem 1rem;margin:1rem 0}
article h3{margin:0;font-size:1rem;overflow-wrap:anywhere}
article p{margin:.35rem 0}
code,pre{font:13px/1.5 ui-monospace,monospace}
pre{overflow:auto;background:var(--paper);border:1px solid var(--line);border-radius:.4rem;padding:.6rem}
.method{display:inline-block;min-width:4.2rem;font-weight:700;color:var(--accent)}
.quiet{color:var(--quiet);font-size:.9rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{text-align:left;vertical-align:top;padding:.2rem .75rem .2rem 0;border-top:1px solid var(--line)}
@media(max-width:50rem){body{display:block}nav{position:static;height:auto;border-right:0}main{padding:1rem}}
`;

/** The OpenAPI document as a page to read: one file, no scripts, nothing loaded from elsewhere. */
export function docsPage(document: OpenApi): { headers: Record<string, string>; body: string } {
  const nonce = randomBytes(16).toString('base64');
  const sections = document.tags.map(({ name }) => ({ name, operations: operationsOf(document, name) }));
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(document.info.title)} API</title><link rel="icon" href="data:,"><style nonce="${nonce}">${STYLE}</style></head>
<body>
<nav aria-label="Operations"><a href="#top">${escape(document.info.title)} API</a>
${sections.map(navigation).join('\n')}
<h2><a href="#schemas">Schemas</a></h2></nav>
<main id="top"><h1>${escape(document.info.title)} API</h1>
${document.info.description
  .split('\n\n')
  .map((paragraph) => `<p>${withCode(paragraph)}</p>`)
  .join('\n')}
<p>The same for programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
${sections.map(({ name, operations }) => `<section><h2>${escape(name)}</h2>${operations.map(article).join('\n')}</section>`).join('\n')}
<section id="schemas"><h2>Schemas</h2>
${Object.entries(document.components.schemas)
  .map(([name, schema]) => `<article id="schema-${escape(name)}"><h3>${escape(name)}</h3>${source(schema)}</article>`)
  .join('\n')}
</section></main></body></html>`;
  return {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': `default-src 'none'; style-src 'nonce-${nonce}'; img-src data:; base-uri 'none'; frame-ancestors 'none'`,
    },
    body,
  };
}

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

function operationsOf(document: OpenApi, tag: string): Entry[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function navigation({ name, operations }: { name: string; operations: readonly Entry[] }): string {
  const items = operations.map(
    ({ operation: { operationId, summary } }) => `<li><a href="#${escape(operationId)}">${escape(summary)}</a></li>`,
  );
  return `<h2>${escape(name)}</h2><ul>${items.join('')}</ul>`;
}

function article({ method, path, operation }: Entry): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const rows = parameters.map(
    (one) =>
      `<tr><td><code>${escape(one.name)}</code></td><td>${one.in}${one.required ? ', required' : ''}</td><td>${escape(one.description ?? '')} ${brief(one.schema)}</td></tr>`,
  );
  const body = requestBody?.content['application/json'] as { schema: unknown } | undefined;
  return `<article id="${escape(operationId)}"><h3><span class="method">${method}</span> <code>${escape(path)}</code></h3>
<p>${withCode(summary)}. <span class="quiet">Needs ${escape(String(operation['x-permission']))}.</span></p>
${description === undefined ? '' : `<p>${withCode(description)}</p>`}
${rows.length > 0 ? `<table><thead><tr><th>Parameter</th><th>In</th><th>What it is</th></tr></thead><tbody>${rows.join('')}</tbody></table>` : ''}
${body ? `<details><summary>Body</summary>${source(body.schema)}</details>` : ''}
${Object.entries(responses)
  .filter(([status]) => status.startsWith('2'))
  .map(([status, response]) => answer(status, response))
  .join('')}
<p class="quiet">Problems: ${Object.keys(responses)
    .filter((status) => Number(status) >= 400)
    .join(', ')}</p></article>`;
}

function answer(status: string, response: Readonly<Record<string, unknown>>): string {
  const content = (response['content'] ?? {}) as Readonly<Record<string, { schema: unknown }>>;
  const schema = content['application/json']?.schema;
  const summary = `${status}: ${escape(String(response['description']))}`;
  return schema === undefined
    ? `<p>${summary}</p>`
    : `<details><summary>${summary}</summary>${source(schema)}</details>`;
}

/** A schema as JSON, its references as links. */
function source(schema: unknown): string {
  const json = escape(JSON.stringify(schema, null, 2));
  return `<pre><code>${json.replace(/#\/components\/schemas\/(\w+)/g, '<a href="#schema-$1">$1</a>')}</code></pre>`;
}

function brief(schema: Readonly<Record<string, unknown>>): string {
  return `<code class="quiet">${escape(JSON.stringify(schema))}</code>`;
}

function withCode(text: string): string {
  return escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
