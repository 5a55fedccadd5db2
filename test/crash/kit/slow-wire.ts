/**
 * A wire to the mail server on which the server's answers take their time. Mails arrive at once, so that whoever is
 * killed meanwhile leaves messages that were taken and not yet acknowledged: the hard case.
 */
import net from 'node:net';

export class SlowWire {
  private readonly server: net.Server;
  private readonly pairs = new Set<readonly [net.Socket, net.Socket]>();

  private constructor(target: number, delay: () => number) {
    this.server = net.createServer({ noDelay: true }, (client) =>
      this.join(client, net.connect({ port: target, host: '127.0.0.1', noDelay: true }), delay),
    );
  }

  /** @param delay milliseconds before each answer of the server is passed on */
  static async open(target: number, delay: () => number): Promise<SlowWire> {
    const wire = new SlowWire(target, delay);
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** Resolves when what killed senders had still written has reached the server. */
  async quiet(): Promise<void> {
    while (this.pairs.size > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  async close(): Promise<void> {
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private join(client: net.Socket, server: net.Socket, delay: () => number): void {
    const pair = [client, server] as const;
    this.pairs.add(pair);
    client.on('data', (chunk) => server.write(chunk));
    // A killed sender resets its connection: what it had written must reach the server all the same.
    client.on('error', () => server.end());
    client.on('close', () => server.end());
    let earlier = Promise.resolve();
    server.on('data', (chunk) => {
      const due = new Promise((resolve) => setTimeout(resolve, delay()));
      earlier = earlier.then(async () => {
        await due;
        if (!client.destroyed) client.write(chunk);
      });
    });
    const over = (): void => {
      this.pairs.delete(pair);
      void earlier.then(() => client.destroy());
    };
    server.on('error', () => undefined);
    server.on('close', over);
  }
}
