/** One connection to the SMTP server: nodemailer's SMTPConnection, with every way it can end made one callback. */
import { isAscii } from 'node:buffer';
import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { SmtpSettings } from './options';
import type { SmtpFailure } from './outcome';

/** A mail as a link sends it. */
export interface Letter {
  readonly from: string;
  readonly to: string;
  readonly bytes: Buffer;
}

/** Called once: with the failure, or with the server's answer to the message. */
export type SendDone = (failure: SmtpFailure | undefined, answer?: { response: string; providerId?: string }) => void;

/**
 * The message as a stream that notices being read. Nodemailer pipes it only after the server's go-ahead for the
 * content (354), so nothing can have arrived before `onBegin` ran; from then on anything may have.
 */
class Content extends Readable {
  constructor(
    private readonly bytes: Buffer,
    private readonly onBegin: () => void,
  ) {
    super();
  }
  override _read(): void {
    this.onBegin();
    this.push(this.bytes);
    this.push(null);
  }
}

export class SmtpLink {
  /** How many messages it was given. */
  messages = 0;
  private readonly connection: SMTPConnection;
  private opened = false;
  private closed = false;
  /** Ends whatever is going on; exactly one operation runs at a time. */
  private pending: ((failure: SmtpFailure) => void) | undefined;

  /** @param onEnd called once, when the connection is gone and the running operation has been answered */
  constructor(
    private readonly settings: SmtpSettings,
    onEnd: () => void,
  ) {
    const { security } = settings;
    this.connection = new SMTPConnection({
      host: settings.host,
      port: settings.port,
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      tls: settings.tls,
      connectionTimeout: settings.connectionTimeoutMs,
      dnsTimeout: settings.connectionTimeoutMs,
      greetingTimeout: settings.greetingTimeoutMs,
      socketTimeout: settings.socketTimeoutMs,
      socketCloseTimeout: 1000,
      ...(settings.name === undefined ? {} : { name: settings.name }),
      ...(settings.tls.servername === undefined ? {} : { servername: settings.tls.servername }),
      allowInternalNetworkInterfaces: true,
    });
    // Always listening: an 'error' without a listener would end the thread.
    this.connection.on('error', (error: SmtpFailure) => {
      if (!this.opened) this.end(error);
    });
    this.connection.once('end', () => {
      // A running send is answered by nodemailer itself, right after this event, with the better error.
      queueMicrotask(() => {
        this.closed = true;
        this.end({ message: 'Connection closed' });
        onEnd();
      });
    });
  }

  /** True while another message can be sent on it. */
  get usable(): boolean {
    return this.opened && !this.closed && !this.connection.destroyed;
  }

  /** True until it opened or failed to. */
  get connecting(): boolean {
    return !this.opened && !this.closed;
  }

  /** Connects, greets, encrypts and logs in. */
  open(done: (failure?: SmtpFailure) => void): void {
    this.begin(done);
    this.connection.connect((error) => {
      if (error) return this.end(error);
      const { auth } = this.settings;
      if (!auth) return this.ready(done);
      if (!this.connection.allowsAuth) {
        return this.end({ code: 'ENOAUTH', message: 'it does not offer a login; is the connection encrypted?' });
      }
      this.connection.login({ user: auth.user, pass: auth.password }, (refused) => {
        if (refused) this.end(refused);
        else this.ready(done);
      });
    });
  }

  /** Sends one letter to one recipient. `onBegin` runs just before the first byte of content may leave. */
  send(letter: Letter, onBegin: () => void, done: SendDone): void {
    this.messages += 1;
    this.begin(done);
    const { from, to, bytes } = letter;
    const envelope = { from, to: [to], size: bytes.length, use8BitMime: !isAscii(bytes) };
    this.connection.send(envelope, new Content(bytes, onBegin), (error, info) => {
      if (error) return this.end(error);
      if (!this.pending) return;
      this.pending = undefined;
      const { response } = info;
      if (!/^2\d\d(?:[ -]|$)/.test(response)) return done({ message: `Unclear answer: ${response}` });
      const providerId = info.serverMessageId ?? /queued as <?([^\s<>]+)/i.exec(response)?.[1];
      done(undefined, { response, ...(providerId === undefined ? {} : { providerId }) });
    });
  }

  /** Takes back a half-finished transaction so that the next message starts clean. */
  reset(done: (failure?: SmtpFailure) => void): void {
    this.begin(done);
    this.connection.reset((error) => {
      if (error) return this.end(error);
      if (!this.pending) return;
      this.pending = undefined;
      done();
    });
  }

  /** Says goodbye; `onEnd` follows. */
  quit(): void {
    if (this.usable) this.connection.quit();
    else this.close();
  }

  /** Hangs up; what was running fails with `why`. */
  close(why = 'Connection given up'): void {
    this.end({ code: 'ETIMEDOUT', message: why });
    this.connection.close();
  }

  private begin(done: (failure: SmtpFailure) => void): void {
    this.pending = done;
  }

  private ready(done: (failure?: SmtpFailure) => void): void {
    if (!this.pending) return;
    this.pending = undefined;
    this.opened = true;
    done();
  }

  private end(failure: SmtpFailure): void {
    const { pending } = this;
    this.pending = undefined;
    if (!pending) return;
    const { message, code, responseCode, response, command } = failure;
    pending({
      message,
      ...(code === undefined ? {} : { code }),
      ...(responseCode === undefined ? {} : { responseCode }),
      ...(response === undefined ? {} : { response }),
      ...(command === undefined ? {} : { command }),
    });
  }
}
