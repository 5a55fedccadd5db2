/**
 * The other side of the benches `send` and `trigger`: nodemailer and nothing else. Everybody's texts are rendered before the clock
 * starts (`send`), or in the loop (`trigger`); there is no database, no consent, no ledger.
 */
import nodemailer, { type Transporter } from 'nodemailer';
import { answerParent, sharedNow } from '../lib/child';
import { FROM, mailRenderer, type Recipient, type RenderedMail } from '../lib/mail';
import { readPeople } from '../lib/people';
import { product } from '../lib/product';

type Compliance = typeof import('../../lib/compliance');

/** What the process does. */
export interface BareMailerQuestions {
  /** Reads the people and renders their texts. */
  prepare(options: { databaseUrl: string; port: number; connections: number }): Promise<number>;
  /** Sends all that was prepared, `concurrency` at a time, each composed by nodemailer; when it began (shared clock). */
  sendAll(options: { concurrency: number }): Promise<number>;
  /** Renders and sends to one person after the other at a steady rate; when each was begun (shared clock). */
  feed(options: { perSecond: number; count: number }): Promise<number[]>;
  [question: string]: (argument: never) => unknown;
}

process.setSourceMapsEnabled(false);

let people: Recipient[] = [];
let transport: Transporter | undefined;
const render = mailRenderer();

answerParent<BareMailerQuestions>(
  {
    prepare({ databaseUrl, port, connections }) {
      people = readPeople(databaseUrl);
      // maxMessages stays at its default, 100: our account's pool renews its connections as often.
      transport = nodemailer.createTransport({
        pool: true,
        host: '127.0.0.1',
        port,
        secure: false,
        ignoreTLS: true,
        maxConnections: connections,
      });
      return Promise.resolve(people.length);
    },
    async sendAll({ concurrency }) {
      const link = linkMaker();
      const mails = people.map((lead) => ({ id: lead.id, mail: render(lead, link(lead.id)) }));
      const begin = sharedNow();
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let one = mails[next++]; one; one = mails[next++]) await send(one.id, one.mail);
      };
      await Promise.all(Array.from({ length: concurrency }, worker));
      return begin;
    },
    async feed({ perSecond, count }) {
      const link = linkMaker();
      const begin = sharedNow();
      const times: number[] = [];
      const sending: Promise<void>[] = [];
      for (const [index, lead] of people.slice(0, count).entries()) {
        const wait = begin + (index * 1000) / perSecond - sharedNow();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        times.push(sharedNow());
        sending.push(send(lead.id, render(lead, link(lead.id))));
      }
      await Promise.all(sending);
      return times;
    },
  },
  () => Promise.resolve(transport?.close()),
);

async function send(id: number, { to, subject, html, text, unsubscribeUrl }: RenderedMail): Promise<void> {
  await transport?.sendMail({
    from: FROM,
    to,
    subject,
    html,
    text,
    messageId: `<${id.toString(36)}.0123456789abcdef01234567@news.shop.example>`,
    headers: { 'List-Unsubscribe': `<${unsubscribeUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
  });
}

/** Links as ours are, so that both sides' mails are equally long. */
function linkMaker(): (lead: number) => string {
  const { createUnsubscribeSigner } = product<Compliance>('lib/compliance/index');
  const signer = createUnsubscribeSigner({
    current: 'a secret of the bench, which nobody needs to keep',
    previous: [],
  });
  return (lead) =>
    `https://news.shop.example/marketing/u/${signer.sign({ tenant: 'default', lead, campaign: 1, channel: 'email' })}`;
}
