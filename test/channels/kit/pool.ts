/** The SMTP pool without its thread: fast enough to try every fault on a fresh one. */
import { SystemClock } from '../../../lib/clock';
import { type SmtpOptions, smtpSettings } from '../../../lib/channels/smtp/options';
import { SmtpPool } from '../../../lib/channels/smtp/pool';
import type { DeliveryResult, OutgoingMessage } from '../../../lib/channels/types';

export const SMALL = 'Subject: Hello\r\nMessage-ID: <1@test>\r\n\r\nHello\r\n';
/** Larger than what fits into the sockets' buffers, so that a cut within it cannot come after the last byte. */
export const LARGE = `Subject: Large\r\n\r\n${'All work and no play makes Jack a dull boy\r\n'.repeat(50_000)}`;

/** For servers that fall silent: short, but long enough for a busy machine to answer in time otherwise. */
export const IMPATIENT = { greetingTimeoutMs: 150, socketTimeoutMs: 150 };

export class TestPool {
  readonly begun = new Set<number>();
  private readonly answers = new Map<number, (result: DeliveryResult) => void>();
  private slots = 0;
  readonly pool: SmtpPool;

  constructor(port: number, options: Partial<SmtpOptions> = {}) {
    const settings = smtpSettings({
      host: '127.0.0.1',
      port,
      security: 'none',
      connectionTimeoutMs: 10_000,
      greetingTimeoutMs: 10_000,
      socketTimeoutMs: 10_000,
      ...options,
    });
    this.pool = new SmtpPool(settings, new SystemClock(), {
      begun: (slot) => this.begun.add(slot),
      done: (slot, result) => {
        this.answers.get(slot)?.(result);
        this.answers.delete(slot);
      },
    });
  }

  send(to = 'ann@example.com', content = SMALL): Promise<DeliveryResult> {
    const slot = this.slots++;
    return new Promise((resolve) => {
      this.answers.set(slot, resolve);
      this.pool.submit({ slot, from: 'news@shop.example', to, bytes: Buffer.from(content) });
    });
  }

  verify(): Promise<string | undefined> {
    return new Promise((resolve) => this.pool.verify(resolve));
  }

  drain(): Promise<void> {
    return new Promise((resolve) => this.pool.drain(resolve));
  }
}

/** A finished mail for an account. */
export function mail(to = 'ann@example.com', raw: string | Buffer = SMALL, id = 'm1'): OutgoingMessage {
  return { id, idempotencyKey: id, to: { address: to }, envelope: { from: 'news@shop.example', to }, raw };
}
