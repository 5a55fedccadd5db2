/** The main thread's half: starts the worker, hands mails over in groups, and answers for it when it dies. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../clock';
import { MarketingError, messageOf } from '../../errors';
import type { DeliveryResult } from '../types';
import type { SmtpSettings } from './options';
import { BEGUN, type FromWorker, type Mail, packGroup, type Slot, type ToWorker, type WorkerStart } from './wire';

/** A group that grew to this many bytes leaves at once. */
const GROUP_BYTES = 1 << 20;
/** A thread without work for this long is ended (it holds some 16 MB); the next mail starts another. ms */
const REST_MS = 60_000;

interface Thread {
  readonly worker: Worker;
  readonly flags: Int32Array;
}

/** One worker thread for one account: started with the first mail, started again when it died. */
export class SmtpHost {
  private thread: Thread | undefined;
  private readonly freeSlots: Slot[];
  private readonly answers: (((result: DeliveryResult) => void) | undefined)[] = [];
  private readonly checks = new Map<number, (reason?: string) => void>();
  private outbox: Mail[] = [];
  private outboxBytes = 0;
  private awaited = 0;
  private nextCheck = 0;
  private onDrained: (() => void) | undefined;
  private cancelRest: (() => void) | undefined;

  constructor(
    private readonly settings: SmtpSettings,
    private readonly clock: Clock,
  ) {
    this.freeSlots = Array.from({ length: settings.capacity }, (_, slot) => slot);
  }

  /** The running worker, for tests that end it. */
  get worker(): Worker | undefined {
    return this.thread?.worker;
  }

  /**
   * Sends one mail to exactly one recipient; never rejects. At most `settings.capacity` at a time.
   * `providerId` is empty when the server named none.
   */
  send(from: string, to: string, raw: string | Buffer): Promise<DeliveryResult> {
    const thread = this.running();
    const slot = this.freeSlots.pop();
    if (slot === undefined) {
      return Promise.resolve({ status: 'unavailable', reason: 'More mails than the account may have in flight.' });
    }
    Atomics.store(thread.flags, slot, 0);
    this.hold();
    if (this.outbox.length === 0) setImmediate(() => this.flush());
    this.outbox.push({ slot, from, to, raw });
    this.outboxBytes += raw.length;
    if (this.outboxBytes >= GROUP_BYTES) this.flush();
    return new Promise((resolve) => {
      this.answers[slot] = resolve;
    });
  }

  /** @throws MarketingError E_CHANNEL_UNAVAILABLE when the server cannot be reached or refuses the login */
  async verify(): Promise<void> {
    const id = ++this.nextCheck;
    const reason = await new Promise<string | undefined>((resolve) => {
      this.checks.set(id, resolve);
      this.hold();
      this.post({ kind: 'verify', id });
    });
    this.release();
    if (reason !== undefined) throw new MarketingError('E_CHANNEL_UNAVAILABLE', reason, { retryable: true });
  }

  /** Lets what has begun finish, at most `graceMs`; then ends the thread. Every mail is answered afterwards. */
  async close(graceMs: number): Promise<void> {
    const { thread } = this;
    if (!thread) return;
    this.flush();
    await new Promise<void>((resolve) => {
      const cancel = this.clock.after(graceMs, resolve);
      this.onDrained = () => {
        cancel();
        resolve();
      };
      this.post({ kind: 'drain' });
    });
    await thread.worker.terminate();
    this.threadEnded(thread, 'The account was closed');
    this.cancelRest?.();
  }

  private running(): Thread {
    return (this.thread ??= this.start());
  }

  private start(): Thread {
    const flags = new SharedArrayBuffer(this.settings.capacity * Int32Array.BYTES_PER_ELEMENT);
    const workerData: WorkerStart = { settings: this.settings, flags };
    const worker = new Worker(path.join(__dirname, `worker${path.extname(__filename)}`), {
      workerData,
      name: 'marketing-smtp',
    });
    const thread: Thread = { worker, flags: new Int32Array(flags) };
    let cause = 'The sending thread stopped';
    worker.on('message', (message: FromWorker) => this.hear(thread, message));
    worker.on('error', (error) => {
      cause = `The sending thread failed: ${messageOf(error)}`;
    });
    worker.on('exit', () => this.threadEnded(thread, cause));
    worker.unref();
    return thread;
  }

  private hear(thread: Thread, message: FromWorker): void {
    switch (message.kind) {
      case 'results':
        message.slots.forEach((slot, i) => {
          const result = message.results[i];
          if (result) this.answer(slot, result);
        });
        return;
      case 'verified':
        this.checks.get(message.id)?.(message.reason);
        this.checks.delete(message.id);
        return;
      case 'drained':
        if (this.thread === thread) this.onDrained?.();
        else void thread.worker.terminate();
        return;
    }
  }

  /** The flags tell what the dead thread cannot: whose content may have left. */
  private threadEnded(thread: Thread, reason: string): void {
    if (this.thread !== thread) return;
    this.thread = undefined;
    this.outbox = [];
    this.outboxBytes = 0;
    this.answers.forEach((resolve, slot) => {
      if (!resolve) return;
      const begun = Atomics.load(thread.flags, slot) === BEGUN;
      this.answer(slot, { status: begun ? 'unknown' : 'unavailable', reason });
    });
    for (const tell of this.checks.values()) tell(reason);
    this.checks.clear();
    this.onDrained?.();
  }

  private answer(slot: Slot, result: DeliveryResult): void {
    const resolve = this.answers[slot];
    if (!resolve) return;
    this.answers[slot] = undefined;
    this.freeSlots.push(slot);
    this.release();
    resolve(result);
  }

  /** The process stays alive while an answer is awaited, and only then. */
  private hold(): void {
    this.awaited += 1;
    if (this.awaited > 1) return;
    this.cancelRest?.();
    this.running().worker.ref();
  }

  private release(): void {
    this.awaited -= 1;
    if (this.awaited > 0 || !this.thread) return;
    this.thread.worker.unref();
    this.cancelRest = this.clock.after(REST_MS, () => this.letGo());
  }

  /** Nothing is in flight: the thread says goodbye to the server and ends. */
  private letGo(): void {
    const { thread } = this;
    this.thread = undefined;
    thread?.worker.postMessage({ kind: 'drain' } satisfies ToWorker);
  }

  private flush(): void {
    if (this.outbox.length === 0) return;
    const group = packGroup(this.outbox);
    this.outbox = [];
    this.outboxBytes = 0;
    this.post(group, [group.bytes]);
  }

  private post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.running().worker.postMessage(message, transfer);
  }
}
