import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RenderContext } from '../../lib/content';
import { encodeBody, bodyWriter } from '../../lib/content/body';
import { engineOf, type TemplateKind } from '../../lib/content/engine';
import { compileTemplate } from '../../lib/content/template';

const KINDS: readonly TemplateKind[] = ['html', 'plain', 'json', 'url'];

const path = fc.constantFrom(
  ...[
    'lead.name',
    'lead.a',
    'lead.b',
    'lead["b"]',
    'lead.list',
    'lead.list[0]',
    'lead.list[-1]',
    'lead.list.first',
    'lead.list.last',
  ],
  ...[
    'lead.list.size',
    'lead.name.size',
    'lead.name[0]',
    'lead.name.first',
    'lead.obj',
    'lead.obj.size',
    'lead.obj.deep.er',
    'lead.obj.first',
  ],
  ...[
    'missing',
    'missing.x',
    'lead',
    'campaign.data.city',
    'unsubscribe_url',
    'size',
    'lead.constructor',
    'lead.toString',
    'lead[lead.key]',
  ],
  ...['now', 'first', 'lead.a.size', 'lead.list.length', 'lead.name.length', 'lead.list["0"]'],
);
const literalValue = fc.constantFrom(
  '"text"',
  "'<i>'",
  '""',
  '5',
  '-1.5',
  'true',
  'false',
  'nil',
  'empty',
  'blank',
  '(1..3)',
  '"é😀"',
);
const operand = fc.oneof({ weight: 3, arbitrary: path }, { weight: 1, arbitrary: literalValue });
const filter = fc.oneof(
  fc.constantFrom(
    ...[
      'escape',
      'escape_once',
      'raw',
      'upcase',
      'downcase',
      'capitalize',
      'strip',
      'lstrip',
      'rstrip',
      'size',
      'json',
      'first',
      'last',
      'reverse',
    ],
    ...[
      'sort',
      'compact',
      'uniq',
      'abs',
      'ceil',
      'floor',
      'round',
      'strip_html',
      'strip_newlines',
      'newline_to_br',
      'squish',
      'slugify',
      'url_encode',
    ],
    ...[
      'url_decode',
      'uri_escape',
      'number_of_words',
      'normalize_whitespace',
      'default',
      'join',
      'sum',
      'array_to_sentence_string',
      'truncatewords',
    ],
  ),
  fc
    .tuple(
      fc.constantFrom(
        ...[
          'default',
          'append',
          'prepend',
          'plus',
          'minus',
          'times',
          'divided_by',
          'modulo',
          'at_least',
          'at_most',
          'truncate',
          'truncatewords',
        ],
        ...[
          'split',
          'remove',
          'remove_first',
          'remove_last',
          'join',
          'date',
          'slice',
          'map',
          'concat',
          'where',
          'strip',
        ],
      ),
      operand,
    )
    .map(([name, value]) => `${name}: ${value}`),
  fc
    .tuple(fc.constantFrom('replace', 'replace_first', 'replace_last', 'slice'), operand, operand)
    .map(([name, a, b]) => `${name}: ${a}, ${b}`),
  fc.constant('default: "x", allow_false: true'),
);
const value = fc
  .tuple(operand, fc.array(filter, { maxLength: 3 }))
  .map(([start, filters]) => [start, ...filters].join(' | '));
const output = fc
  .tuple(value, fc.constantFrom('{{ * }}', '{{- * -}}', '{{* -}}'))
  .map(([text, shape]) => shape.replace('*', () => text));
const fixed = fc.constantFrom(
  'Hello ',
  '\n',
  ' ',
  '<p class="x">',
  '</p>\r\n',
  '\t\n  ',
  'größer\n',
  '{',
  '.',
  'a\r',
  '\nb',
);
const condition = fc.oneof(
  value,
  fc
    .tuple(operand, fc.constantFrom('==', '!=', '>', '<', '>=', 'contains', 'and', 'or'), operand)
    .map((parts) => parts.join(' ')),
);
const { block } = fc.letrec<{ block: string; node: string }>((tie) => ({
  node: fc.oneof(
    { weight: 4, arbitrary: output },
    { weight: 4, arbitrary: fixed },
    {
      weight: 1,
      arbitrary: fc
        .tuple(condition, tie('block'), tie('block'))
        .map(([test, a, b]) => `{% if ${test} %}${a}{% else %}${b}{% endif %}`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('if', 'unless'), condition, condition, tie('block'), tie('block'))
        .map(([tag, one, two, a, b]) => `{%- ${tag} ${one} %}${a}{% elsif ${two} -%}${b}{% end${tag} %}`),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '{% assign z = lead.a %}',
        '{% # note %}',
        '{% raw %}{{ x }}{% endraw %}',
        '{% for i in lead.list %}{{ i }},{% endfor %}',
      ),
    },
  ),
  block: fc.array(tie('node'), { maxLength: 5, depthIdentifier: 'block' }).map((nodes) => nodes.join('')),
}));

const datum = fc.oneof(
  fc.constantFrom('', ' ', 'Ann', '<b>&"\'', 'ä\r\nö', '%E0%A4%A', '3', 'a,b', '\ud800', '  x  y ', 'true'),
  fc.string(),
  fc.constantFrom(0, 1, -2.5, 1e21, Number.NaN, true, false, null, undefined),
  fc.constantFrom(
    [],
    ['b', 'a'],
    [1, [2, null]],
    [{ x: 1 }, { x: 2 }],
    {},
    { deep: { er: 'd' } },
    { size: 9 },
    { toString: 'x' },
    { first: 'f' },
  ),
);
const data = fc.tuple(datum, datum, datum, datum, datum).map(([name, a, b, list, obj]) => ({
  lead: { name, a, b, list, obj, key: 'a' },
  campaign: { data: { city: 'Oslo' } },
  unsubscribe_url: 'https://x.test/?a&b',
  now: 1e12,
}));

function outcome(work: () => string): string {
  try {
    return work();
  } catch {
    return '(throws)';
  }
}

describe('templates filled without liquidjs', () => {
  it('print exactly what liquidjs prints, or fail where it fails', () => {
    let fast = 0;
    let failing = 0;
    fc.assert(
      fc.property(block, data, fc.constantFrom(...KINDS), (source, given, kind) => {
        let template;
        try {
          template = compileTemplate('html', source, kind);
        } catch {
          // Both sides would refuse it.
          return;
        }
        const context = given as RenderContext;
        const expected = outcome(() => engineOf(kind).renderSync([...template.nodes], context) as string);
        assert.equal(
          outcome(() => template.fill(context)),
          expected,
        );
        if (template.pieces) fast += 1;
        if (expected === '(throws)') failing += 1;
      }),
      { numRuns: 10_000, seed: 20260102 },
    );
    assert.ok(fast > 2_500, `only ${fast} templates took the fast way`);
    assert.ok(failing > 25, `only ${failing} failed`);
  }).timeout(120_000);

  it('give the same message line by line as the finished text encoded in one go', () => {
    fc.assert(
      fc.property(block, data, (source, given) => {
        let template;
        try {
          template = compileTemplate('html', source, 'plain');
        } catch {
          return;
        }
        const context = given as RenderContext;
        const written = outcome(() => JSON.stringify(bodyWriter(template)(context)));
        assert.equal(
          written,
          outcome(() => JSON.stringify(encodeBody(template.fill(context)))),
        );
      }),
      { numRuns: 5_000, seed: 20260103 },
    );
  }).timeout(120_000);
});
