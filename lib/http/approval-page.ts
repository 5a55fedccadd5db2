import { createHash } from 'node:crypto';
import type { PageLanguage } from '../compliance';

/** What the page is about. */
export interface ApprovalFacts {
  readonly campaign: string;
  readonly subject: 'launch' | 'station';
  readonly requestedBy: string;
  readonly voter: string;
  readonly audience?: number;
  readonly budget?: string;
  readonly comment?: string;
  /** Votes so far, of how many. */
  readonly votes: number;
  readonly seats: number;
}

/**
 * - `ask`: what a GET shows; nothing has changed, since scanners open every link.
 * - `done`: the vote counts. `decided`: somebody was faster, or this link was used. `void`: what was asked about has changed.
 * - `expired`, `invalid`: the link does not work any more, or never did. `refused`: this person may not vote. `error`: try again.
 */
export type ApprovalPageState = 'ask' | 'done' | 'decided' | 'void' | 'expired' | 'invalid' | 'refused' | 'error';

interface Texts {
  readonly title: Readonly<Record<ApprovalPageState, string>>;
  readonly text: Readonly<Record<ApprovalPageState, string>>;
  readonly facts: Readonly<
    Record<'campaign' | 'subject' | 'requestedBy' | 'audience' | 'budget' | 'comment' | 'votes' | 'voter', string>
  >;
  readonly subject: Readonly<Record<ApprovalFacts['subject'], string>>;
  readonly comment: string;
  readonly approve: string;
  readonly reject: string;
  readonly of: string;
}

const TEXTS: Readonly<Record<PageLanguage, Texts>> = {
  en: {
    title: {
      ask: 'Approve this campaign?',
      done: 'Your vote counts',
      decided: 'Decided already',
      void: 'The campaign has changed',
      expired: 'Too late',
      invalid: 'This link does not work',
      refused: 'You cannot vote on this',
      error: 'That did not work',
    },
    text: {
      ask: 'Nothing happens until you press a button.',
      done: 'Thank you. You can close this page.',
      decided: 'The request has been decided, or this link has been used. Nothing was changed.',
      void: 'It is no longer what you were asked about. Whoever asked has to ask once more.',
      expired: 'The time to decide is over. Nothing was changed.',
      invalid: 'It may have been cut off when it was copied. Please open the link in the message again.',
      refused: 'Nobody approves their own campaign, and only who is asked can vote.',
      error: 'Your vote could not be saved because of a problem on our side. Please try again in a moment.',
    },
    facts: {
      campaign: 'Campaign',
      subject: 'What for',
      requestedBy: 'Asked by',
      audience: 'People',
      budget: 'Budget',
      comment: 'They say',
      votes: 'Votes so far',
      voter: 'You vote as',
    },
    subject: { launch: 'to be launched', station: 'its people wait for this decision' },
    comment: 'Comment (optional)',
    approve: 'Approve',
    reject: 'Reject',
    of: 'of',
  },
  de: {
    title: {
      ask: 'Diese Kampagne freigeben?',
      done: 'Ihre Stimme zählt',
      decided: 'Bereits entschieden',
      void: 'Die Kampagne wurde geändert',
      expired: 'Zu spät',
      invalid: 'Dieser Link funktioniert nicht',
      refused: 'Hierüber können Sie nicht abstimmen',
      error: 'Das hat nicht geklappt',
    },
    text: {
      ask: 'Solange Sie keinen Knopf drücken, geschieht nichts.',
      done: 'Danke. Sie können diese Seite schließen.',
      decided: 'Die Anfrage ist entschieden, oder dieser Link wurde benutzt. Es wurde nichts geändert.',
      void: 'Sie ist nicht mehr das, wonach Sie gefragt wurden. Es muss neu gefragt werden.',
      expired: 'Die Frist ist abgelaufen. Es wurde nichts geändert.',
      invalid:
        'Vielleicht wurde er beim Kopieren abgeschnitten. Bitte öffnen Sie den Link in der Nachricht noch einmal.',
      refused: 'Niemand gibt die eigene Kampagne frei, und nur wer gefragt ist, kann abstimmen.',
      error:
        'Ihre Stimme konnte wegen eines Problems bei uns nicht gespeichert werden. Bitte versuchen Sie es gleich noch einmal.',
    },
    facts: {
      campaign: 'Kampagne',
      subject: 'Wofür',
      requestedBy: 'Gefragt von',
      audience: 'Personen',
      budget: 'Budget',
      comment: 'Dazu',
      votes: 'Stimmen bisher',
      voter: 'Sie stimmen ab als',
    },
    subject: { launch: 'soll gestartet werden', station: 'ihre Personen warten auf diese Entscheidung' },
    comment: 'Kommentar (freiwillig)',
    approve: 'Freigeben',
    reject: 'Ablehnen',
    of: 'von',
  },
};

const STYLE = [
  ':root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fbfbfd;--card:#fff;--line:#c9c9d2;--button:#1d4ed8;--on-button:#fff}',
  '@media(prefers-color-scheme:dark){:root{--ink:#ececf1;--paper:#131316;--card:#1d1d22;--line:#45454f;--button:#9dbbff;--on-button:#0b1020}}',
  '*{box-sizing:border-box}',
  'body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--paper);color:var(--ink);font:1.125rem/1.6 system-ui,sans-serif}',
  'main{max-width:36rem;width:100%;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}',
  'h1{margin:0 0 .75rem;font-size:1.6rem;line-height:1.25}p{margin:0}',
  'dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1.5rem 0 0}dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}',
  'form{margin:1.5rem 0 0}label{display:block;font-weight:600}',
  'textarea{width:100%;min-height:5rem;margin:.25rem 0 1rem;padding:.5rem;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:.5rem}',
  'button{font:inherit;font-weight:600;min-height:3rem;margin-right:.75rem;padding:.5rem 1.5rem;border:2px solid var(--button);border-radius:.5rem;background:var(--button);color:var(--on-button);cursor:pointer}',
  'button.other{background:transparent;color:var(--ink)}',
  'button:focus-visible,textarea:focus-visible{outline:3px solid var(--ink);outline-offset:3px}',
].join('');

/** For the header `Content-Security-Policy`: the page's only style. */
export const APPROVAL_STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The page as HTML: no scripts, nothing loaded from elsewhere, readable without styles and by screen readers, light and dark. */
export function approvalPage(state: ApprovalPageState, language: PageLanguage, facts?: ApprovalFacts): string {
  const texts = TEXTS[language];
  const title = texts.title[state];
  const role = state === 'ask' ? '' : state === 'done' ? ' role="status"' : ' role="alert"';
  const form =
    state === 'ask' || state === 'error'
      ? `<form method="post"><label for="comment">${escape(texts.comment)}</label><textarea id="comment" name="comment" maxlength="10000"></textarea>` +
        `<button type="submit" name="decision" value="approve">${escape(texts.approve)}</button>` +
        `<button type="submit" name="decision" value="reject" class="other">${escape(texts.reject)}</button></form>`
      : '';
  return (
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8">` +
    '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex,nofollow">' +
    `<title>${escape(title)}</title><style>${STYLE}</style></head>` +
    `<body><main><div${role}><h1>${escape(title)}</h1><p>${escape(texts.text[state])}</p></div>` +
    `${facts ? listOf(texts, facts, language) : ''}${form}</main></body></html>`
  );
}

function listOf({ facts: names, subject, of }: Texts, facts: ApprovalFacts, language: PageLanguage): string {
  const rows: [string, string | undefined][] = [
    [names.campaign, facts.campaign],
    [names.subject, subject[facts.subject]],
    [names.requestedBy, facts.requestedBy],
    [names.audience, facts.audience?.toLocaleString(language)],
    [names.budget, facts.budget],
    [names.comment, facts.comment],
    [names.votes, `${facts.votes} ${of} ${facts.seats}`],
    [names.voter, facts.voter],
  ];
  const shown = rows.filter((row): row is [string, string] => row[1] !== undefined && row[1] !== '');
  return `<dl>${shown.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`).join('')}</dl>`;
}
