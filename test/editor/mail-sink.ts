import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';

/** A mail server on loopback that keeps what arrives. */
export interface MailSink {
  readonly port: number;
  /** Accepted mails: to whom, and the raw text. */
  readonly mails: readonly { to: string; raw: string }[];
  stop(): Promise<void>;
}

/** Starts a mail server that accepts everything. */
export async function startMailSink(): Promise<MailSink> {
  const mails: { to: string; raw: string }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString('utf8');
        for (const { address } of session.envelope.rcptTo) mails.push({ to: address, raw });
        done();
      });
    },
  });
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    mails,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
