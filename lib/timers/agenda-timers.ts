import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Agenda, toJobId, type Job, type JobNotification } from 'agenda';
import type { Clock } from '../clock';
import { ConflictError, MarketingError, messageOf } from '../errors';
import type { TimerBackend } from './backend';
import { checkTimer, isEntry, mergeStates, timerId, unknownKind, type Entry } from './book';
import { RingChannel } from './channel';
import type { FailureReport } from './failures';
import { RepositoryGuard } from './guard';
import { DUE_AT, FRESH, TimerLostError, type LeasedJob } from './lease';
import { nextOccurrence, normalizeRule } from './rule';
import { retryDelay } from './settings';
import type { Timer, TimerErrorListener, TimerHandler, TimerRule, Timers, TimerSettings, TimerState } from './types';
import { WakeMemory } from './wake-memory';

/** Grace for running handlers when the caller names none. */
const GRACE_MS = 10_000;

/** What {@link AgendaTimers} is made of besides its backend. */
export interface AgendaTimersParts {
  tenant: string;
  /** Must tell the machine's time: Agenda itself cannot be given a clock. Simulations use {@link ClockTimers}. */
  clock: Clock;
  settings: TimerSettings;
  failures: FailureReport;
}

/** Timers on Agenda: one job name, kind and key inside the job's data. */
export class AgendaTimers implements Timers {
  private readonly handlers = new Map<string, TimerHandler>();
  private readonly ringing = new Set<Promise<void>>();
  private readonly source = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  private readonly guard: RepositoryGuard;
  private readonly channel: RingChannel;
  private readonly agenda: Agenda;
  private readonly memory: WakeMemory;
  private readonly clock: Clock;
  private state: 'open' | 'running' | 'stopping' | 'stopped' = 'open';
  private starting: Promise<void> | undefined;
  private stopped: Promise<void> | undefined;
  private stopWatching: () => void = () => undefined;
  private watching: Promise<void> = Promise.resolve();
  private leaked = 0;
  private revision = 0;

  constructor(
    private readonly backend: TimerBackend,
    private readonly parts: AgendaTimersParts,
  ) {
    const { settings, failures, clock } = parts;
    const failed = (error: unknown): void => {
      if (!(error instanceof TimerLostError)) failures.machinery(error);
    };
    this.clock = clock;
    this.memory = new WakeMemory(clock, backend.shared);
    this.guard = new RepositoryGuard(backend.repository, clock, {
      fenced: backend.fenced,
      failed,
      overdue: () => this.channel.here(this.notification(clock.now())),
      ...(backend.removed ? { removed: backend.removed } : {}),
    });
    this.channel = new RingChannel(this.source, backend.channel);
    this.channel.on('error', failed);
    this.agenda = new Agenda({
      name: this.source,
      backend: {
        name: backend.name,
        repository: this.guard,
        // Connected and checked already: a rejection in here would be nobody's, and start() would hang.
        connect: () => Promise.resolve(),
        disconnect: () => Promise.resolve(),
        ownsConnection: false,
      },
      notificationChannel: this.channel,
      processEvery: settings.pollMs,
      defaultConcurrency: settings.concurrency,
      maxConcurrency: settings.concurrency,
      defaultLockLimit: settings.lockLimit,
      lockLimit: settings.lockLimit,
      defaultLockLifetime: settings.leaseMs,
      removeOnComplete: true,
    });
    this.agenda.on('error', failed);
    this.agenda.on('complete', (job) => this.completed(job));
    this.agenda.define(backend.jobName, (job: Job) => this.track(this.ring(job)));
  }

  on(kind: string, handler: TimerHandler): void {
    if (this.starting) {
      throw new ConflictError('E_TIMERS_STARTED', `The handler for "${kind}" came too late: call on() before start().`);
    }
    this.handlers.set(kind, handler);
  }

  async start(): Promise<void> {
    this.assertOpen();
    this.starting ??= this.begin();
    await this.starting;
  }

  private async begin(): Promise<void> {
    try {
      await this.backend.book.sweep();
      this.guard.admit(true);
      await this.agenda.start();
      this.state = 'running';
      this.watchLater();
    } catch (error) {
      this.guard.admit(false);
      this.starting = undefined;
      throw new MarketingError(
        'E_TIMERS_UNREACHABLE',
        `The timers did not start: ${messageOf(error)}. Check that their database runs, then start again.`,
        { cause: error, retryable: true },
      );
    }
  }

  async set(kind: string, key: string, at: number, data?: unknown): Promise<void> {
    const entry = this.entry('set', { kind, key, at, data });
    await this.change(entry.id, () => this.backend.book.set(entry));
    this.announce(entry.at);
  }

  async wake(kind: string, key: string, at: number, data?: unknown): Promise<void> {
    const { id } = this.entry('wake', { kind, key, at, data });
    await this.memory.wake(id, at, data, async (soonest, its) => {
      const woken = await this.backend.book.wake(this.entry('wake', { kind, key, at: soonest, data: its }));
      if (woken.written) this.announce(woken.at);
      return woken;
    });
  }

  async every(kind: string, key: string, rule: TimerRule, data?: unknown): Promise<void> {
    const normal = normalizeRule(rule);
    const now = this.clock.now();
    const at = nextOccurrence(normal, now, now);
    const entry = { ...this.entry('set', { kind, key, at, data }), rule: normal };
    const written = await this.change(entry.id, () => this.backend.book.every(entry));
    if (written) this.announce(at);
  }

  async cancel(kind: string, key: string): Promise<void> {
    const { id } = this.entry('set', { kind, key, at: 0, data: undefined });
    await this.change(id, () => this.backend.book.cancel(id));
  }

  async list(kind?: string): Promise<TimerState[]> {
    this.assertOpen();
    return mergeStates(await this.backend.book.list(kind));
  }

  stop(graceMs = GRACE_MS): Promise<void> {
    this.stopped ??= this.end(graceMs);
    return this.stopped;
  }

  get healthy(): boolean {
    return this.state === 'running' && this.guard.healthy;
  }

  onError(listener: TimerErrorListener): () => void {
    return this.parts.failures.listen(listener);
  }

  private async end(graceMs: number): Promise<void> {
    // A start that is under way is let through, so that there is one thing to stop.
    await this.starting?.catch(() => undefined);
    this.state = 'stopping';
    this.stopWatching();
    await this.watching;
    this.guard.admit(false);
    try {
      // Gives back what is locked but has not begun; what rings keeps its lease until it is done.
      await this.agenda.stop(false);
    } catch (error) {
      this.parts.failures.machinery(error);
    }
    const enough = new AbortController();
    const done = Promise.all(this.ringing)
      .then(() => this.guard.settled())
      .finally(() => enough.abort());
    await Promise.race([done, this.clock.sleep(graceMs, enough.signal)]);
    this.state = 'stopped';
    await this.backend.close();
  }

  private entry(mode: Entry['mode'], timer: Timer): Entry {
    this.assertOpen();
    checkTimer(timer);
    const { kind, key, data } = timer;
    const id = timerId(this.parts.tenant, kind, key);
    // Two calls within a millisecond must be told apart: the later one decides.
    this.revision = Math.max(this.clock.now(), this.revision + 0.001);
    return { id, kind, key, at: Math.ceil(timer.at), mode, revision: this.revision, data: data ?? null };
  }

  /** Forgets what is known before and after: a wake-up that comes meanwhile must not be believed either. */
  private async change<T>(id: string, write: () => Promise<T>): Promise<T> {
    this.memory.forget(id);
    try {
      return await write();
    } finally {
      this.memory.forget(id);
    }
  }

  private assertOpen(): void {
    if (this.state === 'stopped')
      throw new ConflictError('E_TIMERS_STOPPED', 'These timers are stopped: open them again.');
  }

  private track(work: Promise<void>): Promise<void> {
    const tracked = work.catch(() => undefined).finally(() => this.ringing.delete(tracked));
    this.ringing.add(tracked);
    return work;
  }

  /**
   * One ring. Recurrence and retries are ours: while a handler runs its record has no next time, so that a crash leads
   * to another ring when the lease ends and not only at the next occurrence.
   */
  private async ring(job: Job): Promise<void> {
    const attrs: LeasedJob = job.attrs;
    const entry = attrs.data;
    if (!isEntry(entry)) return;
    // Before the handler reads anything: a wake-up from now on needs another ring.
    this.memory.rang(entry.id);
    if (attrs[FRESH] && !(await this.backend.book.isCurrent(String(attrs._id), entry))) return;
    const due = attrs[DUE_AT] ?? entry.at;
    const timer = { kind: entry.kind, key: entry.key, at: entry.rule ? due : entry.at, data: entry.data ?? undefined };
    const occurrence = (): number =>
      entry.rule ? nextOccurrence(entry.rule, Math.max(this.clock.now(), due), entry.at) : Infinity;
    try {
      await this.handlerOf(timer)(timer, () => this.touch(job));
      if (entry.rule) attrs.nextRunAt = new Date(occurrence());
    } catch (error) {
      const retryAt = this.clock.now() + retryDelay((attrs.failCount ?? 0) + 1, this.parts.settings);
      attrs.nextRunAt = new Date(Math.min(retryAt, occurrence()));
      this.parts.failures.handler(error, timer, attrs.nextRunAt.getTime());
      // Agenda writes the reason and the count; it needs an Error for that.
      throw error instanceof Error ? error : new Error(String(error));
    }
  }

  private handlerOf(timer: Timer): TimerHandler {
    const handler = this.handlers.get(timer.kind);
    if (handler) return handler;
    throw unknownKind(timer.kind);
  }

  private async touch(job: Job): Promise<void> {
    if (job.getCanceledMessage() !== undefined) throw new TimerLostError(false);
    try {
      await job.touch();
    } catch (error) {
      // Set anew or cancelled while it rings: nobody else works on it, so it may go on.
      if (error instanceof TimerLostError && error.gone) return;
      throw error;
    }
  }

  /** Agenda itself locks more only at the next poll. */
  private completed(job: Job): void {
    const next = job.attrs.nextRunAt?.getTime();
    if (next !== undefined) this.announce(next);
    if (this.guard.backlog) this.channel.here(this.notification(this.clock.now()));
  }

  private announce(at: number): void {
    if (this.state === 'running' && at <= this.clock.now() + this.parts.settings.pollMs) {
      void this.channel.publish(this.notification(at));
    }
  }

  private notification(at: number): JobNotification {
    return {
      jobId: toJobId('any'),
      jobName: this.backend.jobName,
      nextRunAt: new Date(at),
      priority: 0,
      timestamp: new Date(this.clock.now()),
      source: this.source,
    };
  }

  private watchLater(): void {
    this.stopWatching = this.clock.after(this.parts.settings.watchMs, () => {
      this.watching = this.watch()
        .catch((error: unknown) => this.parts.failures.machinery(error))
        .then(() => {
          if (this.state === 'running') this.watchLater();
        });
    });
  }

  /** Looks after Agenda: a lock slot that leaked twice in a row is won back by a new job processor. */
  private async watch(): Promise<void> {
    this.memory.prune();
    await this.channel.revive();
    const leaked = this.agenda.isActiveJobProcessor() ? await this.countLeaks() : 0;
    const restart = leaked > 0 && this.leaked > 0;
    this.leaked = restart ? 0 : leaked;
    if (restart) {
      this.guard.admit(false);
      await this.agenda.stop(false);
      this.guard.admit(true);
    }
    // Also when a restart failed before, because the channel to other processes could not be opened again.
    if (!this.agenda.isActiveJobProcessor()) await this.agenda.start();
  }

  private async countLeaks(): Promise<number> {
    const { lockedJobs, runningJobs, queuedJobs } = await this.agenda.getRunningStats();
    return Number(lockedJobs) - Number(runningJobs) - Number(queuedJobs);
  }
}
