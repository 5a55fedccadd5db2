import { createHash } from 'node:crypto';
import type { Clock } from '../../clock';
import { MarketingError, messageOf } from '../../errors';
import { headerValue, parseHeaders } from './mime';
import type { MailFigures, ReceivedMail } from './words';

/** How to start a {@link MailSink}. */
export interface MailSinkOptions {
  readonly clock: Clock;
  /** Default 127.0.0.1. It takes mail from anybody who reaches it: never give it a public address. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** How many mails are kept for reading. Default 500. */
  readonly keep?: number;
}

/** An SMTP server that delivers nothing: it counts what arrives and keeps the last mails for reading. */
export interface MailSink {
  readonly host: string;
  readonly port: number;
  figures(): MailFigures;
  /** The kept mails, newest first. */
  list(): readonly ReceivedMail[];
  get(id: number): ReceivedMail | undefined;
  /** The newest kept mail to that address. */
  latestTo(address: string): ReceivedMail | undefined;
  close(): Promise<void>;
}

const MAX_BYTES = 10 * 1024 * 1024;
/** So many (Message-ID, recipient) pairs are remembered for finding duplicates; 16 characters each. */
const REMEMBERED = 1_000_000;

/**
 * Starts the sink.
 * @throws MarketingError `E_SMTP_SERVER_MISSING`, `E_PORT_IN_USE`
 */
export async function startMailSink(options: MailSinkOptions): Promise<MailSink> {
  const { SMTPServer } = await loadSmtpServer();
  const host = options.host ?? '127.0.0.1';
  const box = new Mails(options.clock, options.keep ?? 500);
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    banner: 'mailbox of nexus-marketing: nothing is delivered',
    size: MAX_BYTES,
    rejectOversized: true,
    logger: false,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      let bytes = 0;
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= MAX_BYTES) chunks.push(chunk);
      });
      stream.on('error', callback);
      stream.on('end', () => {
        if (stream.sizeExceeded) return callback(null); // answered by rejectOversized
        const from = session.envelope.mailFrom;
        box.add(
          Buffer.concat(chunks),
          from ? from.address : '',
          session.envelope.rcptTo.map((recipient) => recipient.address),
        );
        callback(null, 'kept');
      });
    },
  });
  // A client that breaks off its connection is no news.
  server.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: Error): void => {
      const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      reject(
        inUse
          ? new MarketingError(
              'E_PORT_IN_USE',
              `Port ${options.port} on ${host} is taken: choose another one for the mailbox (--smtp-port).`,
            )
          : error,
      );
    };
    server.server.once('error', refuse);
    server.listen(options.port ?? 0, host, () => {
      server.server.off('error', refuse);
      resolve();
    });
  });
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : (options.port ?? 0);
  let closing: Promise<void> | undefined;
  return {
    host,
    port,
    figures: () => box.figures(),
    list: () => box.list(),
    get: (id) => box.get(id),
    latestTo: (to) => box.list().find((mail) => mail.envelope.to.includes(to)),
    close: () => (closing ??= new Promise((resolve) => server.close(resolve))),
  };
}

async function loadSmtpServer(): Promise<typeof import('smtp-server')> {
  try {
    return await import('smtp-server');
  } catch (error) {
    throw new MarketingError(
      'E_SMTP_SERVER_MISSING',
      `The demo's mailbox needs the package "smtp-server": run "npm install smtp-server" beside this package (${messageOf(error)}).`,
      { cause: error },
    );
  }
}

class Mails {
  private readonly kept: ReceivedMail[] = [];
  private readonly seen = new Set<string>();
  private readonly recipients = new Set<string>();
  private count = 0;
  private arrived = 0;
  private duplicates = 0;

  constructor(
    private readonly clock: Clock,
    private readonly keep: number,
  ) {}

  add(raw: Buffer, from: string, to: string[]): void {
    const headers = parseHeaders(raw);
    const messageId = headerValue(headers, 'message-id');
    for (const recipient of to) {
      this.arrived++;
      if (!remember(this.seen, shorten(`${messageId}\n${recipient}`))) this.duplicates++;
      remember(this.recipients, shorten(recipient));
    }
    this.kept.push({
      id: ++this.count,
      receivedAt: this.clock.now(),
      envelope: { from, to },
      messageId,
      from: headerValue(headers, 'from'),
      to: headerValue(headers, 'to'),
      subject: headerValue(headers, 'subject'),
      raw,
    });
    if (this.kept.length > this.keep) this.kept.shift();
  }
  figures(): MailFigures {
    return { arrived: this.arrived, duplicates: this.duplicates, recipients: this.recipients.size };
  }
  list(): readonly ReceivedMail[] {
    return this.kept.toReversed();
  }
  get(id: number): ReceivedMail | undefined {
    return this.kept.find((mail) => mail.id === id);
  }
}

/** False when it was there already. */
function remember(set: Set<string>, key: string): boolean {
  if (set.has(key)) return false;
  set.add(key);
  if (set.size > REMEMBERED) {
    for (const oldest of set) {
      set.delete(oldest);
      break;
    }
  }
  return true;
}

function shorten(text: string): string {
  return createHash('sha1').update(text).digest('base64').slice(0, 16);
}
