import assert from 'node:assert/strict';
import {
  ALLOWED_FILTERS,
  ALLOWED_TAGS,
  compileEmail,
  ContentError,
  MAX_TEMPLATE,
  type RenderContext,
} from '../../lib/content';
import { compileTemplate } from '../../lib/content/template';
import { InputError } from '../../lib/errors';
import { content, context } from './sample';

function errorOf(work: () => unknown): ContentError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ContentError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' });
}

const html = (source: string, data: RenderContext = context()): string =>
  compileTemplate('html', source, 'html').fill(data);
const plain = (source: string, data: RenderContext = context()): string =>
  compileTemplate('text', source, 'plain').fill(data);

describe('a template', () => {
  it('escapes in HTML and not in text, and escapes once when asked to', () => {
    const data = context({ name: `<b>"A" & 'B'</b>` });
    const escaped = '&lt;b&gt;&#34;A&#34; &amp; &#39;B&#39;&lt;/b&gt;';
    assert.equal(html('{{ lead.name }}', data), escaped);
    assert.equal(html('{{ lead.name | escape }}', data), escaped);
    assert.equal(html('{{ lead.name | raw }}', data), `<b>"A" & 'B'</b>`);
    assert.equal(plain('{{ lead.name }}', data), `<b>"A" & 'B'</b>`);
    assert.equal(html('{{ lead.name | newline_to_br }}', context({ name: 'a\n<i>' })), 'a<br />\n&lt;i&gt;');
  });

  it('prints nothing for what is missing, whatever the path, and takes the default', () => {
    assert.equal(plain('[{{ nothing }}{{ lead.a.b.c }}{{ lead.name.x }}{{ campaign.data.zip[3].y }}]'), '[]');
    assert.equal(plain('{{ lead.nick | default: "friend" }} {{ lead.name | default: "x" }}'), 'friend Ann');
    assert.equal(plain('{{ lead.nick | upcase | append: "!" }}'), '!');
  });

  it('names the variables it reads and not those it makes', () => {
    const compiled = compileEmail(
      content({
        html: '{% assign x = lead.age %}{{ x }}{% for p in campaign.data.items %}{{ p.name }}{% endfor %}{{ unsubscribe_url }}',
      }),
    );
    assert.deepEqual(compiled.variables, ['campaign.data.items', 'lead.age', 'lead.name', 'unsubscribe_url']);
  });

  it('knows dates as milliseconds since 1970, in UTC or in a zone', () => {
    const data = context({
      since: Date.UTC(2026, 2, 29, 1, 30),
      text: '2026-03-29',
      empty: undefined,
      digits: '86400000',
    });
    assert.equal(plain('{{ lead.since | date: "%d.%m.%Y %H:%M" }}', data), '29.03.2026 01:30');
    assert.equal(plain('{{ lead.since | date: "%H:%M", "Europe/Berlin" }}', data), '03:30');
    assert.equal(
      plain('{{ lead.text | date: "%A" }}|{{ lead.empty | date: "%Y" }}|{{ lead.digits | date: "%d" }}', data),
      'Sunday||02',
    );
    assert.equal(plain('{{ "now" | date: "%Y" }}', { ...data, now: 0 }), '1970');
    assert.equal(
      plain('{{ "now" | date: "%Y" }}', data),
      '',
      'without a time there is none, least of all the machine’s',
    );
    assert.equal(plain('{{ lead.name | date: "%Y" }}', data), 'Ann');
    assert.equal(errorOf(() => plain('{{ lead.since | date: "%5000000d" }}', data)).part, 'text');
    assert.equal(errorOf(() => plain(`{{ lead.since | date: "${'%d'.repeat(60)}" }}`, data)).code, 'E_TEMPLATE');
  });

  it('prints JSON, with null for what is missing', () => {
    assert.equal(
      plain('{{ lead.name | json }} {{ lead.none | json }} {{ campaign.data | json }}'),
      '"Ann" null {"city":"Oslo"}',
    );
  });

  it('survives half characters in URL filters', () => {
    assert.equal(plain('{{ lead.name | url_encode }}', context({ name: 'a\ud800 b' })), 'a%EF%BF%BD+b');
  });

  describe('that cannot be read', () => {
    it('says which part, where and why', () => {
      const error = errorOf(() => compileEmail(content({ html: '<p>\n  {{ lead.name | shout }}</p>' })));
      assert.ok(error instanceof InputError);
      assert.equal(error.code, 'E_TEMPLATE');
      assert.deepEqual(error.details, { part: 'html', line: 2, column: 3 });
      assert.match(
        error.message,
        /^The html template cannot be read at line 2, column 3: undefined filter: shout\. Available filters: abs, /,
      );
      for (const part of ['subject', 'text', 'preheader'] as const) {
        assert.equal(errorOf(() => compileEmail(content({ [part]: 'x {{ y' }))).part, part);
      }
    });

    it('is one with an unclosed tag, an empty condition, a tag or a filter that is not on the list', () => {
      for (const source of [
        '{% if lead.a %}',
        '{% if %}{% endif %}',
        '{{ }',
        '{% endfor %}',
        '{% for x %}{% endfor %}',
        '{% bogus %}',
      ]) {
        assert.equal(errorOf(() => compileTemplate('html', source, 'html')).retryable, false, source);
      }
    });

    it('is one that is too long or nested too deeply', () => {
      // Other tests' libraries raise the limit; then the stack that overflows here is written out in full, which takes ages.
      Error.stackTraceLimit = 10;
      assert.match(errorOf(() => compileTemplate('html', 'x'.repeat(MAX_TEMPLATE + 1), 'html')).message, /too long/);
      for (const depth of [1_000, 20_000]) {
        const nested = '{% if lead.a %}'.repeat(depth) + '{% endif %}'.repeat(depth);
        try {
          compileTemplate('html', nested, 'html').fill(context());
        } catch (error) {
          assert.ok(error instanceof ContentError, String(error));
        }
      }
      assert.match(
        errorOf(() => compileTemplate('html', '{% if lead.a %}'.repeat(20_000), 'html')).message,
        /cannot be read/,
      );
    });

    it('is no text at all', () => {
      for (const part of ['subject', 'html', 'text', 'preheader']) {
        const notText = { ...content(), [part]: 5 };
        assert.equal(errorOf(() => compileEmail(notText)).part, part);
      }
      const noSender = JSON.parse('{"subject":"S","text":"T","html":null}') as ReturnType<typeof content>;
      assert.equal(errorOf(() => compileEmail(noSender)).part, 'from');
    });
  });

  describe('from somebody who wants out of the sandbox', () => {
    it('reaches no file, no other template and no code', () => {
      for (const source of [
        '{% include "/etc/passwd" %}',
        '{% render "/etc/passwd" %}',
        '{% layout "x" %}',
        '{% block a %}{% endblock %}',
      ]) {
        assert.match(
          errorOf(() => compileTemplate('html', source, 'html')).message,
          /tag ".*" not found\. Available tags/,
        );
      }
      for (const filter of [
        'where_exp',
        'find_exp',
        'sample',
        'hmac_sha256',
        'base64_decode',
        'inspect',
        'group_by_exp',
      ]) {
        assert.ok(!ALLOWED_FILTERS.includes(filter));
        assert.match(errorOf(() => plain(`{{ lead.name | ${filter} }}`)).message, /undefined filter/);
      }
      assert.ok(!ALLOWED_TAGS.includes('include'));
    });

    it('sees own properties only', () => {
      for (const path of [
        ...[
          'lead.constructor',
          'lead.__proto__',
          'lead.name.constructor.constructor',
          'lead["constructor"]["prototype"]',
          'constructor',
        ],
        ...[
          '__proto__',
          'toString',
          'lead.toString',
          'lead.hasOwnProperty',
          'lead.name.length.constructor',
          'process.env',
          'globalThis',
          'lead.list.push',
        ],
      ]) {
        for (const source of [`{{ ${path} }}`, `{% for x in (1..1) %}{{ ${path} }}{% endfor %}`])
          assert.equal(plain(source), '', source);
      }
      const tricky: RenderContext = JSON.parse('{"lead":{"__proto__":{"admin":"yes"},"name":"Ann"}}') as RenderContext;
      assert.equal(plain('{{ lead.admin }}', tricky), '');
    });

    it('is stopped when it takes too long or too much', () => {
      for (const source of [
        '{% for a in (1..2000) %}{% for b in (1..2000) %}{% for c in (1..2000) %}{% endfor %}{% endfor %}{% endfor %}',
        '{% for a in (1..100000000) %}{% endfor %}',
        '{% assign a = "xxxxxxxxxx" %}{% for i in (1..50) %}{% assign a = a | append: a %}{% endfor %}{{ a }}',
        '{% assign a = "xxxxxxxxxx" %}{% for i in (1..9) %}{% assign a = a | replace: "x", a %}{% endfor %}',
        '{% for i in (1..3000) %}{{ lead.long }}{% endfor %}',
        `${'{{ lead.long }}'.repeat(3000)}`,
      ]) {
        const started = performance.now();
        const error = errorOf(() => plain(source, context({ long: 'y'.repeat(500) })));
        assert.equal(error.retryable, false);
        assert.ok(performance.now() - started < 5_000, source);
      }
    });
  });

  it('that fails for one lead says so for that lead, where it happened, and does not tell the data', () => {
    const fast = compileTemplate('text', 'Hi\n{{ lead.link | url_decode }}', 'plain');
    const slow = compileTemplate('text', 'Hi\n{% for i in (1..1) %}{{ lead.link | url_decode }}{% endfor %}', 'plain');
    assert.ok(fast.pieces && !slow.pieces);
    for (const template of [fast, slow]) {
      assert.equal(template.fill(context({ link: 'a+b' })), 'Hi\na b');
      const error = errorOf(() => template.fill(context({ link: 'secret%' })));
      assert.equal(error.line, 2);
      assert.match(error.message, /cannot be filled at line 2, column \d+: URI malformed/);
      assert.ok(!error.message.includes('secret'));
    }
  });
});
