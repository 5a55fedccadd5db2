import type { Marketing } from '../../lib';
import type { Clock } from '../../lib/clock';
import { MarketingError, messageOf } from '../../lib/errors';
import { Users } from './users';

/** Where a connection stands. */
export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly marketing: Marketing }
  /** The database does not answer; it is tried again. */
  | { readonly kind: 'unreachable'; readonly error: Error }
  /** Something has to be corrected first; it is not tried again. */
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'closed' };

/** What a {@link Connection} needs. */
export interface ConnectionOptions {
  open(): Promise<Marketing>;
  clock: Clock;
  /** Told once for each new trouble, not for every attempt. */
  onTrouble(error: Error): void;
  /** Longest wait of a message for the store, ms. Default 20 s. */
  patienceMs?: number;
  /** How long `close` waits for users, ms. Default 10 s: Node-RED gives up on a node after 15. */
  drainMs?: number;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * The store's one connection: opened in the background, tried again with growing pauses while the database does not
 * answer, ended when its last user has drained.
 */
export class Connection {
  private current: ConnectionState = { kind: 'connecting' };
  private readonly users: Users;
  private readonly listeners = new Set<(state: ConnectionState) => void>();
  private readonly stop = new AbortController();
  private opening: Promise<void> | undefined;
  private ending: Promise<void> | undefined;

  constructor(private readonly options: ConnectionOptions) {
    this.users = new Users(options.clock);
  }

  get state(): ConnectionState {
    return this.current;
  }

  /** Begins to open. Does not wait. */
  start(): void {
    this.opening ??= this.keepOpening();
  }

  /** Adds a user that is told the state, now and whenever it changes. Returns what takes it off again. */
  use(onState: (state: ConnectionState) => void): () => void {
    const release = this.users.add();
    this.listeners.add(onState);
    onState(this.current);
    return () => {
      this.listeners.delete(onState);
      release();
    };
  }

  /**
   * The open store. Waits for it for a bounded time, so that a message that comes during a short outage is not lost.
   * @throws MarketingError E_STORE_UNAVAILABLE (retryable), or what keeps the store from opening
   */
  async whenOpen(signal?: AbortSignal): Promise<Marketing> {
    const { clock, patienceMs = 20_000 } = this.options;
    const deadline = clock.monotonic() + patienceMs;
    for (;;) {
      const state = this.current;
      if (state.kind === 'open') return state.marketing;
      if (state.kind === 'failed') throw state.error;
      const left = deadline - clock.monotonic();
      if (state.kind === 'closed' || left <= 0 || signal?.aborted) throw unavailable(state);
      await this.changed(left, signal);
    }
  }

  /** The open store, however long it takes; undefined when `signal` is aborted or the connection closes. */
  async untilOpen(signal: AbortSignal): Promise<Marketing | undefined> {
    for (;;) {
      const state = this.current;
      if (state.kind === 'open') return state.marketing;
      if (state.kind === 'closed' || signal.aborted) return undefined;
      await this.changed(LONGEST_PAUSE_MS, signal);
    }
  }

  /** Waits for the users (bounded), then ends the store. `last` runs just before, while the store is still open. */
  close(last?: (marketing: Marketing) => Promise<void>): Promise<void> {
    this.ending ??= this.end(last);
    return this.ending;
  }

  private async end(last?: (marketing: Marketing) => Promise<void>): Promise<void> {
    this.stop.abort();
    await this.users.drained(this.options.drainMs ?? 10_000);
    // An attempt to connect may hang for minutes; what comes of it is closed by `keepOpening` then.
    await Promise.race([this.opening, this.options.clock.sleep(2_000)]);
    const state = this.current;
    this.become({ kind: 'closed' });
    if (state.kind !== 'open') return;
    try {
      await last?.(state.marketing);
    } finally {
      await state.marketing.close();
    }
  }

  private async keepOpening(): Promise<void> {
    const { clock, open, onTrouble } = this.options;
    let pause = FIRST_PAUSE_MS;
    let told = '';
    while (!this.stop.signal.aborted) {
      try {
        const marketing = await open();
        if (this.current.kind === 'closed') await marketing.close();
        else this.become({ kind: 'open', marketing });
        return;
      } catch (thrown) {
        if (this.stop.signal.aborted) return;
        const error = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
        if (error.message !== told) onTrouble(error);
        told = error.message;
        if (!(error instanceof MarketingError && error.retryable)) return this.become({ kind: 'failed', error });
        this.become({ kind: 'unreachable', error });
      }
      await clock.sleep(pause, this.stop.signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  private become(state: ConnectionState): void {
    this.current = state;
    for (const listener of [...this.listeners]) listener(state);
  }

  private changed(ms: number, signal?: AbortSignal): Promise<void> {
    const { clock } = this.options;
    return new Promise((resolve) => {
      const finish = (): void => {
        this.listeners.delete(finish);
        signal?.removeEventListener('abort', finish);
        cancel();
        resolve();
      };
      const cancel = clock.after(ms, finish);
      this.listeners.add(finish);
      signal?.addEventListener('abort', finish, { once: true });
    });
  }
}

function unavailable(state: ConnectionState): MarketingError {
  const why = state.kind === 'unreachable' ? `: ${state.error.message}` : '.';
  return new MarketingError('E_STORE_UNAVAILABLE', `The marketing store cannot be reached at the moment${why}`, {
    retryable: true,
    ...(state.kind === 'unreachable' ? { cause: state.error } : {}),
  });
}
