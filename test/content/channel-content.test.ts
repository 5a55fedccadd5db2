import assert from 'node:assert/strict';
import { compileParts, ContentError, emailContentOf, partsProblems, smsSize } from '../../lib/content';
import { context } from './sample';

const paths = (channel: string, content: unknown): string[] =>
  partsProblems(channel, content, '/content').map(({ path }) => path);

describe('the content of a channel', () => {
  it('of an e-mail has subject, HTML, text, sender and reply-to (FR-003.1)', () => {
    const email = {
      subject: 'Hello {{ lead.name }}',
      html: '<p>{{ campaign.data.city }}</p>',
      text: 'Hi {{ lead.name }}',
      from: { name: 'Shop', address: 'shop@example.com' },
      replyTo: 'help@example.com',
    };
    assert.deepEqual(partsProblems('email', email), []);
    const compiled = compileParts('email', email);
    assert.deepEqual(compiled.variables, ['campaign.data.city', 'lead.name', 'unsubscribe_url']);
    const { subject, html, text } = compiled.fill(context());
    assert.equal(subject, 'Hello Ann');
    assert.match(html ?? '', /^<p>Oslo<\/p>/);
    assert.match(text ?? '', /^Hi Ann/);
  });

  it('of a webhook has an address, a method, headers and a payload, which may be written as JSON (FR-003.5)', () => {
    const { fill } = compileParts('webhook', {
      url: 'https://api.example.com/{{ lead.id }}',
      method: 'put',
      headers: { 'X-Lead': '{{ lead.id }}' },
      payload: { name: '{{ lead.name }}', list: [1, 2] },
    });
    assert.deepEqual(fill(context({ name: 'A "b"' })).request, {
      method: 'PUT',
      url: 'https://api.example.com/7',
      headers: { 'X-Lead': '7', 'Content-Type': 'application/json' },
      body: '{"name":"A \\"b\\"","list":[1,2]}',
    });
  });

  it('of an SMS is a text, whose size is told in messages (FR-003.2)', () => {
    const { fill } = compileParts('sms', { text: 'Hello {{ lead.name }}' });
    assert.deepEqual(fill(context()), { text: 'Hello Ann', size: { encoding: 'gsm7', units: 9, segments: 1 } });
    assert.deepEqual(paths('sms', { text: 'x'.repeat(1_531) }), ['/content/text']);
    assert.throws(() => fill(context({ name: 'x'.repeat(1_600) })), ContentError);
  });

  it('of WhatsApp is a text of at most 1,600 characters (FR-003.3)', () => {
    assert.deepEqual(paths('whatsapp', { text: 'x'.repeat(1_600) }), []);
    assert.deepEqual(paths('whatsapp', { text: 'x'.repeat(1_601) }), ['/content/text']);
    const { fill } = compileParts('whatsapp', { text: '{{ lead.name }}' });
    assert.throws(() => fill(context({ name: 'x'.repeat(1_601) })), /at most 1600 can be sent/);
  });

  it('in the app is a title, a body, an address behind it and an icon (FR-003.4)', () => {
    const { fill } = compileParts('in_app', {
      title: 'For {{ lead.name }}',
      body: 'A & B',
      actionUrl: 'https://example.org/?name={{ lead.name }}',
      icon: 'https://example.org/i.png',
    });
    assert.deepEqual(fill(context({ name: 'A & B' })), {
      title: 'For A & B',
      body: 'A & B',
      actionUrl: 'https://example.org/?name=A%20%26%20B',
      icon: 'https://example.org/i.png',
    });
    assert.deepEqual(paths('in_app', {}), ['/content/title', '/content/body']);
  });

  it('of a channel that is not known here is a text', () => {
    assert.equal(compileParts('social', { text: 'New: {{ campaign.name }}' }).fill(context()).text, 'New: Spring');
    assert.deepEqual(paths('social', { subject: 'x' }), ['/content/subject', '/content/text']);
  });

  it('names everything that is wrong, with the place', () => {
    assert.deepEqual(paths('email', 'Hello'), ['/content']);
    assert.deepEqual(
      paths('email', { subject: '{{ x', html: '{% nope %}', from: 'nobody', replyTo: { name: 'x' }, subjekt: 'x' }),
      ['/content/subjekt', '/content/subject', '/content/html', '/content/from', '/content/replyTo'],
    );
    assert.deepEqual(paths('email', { subject: 'x' }), ['/content']);
    assert.deepEqual(paths('webhook', { method: 'FETCH', headers: [1], payload: 5 }), [
      '/content/method',
      '/content/url',
      '/content/headers',
      '/content/payload',
    ]);
    assert.deepEqual(paths('webhook', { url: 'https://example.org', payload: '{"a": }' }), ['/content/payload']);
    const [problem] = partsProblems('email', { subject: 'x', text: 'one\ntwo {{ lead.name | nope }}' });
    assert.deepEqual([problem?.path, problem?.line, problem?.column], ['/text', 2, 5]);
  });

  it('has the same hash when it says the same', () => {
    const hash = (parts: object): string => compileParts('sms', parts as Record<string, unknown>).hash;
    assert.equal(hash({ text: 'x', title: undefined }), hash({ text: 'x' }));
    assert.notEqual(hash({ text: 'x' }), hash({ text: 'y' }));
  });

  it('takes the sender of the account where it names none, and says so when nobody does', () => {
    const sender = { from: { name: 'Shop', address: 'shop@example.com' }, replyTo: 'help@example.com' };
    assert.deepEqual(emailContentOf({ subject: 'x', text: 'y' }, sender), { subject: 'x', text: 'y', ...sender });
    const own = emailContentOf({ subject: 'x', text: 'y', from: 'own@example.com' }, sender);
    assert.deepEqual(own.from, { address: 'own@example.com' });
    assert.throws(() => emailContentOf({ subject: 'x', text: 'y' }), /Nobody is named as the sender/);
  });
});

describe('the size of an SMS', () => {
  const cases: [what: string, text: string, encoding: string, units: number, segments: number][] = [
    ['nothing', '', 'gsm7', 0, 1],
    ['160 plain characters', 'x'.repeat(160), 'gsm7', 160, 1],
    ['one more', 'x'.repeat(161), 'gsm7', 161, 2],
    ['two whole parts', 'x'.repeat(306), 'gsm7', 306, 2],
    ['one more than two parts', 'x'.repeat(307), 'gsm7', 307, 3],
    ['umlauts, which the alphabet has', 'äöüß'.repeat(40), 'gsm7', 160, 1],
    ['a euro, which takes two places', '€'.repeat(80), 'gsm7', 160, 1],
    ['one euro more', '€'.repeat(81), 'gsm7', 162, 2],
    ['a letter that the alphabet lacks', `ł${'x'.repeat(69)}`, 'ucs2', 70, 1],
    ['one character more', `ł${'x'.repeat(70)}`, 'ucs2', 71, 2],
    ['emoji, two units each', '😀'.repeat(35), 'ucs2', 70, 1],
  ];
  for (const [what, text, encoding, units, segments] of cases) {
    it(`counts ${what}`, () => assert.deepEqual(smsSize(text), { encoding, units, segments }));
  }
});
