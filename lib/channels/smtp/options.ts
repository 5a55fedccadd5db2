import { InputError } from '../../errors';
import type { BreakerOptions } from '../breaker';
import type { Rate } from '../pacer';

/** How to reach one SMTP server. Times are milliseconds. */
export interface SmtpOptions {
  /** Names the account in figures; default `smtp:<host>:<port>`. */
  readonly key?: string;
  readonly host: string;
  readonly port: number;
  /** none: plain text. starttls: upgraded, refused if the server cannot. tls: encrypted from the start. */
  readonly security: 'none' | 'starttls' | 'tls';
  readonly tls?: {
    /** False accepts any certificate: for test servers only. Default true. */
    readonly rejectUnauthorized?: boolean;
    /** Name to check the certificate against, when it is not `host`. */
    readonly servername?: string;
    /** PEM of a private certificate authority. */
    readonly ca?: string;
  };
  readonly auth?: { readonly user: string; readonly password: string };
  /** Name said in EHLO; default: this machine's host name. */
  readonly name?: string;
  /** Connections kept open at most. Default 5. */
  readonly connections?: number;
  /**
   * How many messages may be in flight, waiting ones included. Default 8 × connections: enough for the ledger to mark and
   * settle them in groups, few enough that a crash leaves few in doubt.
   */
  readonly capacity?: number;
  /** A connection is replaced after so many messages. Default 100. */
  readonly maxMessages?: number;
  readonly connectionTimeoutMs?: number;
  readonly greetingTimeoutMs?: number;
  /** Longest silence of the server within a command. Default 5 min (RFC 5321 4.5.3.2). */
  readonly socketTimeoutMs?: number;
  /** Longest time from MAIL FROM to the last answer. Default 10 min (RFC 5321 4.5.3.2.6). */
  readonly messageTimeoutMs?: number;
  /** An unused connection says goodbye after this. Default 15 s. */
  readonly idleTimeoutMs?: number;
  readonly rates?: readonly Rate[];
  readonly breaker?: Omit<BreakerOptions, 'probe'>;
}

/** What the worker thread needs to know: everything filled in, nothing it cannot use. */
export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  readonly security: 'none' | 'starttls' | 'tls';
  readonly tls: { readonly rejectUnauthorized: boolean; readonly servername?: string; readonly ca?: string };
  readonly auth?: { readonly user: string; readonly password: string };
  readonly name?: string;
  readonly connections: number;
  readonly capacity: number;
  readonly maxMessages: number;
  readonly connectionTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  readonly socketTimeoutMs: number;
  readonly messageTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/**
 * Checks the options and fills in the defaults.
 * @throws InputError E_SMTP_OPTIONS naming the field
 */
export function smtpSettings(options: SmtpOptions): SmtpSettings {
  const { host, port, security, tls, auth, name } = options;
  if (typeof host !== 'string' || !/^[A-Za-z0-9.:_-]{1,253}$/.test(host)) {
    throw wrong('host', 'give the name or address of the SMTP server');
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw wrong('port', 'give a number from 1 to 65535');
  if (!['none', 'starttls', 'tls'].includes(security)) throw wrong('security', 'choose none, starttls or tls');
  if (auth && (!auth.user || !auth.password)) throw wrong('auth', 'give both user and password, or neither');
  if (name !== undefined && !/^[A-Za-z0-9.:[\]-]{1,253}$/.test(name)) throw wrong('name', 'give a host name');
  const connections = count('connections', options.connections, 5);
  return {
    host,
    port,
    security,
    tls: { rejectUnauthorized: true, ...tls },
    ...(auth ? { auth: { user: auth.user, password: auth.password } } : {}),
    ...(name === undefined ? {} : { name }),
    connections,
    capacity: count('capacity', options.capacity, connections * 8),
    maxMessages: count('maxMessages', options.maxMessages, 100),
    connectionTimeoutMs: count('connectionTimeoutMs', options.connectionTimeoutMs, 30_000),
    greetingTimeoutMs: count('greetingTimeoutMs', options.greetingTimeoutMs, 30_000),
    socketTimeoutMs: count('socketTimeoutMs', options.socketTimeoutMs, 300_000),
    messageTimeoutMs: count('messageTimeoutMs', options.messageTimeoutMs, 600_000),
    idleTimeoutMs: count('idleTimeoutMs', options.idleTimeoutMs, 15_000),
  };
}

function count(field: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!Number.isInteger(value) || value < 1) throw wrong(field, 'give a whole number of at least 1');
  return value;
}

function wrong(field: string, advice: string): InputError {
  return new InputError('E_SMTP_OPTIONS', `The mail account's "${field}" is not usable: ${advice}.`, {
    details: { field },
  });
}
