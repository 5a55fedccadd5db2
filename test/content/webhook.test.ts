import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compileWebhook, ContentError, contentHash, type WebhookContent } from '../../lib/content';
import { context } from './sample';

const hook = (changes: Partial<WebhookContent> = {}): WebhookContent => ({
  url: 'https://api.example.com/leads/{{ lead.id }}',
  ...changes,
});

function refused(work: () => unknown, code: string, part: string): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(error instanceof ContentError, String(error));
    assert.deepEqual([error.code, error.part, error.retryable], [code, part, false]);
    return true;
  });
}

describe('a webhook', () => {
  it('fills url, headers and payload', () => {
    const compiled = compileWebhook(
      hook({
        method: 'put',
        headers: { 'X-Lead': '{{ lead.id }}' },
        payload: '{"name": "{{ lead.name }}", "id": {{ lead.id }}, "x": {{ lead.none | json }}}',
      }),
    );
    assert.deepEqual(compiled.variables, ['lead.id', 'lead.name', 'lead.none']);
    assert.deepEqual(compiled.render(context({ name: 'A "b"\n\\' })), {
      method: 'PUT',
      url: 'https://api.example.com/leads/7',
      headers: { 'X-Lead': '7', 'Content-Type': 'application/json' },
      body: '{"name": "A \\"b\\"\\n\\\\", "id": 7, "x": null}',
    });
  });

  it('keeps any data inside its string or value, so that it cannot add members', () => {
    const compiled = compileWebhook(
      hook({
        payload:
          '{"name": "{{ lead.name }}", "bare": {{ lead.name }}, "list": [{{ lead.name }}], "q\\"{{ lead.name }}": 1, "all": {{ lead | json }},' +
          '"each": [{% for n in lead.names %}{{ n }}{% unless forloop.last %},{% endunless %}{% endfor %}], "up": "{{- lead.name | upcase -}}"}',
      }),
    );
    const attacks = ['x","admin":true,"y":"', '1, 2', 'true', '\ud800', '\\', '\u2028\u0000', '{}', '"', ''];
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...attacks)), (name) => {
        const { body } = compiled.render({ lead: { name, names: [name, name] } });
        assert.deepEqual(JSON.parse(body ?? ''), {
          name,
          bare: name,
          list: [name],
          [`q"${name}`]: 1,
          all: { name, names: [name, name] },
          each: [name, name],
          up: name.toUpperCase(),
        });
      }),
      { numRuns: 500 },
    );
  });

  it('prints values of their own as JSON, and null for what is missing', () => {
    const compiled = compileWebhook(
      hook({ payload: '{"age": {{ lead.age }}, "tags": {{- lead.tags -}}, "x": {{ lead.x | default: "none" }}}' }),
    );
    assert.deepEqual(JSON.parse(compiled.render({ lead: { age: 5, tags: ['a'] } }).body ?? ''), {
      age: 5,
      tags: ['a'],
      x: 'none',
    });
    assert.deepEqual(JSON.parse(compiled.render({ lead: { age: null } }).body ?? ''), {
      age: null,
      tags: null,
      x: 'none',
    });
  });

  it('refuses a payload that did not become JSON, and a fixed one at once', () => {
    const compiled = compileWebhook(hook({ payload: '{"age": {{ lead.age | raw }}}' }));
    assert.equal(compiled.render(context({ age: 5 })).body, '{"age": 5}');
    refused(() => compiled.render(context()), 'E_PAYLOAD', 'payload');
    refused(() => compiled.render(context({ age: '1,' })), 'E_PAYLOAD', 'payload');
    refused(() => compileWebhook(hook({ payload: '{oops}' })), 'E_PAYLOAD', 'payload');
    refused(() => compileWebhook(hook({ payload: '{{ x' })), 'E_TEMPLATE', 'payload');
  });

  it('escapes by content type', () => {
    const body = (type: string, payload: string): string | undefined =>
      compileWebhook(hook({ headers: { 'content-type': type }, payload })).render(context({ name: 'a&b <c>="' })).body;
    assert.equal(
      body('application/x-www-form-urlencoded', 'name={{ lead.name }}&x=1'),
      'name=a%26b%20%3Cc%3E%3D%22&x=1',
    );
    assert.equal(
      body('application/soap+xml; charset=utf-8', '<n>{{ lead.name }}</n>'),
      '<n>a&amp;b &lt;c&gt;=&#34;</n>',
    );
    assert.equal(body('text/plain', '{{ lead.name }}'), 'a&b <c>="');
    assert.equal(body('application/ld+json', '"{{ lead.name }}"'), '"a&b <c>=\\""');
  });

  it('encodes what is printed into the url unless raw is asked for', () => {
    const url = (template: string, value: string): string =>
      compileWebhook(hook({ url: template })).render(context({ name: value })).url;
    assert.equal(
      url('https://x.test/{{ lead.name }}?q={{ lead.name }}', '../a?b&c#d ä'),
      'https://x.test/..%2Fa%3Fb%26c%23d%20%C3%A4?q=..%2Fa%3Fb%26c%23d%20%C3%A4',
    );
    assert.equal(url('{{ lead.name | raw }}/x', 'https://y.test'), 'https://y.test/x');
    assert.equal(url('https://x.test/{{ lead.name | url_encode }}', 'a b\ud800'), 'https://x.test/a+b%EF%BF%BD');
    refused(() => url('https://x.test/{{ lead.name | raw }}', 'a\r\nHost: evil'), 'E_PAYLOAD', 'url');
    refused(() => url('{{ lead.name | raw }}', 'file:///etc/passwd'), 'E_PAYLOAD', 'url');
    refused(() => url('{{ lead.name | raw }}', 'https://a:b@x.test'), 'E_PAYLOAD', 'url');
    refused(() => compileWebhook(hook({ url: 'ftp://x.test' })), 'E_PAYLOAD', 'url');
    refused(() => compileWebhook(hook({ url: ' ' })), 'E_PAYLOAD', 'url');
  });

  it('refuses header injection, connection headers and odd names', () => {
    const compiled = compileWebhook(hook({ headers: { 'X-Name': '{{ lead.name }}' } }));
    for (const name of ['a\r\nX-Evil: 1', 'a\nb', 'a\0', 'ä', 'x'.repeat(5000)])
      refused(() => compiled.render(context({ name })), 'E_HEADER', 'headers');
    for (const name of ['Host', 'content-length', 'Transfer-Encoding', 'a b', 'a:b', 'a\r\nb', '']) {
      refused(() => compileWebhook(hook({ headers: { [name]: 'x' } })), 'E_HEADER', 'headers');
    }
    refused(() => compileWebhook(hook({ headers: { 'Content-Type': '{{ lead.type }}' } })), 'E_HEADER', 'headers');
  });

  it('knows its methods, and sends no body with GET', () => {
    refused(() => compileWebhook(hook({ method: 'TRACE' })), 'E_PAYLOAD', 'method');
    assert.equal(compileWebhook(hook()).method, 'POST');
    const get = compileWebhook(hook({ method: 'GET', payload: '{"a":1}' })).render(context());
    assert.deepEqual([get.body, get.headers], [undefined, {}]);
  });
});

describe('the hash of a content version', () => {
  it('is the same whatever the order of its members and through JSON, and differs when anything differs', () => {
    const one = { b: [1, { y: 'ä', x: null }], a: 'x', none: undefined };
    const two = { a: 'x', b: [1, { x: null, y: 'ä' }] };
    assert.equal(contentHash(one), contentHash(two));
    assert.equal(contentHash(JSON.parse(JSON.stringify(one))), contentHash(one));
    assert.match(contentHash(one), /^[0-9a-f]{64}$/);
    for (const other of [{ ...two, a: 'X' }, { ...two, c: 0 }, { a: 'x', b: [{ x: null, y: 'ä' }, 1] }, [], null, '']) {
      assert.notEqual(contentHash(other), contentHash(two));
    }
    // Of the canonical JSON {"a":1,"b":[true,null]}.
    assert.equal(contentHash({ b: [true, undefined], a: 1 }), contentHash({ a: 1, b: [true, null] }));
  });

  it('refuses what JSON cannot hold', () => {
    for (const value of [Number.NaN, Infinity, () => 1, 5n, Symbol('x')])
      assert.throws(() => contentHash({ value }), ContentError);
  });
});
