import assert from 'node:assert/strict';
import { compileEmail, ContentError, htmlToText, type CompiledEmail } from '../../lib/content';
import { content, context } from './sample';

const mail = (html: string): CompiledEmail => compileEmail(content({ html }), { unsubscribeLink: false });

/** The text of a mail, and what a conversion of its finished HTML gives: the same but for blank lines. */
function bothWays(html: string, data = context()): { text: string; converted: string; origin: string } {
  const compiled = mail(html);
  const filled = compiled.fill(data);
  const tidy = (text: string): string =>
    text
      .replace(/[ \t]+$/gm, '')
      .replace(/\n{2,}/g, '\n')
      .trim();
  return { text: tidy(filled.text), converted: tidy(htmlToText(filled.html ?? '')), origin: compiled.textOrigin };
}

describe('the text part of content that has HTML only', () => {
  const same = [
    '<html><head><title>T</title><style>p{}</style></head><body><h1>Dear {{ lead.name }}</h1><p>One</p><p>Two &amp; {{ lead.name }} &euro;</p></body></html>',
    '<p>Hi {% if lead.name == "Ann" %}Ann{% elsif lead.name %}you{% else %}all{% endif %}!</p>',
    '{% if lead.none %}<h1>No</h1><p>x</p>{% else %}<div><b>Yes</b></div>{% endif %}<p>End</p>',
    '<ul>{% for tag in lead.tags %}<li>{{ tag }}</li>{% endfor %}</ul><ol><li>{{ lead.name }}</li></ol>',
    '<a href="https://x.test/?q={{ lead.id }}&amp;b=1">click</a> <a href="{{ unsubscribe_url }}">{{ unsubscribe_url }}</a>',
    '<table><tr><td>{{ lead.name }}</td><td>b</td></tr></table><img src="x.png" alt="Logo"><img src="y.png">',
    '<p title="{{ lead.name }}">{{ lead.name | escape }}</p><!-- {{ lead.name }} -->{% assign x = 1 %}{{ x }}',
    '<p>{{- lead.name -}}  tail</p><p>a &#123;&#123; b &#125;&#125; &#123;% c</p>{{ "{" }}',
    '{% unless lead.none %}<p>A<br>B</p><ul><li>x<li>y</ul>{% endunless %}{% case lead.name %}{% when "Ann" %}<i>1</i>{% else %}<i>2</i>{% endcase %}',
  ];

  it('comes from the template converted once, and is what converting each message would give', () => {
    const data = { ...context(), lead: { id: 7, name: 'Ann & <Bob>', tags: ['a', 'b<'] } };
    for (const html of same) {
      for (const given of [context(), data]) {
        const { text, converted, origin } = bothWays(html, given);
        assert.equal(origin, 'template', html);
        assert.equal(text, converted, html);
      }
    }
  });

  it('is converted per message where the template does not tell', () => {
    for (const html of [
      '<p>{{ lead.name | raw }}</p>',
      '<p {% if lead.name %}class="x"{% endif %}>Hi</p>',
      '<{{ lead.tag }}>Hi',
      '{% if lead.name %}<a href="https://a.test">{% else %}<a href="https://b.test">{% endif %}Hi</a>',
      '<a href={{ unsubscribe_url }}>Hi</a>',
      '{% capture x %}<b>1</b>{% endcapture %}{{ x | raw }}',
      '<style>{% if lead.name %}p{}{% endif %}</style><p>Hi</p>',
      '<p>\ue000 odd</p>',
      '{% raw %}{{ x }}{% endraw %}',
      '{{ lead.name | escape | upcase }}',
      '{% if lead.name %}</div>{% endif %}',
      '<title>{% if lead.name %}x{% endif %}</title>Hi',
    ]) {
      const { text, converted, origin } = bothWays(html);
      assert.equal(origin, 'message', html);
      assert.equal(text, converted, html);
    }
  });

  it('leaves no gaps where conditions print nothing', () => {
    const { text } = mail(
      '<p>A</p>{% if lead.none %}<p>B</p>{% endif %}{% if lead.none %}<p>C</p>{% endif %}<p>D</p>',
    ).fill(context());
    assert.equal(text, 'A\n\nD');
  });

  it('has the link address, but neither the preheader nor picture addresses', () => {
    const compiled = compileEmail(
      content({ html: '<body><img src="https://x.test/p.png" alt="Logo"><p>Hi</p></body>', preheader: 'Secret' }),
    );
    assert.equal(
      compiled.fill(context()).text,
      'Logo\n\nHi\n\nUnsubscribe: https://mail.example.com/u/token?a=1&b=2\n',
    );
  });

  it('fails for a lead whose HTML fails', () => {
    assert.throws(() => mail('<p>{{ lead.name | url_decode | raw }}</p>').fill(context({ name: '%' })), ContentError);
  });
});
