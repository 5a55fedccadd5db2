/**
 * An SMTP server that accepts everything, in a process of its own, so that benches measure the sender and crash
 * tests can count at the server what really arrived.
 *
 * Debian's `smtp-sink` (package postfix) is used where it is installed and nothing needs to be recorded; a minimal
 * one on raw sockets otherwise.
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { openSync, readFileSync, writeSync } from 'node:fs';
import net from 'node:net';

/** What to start. */
export interface SinkOptions {
  /** Count messages; always done, named for readability at the call. */
  readonly count?: boolean;
  /** Keep Message-IDs and recipients in memory, so that {@link SinkCounts} tells duplicates. */
  readonly identify?: boolean;
  /**
   * Append `Message-ID<TAB>recipient` to this file before each message is acknowledged: what is acknowledged is
   * in the file even if everybody is killed in the next instant. Read it with {@link readRecords}.
   */
  readonly record?: string;
  /** Offer PIPELINING (RFC 2920). Default true, as smtp-sink does. */
  readonly pipelining?: boolean;
  /** Remember when each recipient's message was accepted; {@link Sink.arrivals} tells. */
  readonly stamp?: boolean;
  /** Never use Debian's smtp-sink. */
  readonly own?: boolean;
  /** Listen here instead of on a free port (loopback). */
  readonly port?: number;
}

/** What has arrived so far. */
export interface SinkCounts {
  readonly messages: number;
  readonly connections: number;
  /** Distinct Message-ID + recipient pairs; only with `identify`. */
  readonly distinct?: number;
  /** `messages - distinct`; only with `identify`. */
  readonly duplicates?: number;
}

/** What has arrived so far, and when. */
export interface SinkTraffic {
  readonly messages: number;
  /**
   * When the first and the last message were accepted, milliseconds of the machine's monotonic clock, which all processes share
   * (`process.hrtime`). With Debian's smtp-sink: when its counter was seen to change.
   */
  readonly firstAt?: number;
  readonly lastAt?: number;
  /** Size of all messages together, as sent; not with Debian's smtp-sink. */
  readonly bytes?: number;
}

/** Recipient and moment of acceptance, milliseconds of the shared monotonic clock. */
export type Arrival = readonly [recipient: string, at: number];

/** A running sink. */
export interface Sink {
  readonly port: number;
  /** `smtp-sink` or `own`. */
  readonly kind: 'smtp-sink' | 'own';
  readonly pid: number;
  counts(): Promise<SinkCounts>;
  traffic(): Promise<SinkTraffic>;
  /** Recipient and moment of acceptance (as `firstAt`) of each message since the last call; only with `stamp`. */
  arrivals(): Promise<readonly Arrival[]>;
  /** Ends the process; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts a sink; resolves when it accepts connections. */
export async function startSink(options: SinkOptions = {}): Promise<Sink> {
  const wantsOwn =
    options.own === true || options.identify === true || options.stamp === true || options.record !== undefined;
  const debian = wantsOwn ? undefined : findSmtpSink();
  return debian === undefined ? startOwn(options) : startDebian(debian, options);
}

/** Lines of a record file, in the order of arrival. */
export function readRecords(file: string): { messageId: string; recipient: string }[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [messageId = '', recipient = ''] = line.split('\t');
    return { messageId, recipient };
  });
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

// --- Debian's smtp-sink -------------------------------------------------------------------------------------

function findSmtpSink(): string | undefined {
  const found = spawnSync('sh', ['-c', 'PATH="$PATH:/usr/sbin:/usr/lib/postfix/sbin" command -v smtp-sink'], {
    encoding: 'utf8',
  });
  return found.status === 0 ? found.stdout.trim() || undefined : undefined;
}

async function startDebian(program: string, options: SinkOptions): Promise<Sink> {
  const port = options.port ?? (await freePort());
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const noPipelining = options.pipelining === false ? ['-p'] : [];
  const child = spawn(program, [...asUser, ...noPipelining, '-c', `127.0.0.1:${port}`, '1024'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // With -c it rewrites one line: "sess=1 quit=0 mesg=42\r".
  let tail = '';
  let messages = 0;
  let firstAt: number | undefined;
  let lastAt: number | undefined;
  const latest = (name: string): number =>
    Number([...tail.matchAll(new RegExp(`${name}=(\\d+)\\s`, 'g'))].at(-1)?.[1] ?? 0);
  child.stdout.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('latin1')).slice(-200);
    if (latest('mesg') === messages) return;
    messages = latest('mesg');
    lastAt = now();
    firstAt ??= lastAt;
  });
  await waitForPort(port, child);
  return {
    port,
    kind: 'smtp-sink',
    pid: child.pid ?? 0,
    counts: () => Promise.resolve({ messages, connections: latest('sess') }),
    traffic: () =>
      Promise.resolve({ messages, ...(firstAt === undefined || lastAt === undefined ? {} : { firstAt, lastAt }) }),
    arrivals: () => Promise.resolve([]),
    stop: () => stopChild(child),
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function waitForPort(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`smtp-sink ended with code ${String(child.exitCode)} before it listened on port ${port}`);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

// --- our own: parent side -----------------------------------------------------------------------------------

type ToSink = { ask: 'counts' | 'traffic' | 'arrivals'; id: number };
type FromSink = { port: number } | { id: number; answer: SinkCounts | SinkTraffic | readonly Arrival[] };

async function startOwn(options: SinkOptions): Promise<Sink> {
  const child = fork(__filename, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const asked = new Map<number, (answer: never) => void>();
  let nextId = 0;
  const ask = <Answer extends SinkCounts | SinkTraffic | readonly Arrival[]>(what: ToSink['ask']): Promise<Answer> =>
    new Promise((resolve) => {
      const id = ++nextId;
      asked.set(id, resolve);
      child.send({ ask: what, id } satisfies ToSink);
    });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The SMTP sink ended with code ${String(code)}`)));
    child.on('message', (message: FromSink) => {
      if ('port' in message) return resolve(message.port);
      asked.get(message.id)?.(message.answer as never);
      asked.delete(message.id);
    });
  });
  return {
    port,
    kind: 'own',
    pid: child.pid ?? 0,
    counts: () => ask<SinkCounts>('counts'),
    traffic: () => ask<SinkTraffic>('traffic'),
    arrivals: () => ask<readonly Arrival[]>('arrivals'),
    stop: () => stopChild(child),
  };
}

// --- our own: the server ------------------------------------------------------------------------------------

const END = Buffer.from('\r\n.\r\n');
const OK = '250 2.0.0 Ok\r\n';

function serve(options: SinkOptions): void {
  const record = options.record === undefined ? undefined : openSync(options.record, 'a');
  const seen = options.identify === true ? new Set<string>() : undefined;
  let messages = 0;
  let connections = 0;
  let bytes = 0;
  let firstAt: number | undefined;
  let lastAt: number | undefined;
  const arrivals: Arrival[] = [];

  const accept = (content: Buffer, recipients: readonly string[]): void => {
    messages += 1;
    bytes += content.length;
    const at = now();
    lastAt = at;
    firstAt ??= at;
    if (options.stamp === true) arrivals.push(...recipients.map((recipient): Arrival => [recipient, at]));
    if (record === undefined && !seen) return;
    const id = messageIdOf(content);
    for (const recipient of recipients) {
      seen?.add(`${id}\t${recipient}`);
      if (record !== undefined) writeSync(record, `${id}\t${recipient}\n`);
    }
  };

  const server = net.createServer({ noDelay: true }, (socket) => {
    connections += 1;
    converse(socket, options.pipelining !== false, accept);
  });
  server.listen(options.port ?? 0, '127.0.0.1', () => {
    const { port } = server.address() as net.AddressInfo;
    process.send?.({ port } satisfies FromSink);
  });
  const answers: Readonly<Record<ToSink['ask'], () => SinkCounts | SinkTraffic | readonly Arrival[]>> = {
    counts: () => ({
      messages,
      connections,
      ...(seen ? { distinct: seen.size, duplicates: messages - seen.size } : {}),
    }),
    traffic: () => ({ messages, bytes, ...(firstAt === undefined || lastAt === undefined ? {} : { firstAt, lastAt }) }),
    arrivals: () => arrivals.splice(0),
  };
  process.on('message', ({ id, ask }: ToSink) => {
    const answer = answers[ask]();
    process.send?.({ id, answer } satisfies FromSink);
  });
  process.on('disconnect', () => process.exit(0));
}

function messageIdOf(content: Buffer): string {
  const headEnd = content.indexOf('\r\n\r\n');
  const head = content.toString('latin1', 0, headEnd < 0 ? content.length : headEnd);
  return /^message-id:\s*(\S+)/im.exec(head)?.[1] ?? '';
}

/** One session. All input that is there is answered with one write. */
function converse(socket: net.Socket, pipelining: boolean, accept: (content: Buffer, to: string[]) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  let inContent = false;
  let recipients: string[] = [];
  socket.on('error', () => socket.destroy());
  socket.write('220 sink ESMTP\r\n');

  const command = (line: string): string => {
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        return `250-sink\r\n${pipelining ? '250-PIPELINING\r\n' : ''}250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n`;
      case 'RCPT':
        recipients.push(/<([^>]*)>/.exec(line)?.[1] ?? '');
        return OK;
      case 'DATA':
        inContent = true;
        return '354 Go ahead\r\n';
      case 'QUIT':
        return '221 2.0.0 Bye\r\n';
      default:
        if (/^(?:MAIL|RSET)/i.test(line)) recipients = [];
        return OK;
    }
  };

  socket.on('data', (chunk: Buffer) => {
    let input = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let reply = '';
    let leaving = false;
    for (;;) {
      if (inContent) {
        const end = input.indexOf(END);
        if (end < 0) break;
        accept(input.subarray(0, end + 2), recipients);
        input = input.subarray(end + END.length);
        inContent = false;
        recipients = [];
        reply += OK;
        continue;
      }
      const lineEnd = input.indexOf('\r\n');
      if (lineEnd < 0) break;
      const line = input.toString('latin1', 0, lineEnd);
      input = input.subarray(lineEnd + 2);
      reply += command(line);
      leaving ||= line.toUpperCase() === 'QUIT';
    }
    rest = input;
    if (reply !== '') socket.write(reply);
    if (leaving) socket.end();
  });
}

if (require.main === module) serve(JSON.parse(process.argv[2] ?? '{}') as SinkOptions);
