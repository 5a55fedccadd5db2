import { randomBytes } from 'node:crypto';
import { Router, type Response } from 'express';
import { mailboxPage } from './mailbox-page';

/** One line of the mailbox's list. */
export interface MailSummary {
  readonly id: number;
  readonly receivedAt: number;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
}

/** One mail, taken apart. */
export interface MailView extends MailSummary {
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly text?: string;
  readonly html?: string;
  readonly attachments: readonly { readonly name: string; readonly type: string; readonly bytes: number }[];
}

/** Where the mailbox pages get their mails from. */
export interface MailboxSource {
  /** How many arrived since the start, and those of them that are kept, newest first. */
  list(): { readonly arrived: number; readonly mails: readonly MailSummary[] };
  view(id: number): MailView | undefined;
  /** The mail as it came over the wire. */
  raw(id: number): Buffer | undefined;
}

/** A mail is somebody else's HTML: no scripts, no forms, nothing loaded; links open in a window of their own. */
const MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; " +
  "form-action 'none'; frame-ancestors 'self'";

const COMMON = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };

/** The built-in mailbox: `/mailbox` (page), `/mailbox/list`, `/mailbox/:id`, `/mailbox/:id/html`, `/mailbox/:id/mail.eml`. */
export function mailboxRouter(source: MailboxSource): Router {
  const router = Router();
  const missing = (response: Response): void => {
    response.status(404).set(COMMON).type('text/plain').send('This mail is no longer kept.');
  };
  router.get('/mailbox', (_request, response) => {
    const nonce = randomBytes(16).toString('base64');
    response.set({
      ...COMMON,
      'Content-Security-Policy':
        `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; frame-src 'self'; ` +
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    });
    response.type('text/html').send(mailboxPage(nonce));
  });
  router.get('/mailbox/list', (_request, response) => {
    response.set(COMMON).json(source.list());
  });
  router.get('/mailbox/:id', (request, response) => {
    const mail = source.view(Number(request.params.id));
    if (mail === undefined) return missing(response);
    const { html, ...rest } = mail;
    response.set(COMMON).json({ ...rest, hasHtml: html !== undefined });
  });
  router.get('/mailbox/:id/html', (request, response) => {
    const html = source.view(Number(request.params.id))?.html;
    if (html === undefined) return missing(response);
    response.set({ ...COMMON, 'Content-Security-Policy': MAIL_POLICY });
    response.type('text/html').send(`<!doctype html><base target="_blank">${html}`);
  });
  router.get('/mailbox/:id/mail.eml', (request, response) => {
    const raw = source.raw(Number(request.params.id));
    if (raw === undefined) return missing(response);
    response.set({ ...COMMON, 'Content-Disposition': `attachment; filename="mail-${Number(request.params.id)}.eml"` });
    response.type('message/rfc822').send(raw);
  });
  return router;
}
