import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { securityHeaders, unsubscribePage, type UnsubscribeState } from '../../lib/compliance';

const STATES: readonly UnsubscribeState[] = ['ask', 'done', 'invalid', 'error'];
const LANGUAGES = ['en', 'de'] as const;

describe('the unsubscribe page', () => {
  it('has a button that posts where something can be done, and none where nothing can', () => {
    for (const language of LANGUAGES) {
      for (const state of STATES) {
        const page = unsubscribePage({ state, action: '', language });
        assert.equal(
          page.includes('<form method="post"><button type="submit">'),
          state === 'ask' || state === 'error',
          state,
        );
      }
    }
    assert.match(
      unsubscribePage({ state: 'ask', action: '/u/abc', language: 'en' }),
      /<form method="post" action="&#47;u&#47;abc">|<form method="post" action="\/u\/abc">/,
    );
  });

  it('runs nothing and loads nothing', () => {
    for (const language of LANGUAGES) {
      for (const state of STATES) {
        const page = unsubscribePage({ state, action: '', language });
        assert.ok(!/<script|<img|<link|<iframe|\son\w+=|style="|url\(|https?:|@import/i.test(page), page);
      }
    }
  });

  it('says its language, title, heading and what happened', () => {
    const words: Record<UnsubscribeState, readonly [RegExp, RegExp]> = {
      ask: [/Unsubscribe\?/, /Abmelden\?/],
      done: [/You are unsubscribed/, /Sie sind abgemeldet/],
      invalid: [/This link does not work/, /Dieser Link funktioniert nicht/],
      error: [/Try again/, /Noch einmal versuchen/],
    };
    for (const state of STATES) {
      for (const [index, language] of LANGUAGES.entries()) {
        const page = unsubscribePage({ state, action: '', language });
        assert.match(page, words[state][index] ?? /$^/);
        assert.ok(page.startsWith(`<!doctype html><html lang="${language}">`));
        assert.match(page, /<title>[^<]+<\/title>/);
        assert.equal(page.split('<h1>').length, 2);
        assert.match(page, /<meta name="viewport"/);
        assert.equal(/role="(status|alert)"/.test(page), state !== 'ask');
      }
    }
  });

  it('names the channel and escapes what it is given', () => {
    assert.match(unsubscribePage({ state: 'ask', action: '', language: 'en' }), /receive e-mails from us/);
    assert.match(unsubscribePage({ state: 'done', action: '', language: 'de' }), /keine E-Mails mehr/);
    const page = unsubscribePage({ state: 'ask', action: '"><script>', channelLabel: '<b>SMS</b>', language: 'en' });
    assert.ok(!page.includes('<b>') && !page.includes('<script'));
  });

  it('comes with headers that fit it: the policy allows exactly its own style', () => {
    const style =
      /<style>(.*)<\/style>/s.exec(unsubscribePage({ state: 'ask', action: '', language: 'en' }))?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    const policy = securityHeaders['Content-Security-Policy'] ?? '';
    assert.ok(policy.includes(`style-src 'sha256-${hash}'`));
    assert.ok(
      policy.includes("default-src 'none'") &&
        policy.includes("frame-ancestors 'none'") &&
        policy.includes("form-action 'self'"),
    );
    assert.equal(securityHeaders['Cache-Control'], 'no-store');
    assert.equal(securityHeaders['Referrer-Policy'], 'no-referrer');
    assert.match(securityHeaders['X-Robots-Tag'] ?? '', /noindex/);
  });

  it('can be read in light and dark: contrast of text and button at least 4.5 to 1', () => {
    const page = unsubscribePage({ state: 'ask', action: '', language: 'en' });
    const themes = [
      ...page.matchAll(/--ink:(#\w+);--paper:(#\w+);--card:(#\w+);--line:(#\w+);--button:(#\w+);--on-button:(#\w+)/g),
    ];
    assert.equal(themes.length, 2);
    const luminance = (hex: string): number => {
      const digits =
        hex.length === 4 ? [...hex.slice(1)].map((digit) => digit + digit) : (hex.slice(1).match(/../g) ?? []);
      const [red = 0, green = 0, blue = 0] = digits.map((pair) => {
        const part = Number.parseInt(pair, 16) / 255;
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (one = '', two = ''): number => {
      const [dark = 0, light = 0] = [luminance(one), luminance(two)].sort((a, b) => a - b);
      return (light + 0.05) / (dark + 0.05);
    };
    for (const [, ink, paper, card, , button, onButton] of themes) {
      assert.ok(contrast(ink, paper) >= 4.5 && contrast(ink, card) >= 4.5 && contrast(button, onButton) >= 4.5);
    }
  });
});
