import type { Clock } from '../clock';
import { ConflictError } from '../errors';
import { checkTimer, mergeStates, unknownKind } from './book';
import { FailureReport } from './failures';
import { nextOccurrence, normalizeRule, ruleText } from './rule';
import { completeSettings, retryDelay } from './settings';
import type {
  Timer,
  TimerErrorListener,
  TimerHandler,
  TimerRule,
  Timers,
  TimerSettings,
  TimersLogger,
  TimerState,
} from './types';

/** `Clock.after` takes at most 24 days. */
const LONGEST_WAIT_MS = 20 * 24 * 3_600_000;
const GRACE_MS = 10_000;

interface MemoryTimer {
  readonly kind: string;
  readonly key: string;
  /** When it rings next; for retries later than `timer.at`. */
  at: number;
  timer: Timer;
  readonly rule?: TimerRule;
  /** From where intervals are counted. */
  readonly anchor: number;
  ringing: boolean;
  failCount: number;
  failReason?: string;
}

/** Timers in memory, on the injected clock: for simulations and unit tests. Keeps nothing when the process ends. */
export class ClockTimers implements Timers {
  private readonly handlers = new Map<string, TimerHandler>();
  private readonly records = new Set<MemoryTimer>();
  private readonly ringing = new Set<Promise<void>>();
  private readonly failures: FailureReport;
  private readonly settings: TimerSettings;
  private state: 'open' | 'running' | 'stopped' = 'open';
  private disarm: () => void = () => undefined;

  constructor(
    private readonly clock: Clock,
    options: { logger?: TimersLogger; settings?: Partial<TimerSettings> } = {},
  ) {
    this.failures = new FailureReport(clock, options.logger);
    this.settings = completeSettings(options.settings);
  }

  on(kind: string, handler: TimerHandler): void {
    if (this.state !== 'open') {
      throw new ConflictError('E_TIMERS_STARTED', `The handler for "${kind}" came too late: call on() before start().`);
    }
    this.handlers.set(kind, handler);
  }

  start(): Promise<void> {
    return attempt(() => {
      this.assertOpen();
      this.state = 'running';
      this.arm();
    });
  }

  set(kind: string, key: string, at: number, data?: unknown): Promise<void> {
    return this.change(kind, key, at, data, (timer) => {
      this.drop(this.waiting(timer).concat(this.recurring(timer)));
      this.add(timer);
    });
  }

  wake(kind: string, key: string, at: number, data?: unknown): Promise<void> {
    return this.change(kind, key, at, data, (timer) => {
      const waiting = this.waiting(timer);
      if (waiting.some((record) => record.at <= timer.at)) return;
      this.drop(waiting.filter((record) => !record.rule));
      this.add(timer);
    });
  }

  async every(kind: string, key: string, rule: TimerRule, data?: unknown): Promise<void> {
    const normal = normalizeRule(rule);
    const now = this.clock.now();
    await this.change(kind, key, nextOccurrence(normal, now, now), data, (timer) => {
      const same = this.recurring(timer).find((record) => record.rule && ruleText(record.rule) === ruleText(normal));
      if (same) {
        same.timer = { ...same.timer, data: timer.data };
        return;
      }
      this.drop(this.waiting(timer).concat(this.recurring(timer)));
      this.add(timer, normal);
    });
  }

  cancel(kind: string, key: string): Promise<void> {
    return this.change(kind, key, 0, undefined, (timer) => this.drop(this.named(timer)));
  }

  list(kind?: string): Promise<TimerState[]> {
    return attempt(() => {
      this.assertOpen();
      const wanted = [...this.records].filter((record) => kind === undefined || record.kind === kind);
      return mergeStates(wanted.map(stateOf));
    });
  }

  async stop(graceMs = GRACE_MS): Promise<void> {
    this.state = 'stopped';
    this.disarm();
    const enough = new AbortController();
    const done = Promise.all(this.ringing).finally(() => enough.abort());
    await Promise.race([done, this.clock.sleep(graceMs, enough.signal)]);
  }

  get healthy(): boolean {
    return this.state === 'running';
  }

  onError(listener: TimerErrorListener): () => void {
    return this.failures.listen(listener);
  }

  private change(kind: string, key: string, at: number, data: unknown, edit: (timer: Timer) => void): Promise<void> {
    return attempt(() => {
      this.assertOpen();
      const timer = { kind, key, at: Math.ceil(at), data };
      checkTimer(timer);
      // Kept as JSON would keep it, so that a simulation behaves as the real thing.
      edit({ ...timer, data: data === undefined ? undefined : (JSON.parse(JSON.stringify(data)) as unknown) });
      this.arm();
    });
  }

  private assertOpen(): void {
    if (this.state === 'stopped')
      throw new ConflictError('E_TIMERS_STOPPED', 'These timers are stopped: open them again.');
  }

  private named({ kind, key }: Timer): MemoryTimer[] {
    return [...this.records].filter((record) => record.kind === kind && record.key === key);
  }
  private waiting(timer: Timer): MemoryTimer[] {
    return this.named(timer).filter((record) => !record.ringing);
  }
  private recurring(timer: Timer): MemoryTimer[] {
    return this.named(timer).filter((record) => record.rule);
  }
  private drop(records: readonly MemoryTimer[]): void {
    for (const record of records) this.records.delete(record);
  }
  private add(timer: Timer, rule?: TimerRule): void {
    const { kind, key, at } = timer;
    this.records.add({ kind, key, at, timer, anchor: at, ringing: false, failCount: 0, ...(rule ? { rule } : {}) });
  }

  /** Sets one alarm, for the earliest timer. */
  private arm(): void {
    this.disarm();
    if (this.state !== 'running') return;
    const earliest = Math.min(...[...this.records].map((record) => (record.ringing ? Infinity : record.at)));
    if (earliest === Infinity) return;
    const wait = Math.min(Math.max(0, earliest - this.clock.now()), LONGEST_WAIT_MS);
    this.disarm = this.clock.after(wait, () => this.ringDue());
  }

  private ringDue(): void {
    const now = this.clock.now();
    const due = [...this.records].filter((record) => !record.ringing && record.at <= now).sort((a, b) => a.at - b.at);
    for (const record of due) {
      record.ringing = true;
      const ring = this.ring(record).finally(() => this.ringing.delete(ring));
      this.ringing.add(ring);
    }
    this.arm();
  }

  private async ring(record: MemoryTimer): Promise<void> {
    const timer = record.rule ? { ...record.timer, at: record.at } : record.timer;
    const occurrence = (): number =>
      record.rule ? nextOccurrence(record.rule, Math.max(this.clock.now(), record.at), record.anchor) : Infinity;
    try {
      const handler = this.handlers.get(record.kind);
      if (!handler) throw unknownKind(record.kind);
      await handler(timer, () => Promise.resolve());
      record.failCount = 0;
      delete record.failReason;
      if (record.rule) record.at = occurrence();
      else this.records.delete(record);
    } catch (error) {
      record.failCount++;
      record.failReason = error instanceof Error ? error.message : String(error);
      record.at = Math.min(this.clock.now() + retryDelay(record.failCount, this.settings), occurrence());
      this.failures.handler(error, timer, record.at);
    }
    record.ringing = false;
    this.arm();
  }
}

function stateOf({ kind, key, at, timer, ringing, failCount, failReason, rule }: MemoryTimer): TimerState {
  return {
    kind,
    key,
    at,
    data: timer.data,
    ringing,
    failCount,
    ...(failReason === undefined ? {} : { failReason }),
    ...(rule ? { rule } : {}),
  };
}

/** What `work` gives; what it throws becomes a rejection. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
