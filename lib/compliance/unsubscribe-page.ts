import { createHash } from 'node:crypto';

/** Languages of the page. */
export type PageLanguage = 'en' | 'de';

/**
 * - `ask`: the page that a GET shows; nothing has changed yet, since scanners open every link.
 * - `done`: after the POST. Also for somebody who had unsubscribed before.
 * - `invalid`: the token is not ours.
 * - `error`: it is, but the change could not be stored; trying again may help.
 */
export type UnsubscribeState = 'ask' | 'done' | 'invalid' | 'error';

/** What the page shows. */
export interface UnsubscribePageOptions {
  readonly state: UnsubscribeState;
  /** Where the form posts to; empty for the page's own URL. */
  readonly action: string;
  /** What one unsubscribes from, as people call it: "e-mails", "text messages". Default: e-mails. */
  readonly channelLabel?: string;
  readonly language: PageLanguage;
}

interface PageTexts {
  readonly title: string;
  readonly text: string;
  readonly button: string | undefined;
}

const CHANNEL: Readonly<Record<PageLanguage, string>> = { en: 'e-mails', de: 'E-Mails' };

function english(state: UnsubscribeState, channel: string): PageTexts {
  switch (state) {
    case 'ask':
      return {
        title: 'Unsubscribe?',
        text: `You will no longer receive ${channel} from us. Nothing changes until you press the button.`,
        button: 'Unsubscribe',
      };
    case 'done':
      return {
        title: 'You are unsubscribed',
        text: `You will no longer receive ${channel} from us. You can close this page.`,
        button: undefined,
      };
    case 'invalid':
      return {
        title: 'This link does not work',
        text: 'It may have been cut off when it was copied. Please open the link in the message again, or reply to the message.',
        button: undefined,
      };
    case 'error':
      return {
        title: 'That did not work',
        text: 'Your choice could not be saved because of a problem on our side. Please try again in a moment.',
        button: 'Try again',
      };
  }
}

function german(state: UnsubscribeState, channel: string): PageTexts {
  switch (state) {
    case 'ask':
      return {
        title: 'Abmelden?',
        text: `Sie erhalten dann keine ${channel} mehr von uns. Solange Sie den Knopf nicht drücken, ändert sich nichts.`,
        button: 'Abmelden',
      };
    case 'done':
      return {
        title: 'Sie sind abgemeldet',
        text: `Sie erhalten keine ${channel} mehr von uns. Sie können diese Seite schließen.`,
        button: undefined,
      };
    case 'invalid':
      return {
        title: 'Dieser Link funktioniert nicht',
        text: 'Vielleicht wurde er beim Kopieren abgeschnitten. Bitte öffnen Sie den Link in der Nachricht noch einmal oder antworten Sie auf die Nachricht.',
        button: undefined,
      };
    case 'error':
      return {
        title: 'Das hat nicht geklappt',
        text: 'Ihre Wahl konnte wegen eines Problems bei uns nicht gespeichert werden. Bitte versuchen Sie es gleich noch einmal.',
        button: 'Noch einmal versuchen',
      };
  }
}

const TEXTS: Readonly<Record<PageLanguage, (state: UnsubscribeState, channel: string) => PageTexts>> = {
  en: english,
  de: german,
};

const STYLE = [
  ':root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fbfbfd;--card:#fff;--line:#c9c9d2;--button:#1d4ed8;--on-button:#fff}',
  '@media(prefers-color-scheme:dark){:root{--ink:#ececf1;--paper:#131316;--card:#1d1d22;--line:#45454f;--button:#9dbbff;--on-button:#0b1020}}',
  '*{box-sizing:border-box}',
  'body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--paper);color:var(--ink);font:1.125rem/1.6 system-ui,sans-serif}',
  'main{max-width:32rem;width:100%;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}',
  'h1{margin:0 0 .75rem;font-size:1.6rem;line-height:1.25}',
  'p{margin:0}form{margin:1.5rem 0 0}',
  'button{font:inherit;font-weight:600;min-height:3rem;padding:.5rem 1.5rem;border:2px solid transparent;border-radius:.5rem;background:var(--button);color:var(--on-button);cursor:pointer}',
  'button:focus-visible{outline:3px solid var(--ink);outline-offset:3px}',
].join('');

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Response headers for every unsubscribe page: not stored, not indexed, no referrer (its URL is a capability), nothing loaded. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-Robots-Tag': 'noindex, nofollow',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The page as HTML: no scripts, nothing loaded from elsewhere, readable without styles and by screen readers, light and dark. */
export function unsubscribePage(options: UnsubscribePageOptions): string {
  const { state, action, language } = options;
  const { title, text, button } = TEXTS[language](state, options.channelLabel ?? CHANNEL[language]);
  const target = action === '' ? '' : ` action="${escape(action)}"`;
  const form =
    button === undefined ? '' : `<form method="post"${target}><button type="submit">${escape(button)}</button></form>`;
  // What changes after the button is pressed is announced; a failure at once.
  const role = state === 'ask' ? '' : state === 'done' ? ' role="status"' : ' role="alert"';
  return (
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8">` +
    '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex,nofollow">' +
    `<title>${escape(title)}</title><style>${STYLE}</style></head>` +
    `<body><main><div${role}><h1>${escape(title)}</h1><p>${escape(text)}</p></div>${form}</main></body></html>`
  );
}
