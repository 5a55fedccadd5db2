/** An SMTP server on loopback that does, at each step of the conversation, what a test tells it to. */
import net from 'node:net';

/** The steps at which something can be made to happen. `content`: the first bytes of a message have arrived. */
export type Step = 'banner' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data' | 'content' | 'dot' | 'rset' | 'quit';

/**
 * What happens at a step: an answer (without line end), silence (`stall`), or a cut connection (`drop`). The object
 * form answers and cuts the connection right after.
 */
export type Action = string | { readonly say: string; readonly then: 'drop' };

export type Script = Partial<Record<Step, Action>>;

export interface Arrived {
  readonly from: string;
  readonly to: readonly string[];
  readonly content: string;
}

export interface ScriptedServer {
  readonly port: number;
  /** What to do from now on; may be changed between messages. */
  script: Script;
  /** Script of one session by its number (0, 1, …), before `script`. */
  sessionScript?: (session: number) => Script | undefined;
  /** Messages that were answered with 250. */
  readonly arrived: Arrived[];
  /** Every command line received. */
  readonly commands: string[];
  /** Most sessions open at the same time. */
  readonly mostSessions: () => number;
  readonly sessions: () => number;
  /** How many messages' first bytes have arrived. */
  readonly contentsBegun: () => number;
  /** Cuts all open connections. */
  cutAll(): void;
  close(): Promise<void>;
}

export interface ServerFeatures {
  readonly extensions?: readonly string[];
}

const ANSWERS: Record<Exclude<Step, 'content' | 'ehlo'>, string> = {
  banner: '220 test ESMTP',
  auth: '235 2.7.0 Welcome',
  mail: '250 2.1.0 Ok',
  rcpt: '250 2.1.5 Ok',
  data: '354 Go ahead',
  dot: '250 2.0.0 Ok: queued as 4XYZ',
  rset: '250 2.0.0 Ok',
  quit: '221 2.0.0 Bye',
};

export async function scriptedServer(script: Script = {}, features: ServerFeatures = {}): Promise<ScriptedServer> {
  const sockets = new Set<net.Socket>();
  let sessions = 0;
  let most = 0;
  let contents = 0;
  const extensions = features.extensions ?? ['8BITMIME'];
  const ehlo = ['test', ...extensions]
    .map((line, i, all) => `250${i === all.length - 1 ? ' ' : '-'}${line}`)
    .join('\r\n');

  const listener = net.createServer({ noDelay: true }, (socket) => {
    const session = sessions++;
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    converse(socket, session);
  });

  const server: ScriptedServer = {
    port: 0,
    script,
    arrived: [],
    commands: [],
    mostSessions: () => most,
    sessions: () => sessions,
    contentsBegun: () => contents,
    cutAll: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      server.cutAll();
      await closed;
    },
  };

  function converse(socket: net.Socket, session: number): void {
    let input = '';
    let inContent = false;
    let contentTouched = false;
    let from = '';
    let to: string[] = [];

    /** Does the step's action; true when the step was answered as a success. */
    const act = (step: Step, usual?: string): boolean => {
      const action = server.sessionScript?.(session)?.[step] ?? server.script[step] ?? usual;
      if (action === undefined || action === 'stall') return false;
      if (action === 'drop') {
        socket.destroy();
        return false;
      }
      const text = typeof action === 'string' ? action : action.say;
      socket.write(`${text}\r\n`, () => {
        if (typeof action !== 'string') socket.destroy();
      });
      return /^[23]/.test(text);
    };

    const command = (line: string): void => {
      server.commands.push(line);
      const verb = line.slice(0, 4).toUpperCase();
      switch (verb) {
        case 'EHLO':
        case 'HELO':
          act('ehlo', ehlo);
          return;
        case 'AUTH':
          act('auth', ANSWERS.auth);
          return;
        case 'MAIL':
          from = /<([^>]*)>/.exec(line)?.[1] ?? '';
          to = [];
          act('mail', ANSWERS.mail);
          return;
        case 'RCPT':
          if (act('rcpt', ANSWERS.rcpt)) to.push(/<([^>]*)>/.exec(line)?.[1] ?? '');
          return;
        case 'DATA':
          if (to.length === 0 && server.script.data === undefined) socket.write('503 5.5.1 No recipients\r\n');
          else if (act('data', ANSWERS.data)) {
            inContent = true;
            contentTouched = false;
          }
          return;
        case 'RSET':
          act('rset', ANSWERS.rset);
          return;
        case 'QUIT':
          if (act('quit', ANSWERS.quit)) socket.end();
          return;
        default:
          socket.write('500 5.5.2 What?\r\n');
      }
    };

    act('banner', ANSWERS.banner);
    socket.on('data', (chunk) => {
      input += chunk.toString('latin1');
      for (;;) {
        if (inContent) {
          if (!contentTouched && input !== '') {
            contentTouched = true;
            contents += 1;
            act('content');
            if (socket.destroyed) return;
          }
          const end = `\r\n${input}`.indexOf('\r\n.\r\n');
          if (end < 0) return;
          const content = input.slice(0, end);
          input = input.slice(end + 3);
          inContent = false;
          if (act('dot', ANSWERS.dot)) server.arrived.push({ from, to, content });
          continue;
        }
        const lineEnd = input.indexOf('\r\n');
        if (lineEnd < 0) return;
        const line = input.slice(0, lineEnd);
        input = input.slice(lineEnd + 2);
        command(line);
      }
    });
  }

  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return Object.assign(server, { port: (listener.address() as net.AddressInfo).port });
}

/** A port on loopback on which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
