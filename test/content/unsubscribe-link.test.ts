import assert from 'node:assert/strict';
import { compileEmail, ContentError, render } from '../../lib/content';
import { content, context, headers } from './sample';

const URL_TEXT = 'https://mail.example.com/u/token?a=1&b=2';
const URL_HTML = 'https://mail.example.com/u/token?a=1&amp;b=2';

describe('the unsubscribe link', () => {
  it('is appended before </body> and at the end of the text when content lacks it', () => {
    const filled = compileEmail(content({ text: 'Hi\n' })).fill(context());
    assert.match(
      filled.html ?? '',
      /<a href="https:\/\/mail\.example\.com\/u\/token\?a=1&amp;b=2"[^>]*>Unsubscribe<\/a><\/div><\/body><\/html>$/,
    );
    assert.equal(filled.text, `Hi\n\nUnsubscribe: ${URL_TEXT}\n`);
  });

  it('speaks German when asked to, and is not added to what is no marketing', () => {
    const german = compileEmail(content(), { language: 'de' }).fill(context());
    assert.match(german.html ?? '', /<div lang="de".*>Abmelden<\/a>/);
    assert.match(german.text, /Abmelden: https:/);
    const none = compileEmail(content(), { unsubscribeLink: false }).fill(context());
    assert.ok(!`${none.html}${none.text}`.includes('token'));
  });

  it('stays where the author put it', () => {
    for (const link of [
      '{{ unsubscribe_url }}',
      '{{unsubscribe_url}}',
      '{{- unsubscribe_url | strip -}}',
      '{{ unsubscribe_url | default: "#" }}',
    ]) {
      const { html, text } = compileEmail(content({ html: `<a href="${link}">Bye</a>`, text: `Bye ${link}` })).fill(
        context(),
      );
      assert.equal(html, `<a href="${URL_HTML}">Bye</a>`);
      assert.equal(text.split(URL_TEXT).length, 2, text);
    }
    const escaped = compileEmail(
      content({ html: '<a href="{{ unsubscribe_url | escape }}">Bye</a>', text: 'Bye {{ unsubscribe_url | escape }}' }),
    );
    assert.equal(escaped.fill(context()).html, `<a href="${URL_HTML}">Bye</a>`);
    assert.ok(
      escaped.fill(context()).text.endsWith(`Unsubscribe: ${URL_TEXT}\n`),
      'an escaped link does not work in a text',
    );
  });

  it('is appended to fragments, to documents without a body, and after a body only once', () => {
    for (const [html, end] of [
      ['<p>Hi</p>', /Unsubscribe<\/a><\/div>$/],
      ['<html><p>Hi</p></HTML >', /Unsubscribe<\/a><\/div><\/HTML >$/],
      ['<body>&lt;/body&gt; </body><!-- </BODY> -->', /Unsubscribe<\/a><\/div>/],
    ] as const) {
      const filled = compileEmail(content({ html })).fill(context()).html ?? '';
      assert.match(filled, end);
      assert.equal(filled.split(URL_HTML).length, 2);
    }
  });

  it('is appended when it is hidden: in a comment, in a raw block, cut by a filter, or only mentioned', () => {
    for (const html of [
      '<p>a</p><!-- {{ unsubscribe_url }} -->',
      '<p>a</p>{% raw %}{{ unsubscribe_url }}{% endraw %}',
      '<p>a</p>{% comment %}{{ unsubscribe_url }}{% endcomment %}',
      '<p>{{ unsubscribe_url | truncate: 5 }}</p>',
      '<p>{% if unsubscribe_url %}x{% endif %}</p>',
      '<p>{{ unsubscribe_url.size }}</p>',
    ]) {
      const filled = compileEmail(content({ html })).fill(context()).html ?? '';
      assert.match(filled, /<a href="[^"]*token[^"]*"[^>]*>Unsubscribe<\/a>/, html);
    }
  });

  it('reaches everybody when the author shows it to some only', () => {
    const part = '{% if lead.country == "US" %}<a href="{{ unsubscribe_url }}">Out</a>{% endif %}';
    const compiled = compileEmail(
      content({
        html: `<body>${part}</body>`,
        text: '{% if lead.country == "US" %}{{ unsubscribe_url }}{% endif %} Hi',
      }),
    );
    const us = compiled.fill(context({ country: 'US' }));
    const de = compiled.fill(context({ country: 'DE' }));
    assert.equal((us.html ?? '').split(URL_HTML).length, 2);
    assert.equal(us.text.split(URL_TEXT).length, 2);
    assert.match(de.html ?? '', /Unsubscribe<\/a><\/div><\/body>$/);
    assert.ok(de.text.endsWith(`Unsubscribe: ${URL_TEXT}\n`));
    assert.ok(render(compiled, context({ country: 'DE' }), headers()).raw.includes('Unsubscribe: https'));
    const preview = compiled.fill({ lead: {} });
    assert.equal(preview.html, '<body></body>');
  });

  it('cannot be added behind an open comment, and the author is told', () => {
    assert.throws(
      () => compileEmail(content({ html: '<p>Hi</p><!-- oops' })),
      (error: unknown) => {
        assert.ok(error instanceof ContentError);
        assert.equal(error.part, 'html');
        assert.match(error.message, /Close the comment/);
        return true;
      },
    );
  });
});
