/**
 * The worker's pool of persistent connections. Not nodemailer's own pool: that one cannot say whether a message's
 * content had begun to leave, and it takes messages through its MIME composer.
 */
import type { Clock } from '../../clock';
import type { DeliveryResult } from '../types';
import { type Letter, SmtpLink } from './link';
import type { SmtpSettings } from './options';
import { connectionTrouble, messageOutcome, type SmtpFailure } from './outcome';
import { redactor } from './redact';
import type { Slot } from './wire';

/** A letter that the pool is responsible for until it called `done` with its slot. */
export interface Job extends Letter {
  readonly slot: Slot;
}

/** How the pool reports. */
export interface PoolReports {
  /** Content is about to leave. Must be stored before it returns. */
  begun(slot: Slot): void;
  done(slot: Slot, result: DeliveryResult): void;
}

interface QueuedJob extends Job {
  begun: boolean;
  retried: boolean;
}

/** After the server refused a further connection while others work, no new one is tried for this long, ms. */
const HOLD_OFF_MS = 30_000;
/** How long a server may take to answer QUIT, ms. */
const QUIT_MS = 2000;

export class SmtpPool {
  private readonly queue: QueuedJob[] = [];
  private readonly links = new Set<SmtpLink>();
  private readonly leaving = new Set<SmtpLink>();
  private readonly idle: { link: SmtpLink; cancelGoodbye: () => void }[] = [];
  private connecting = 0;
  private holdOffUntil = -Infinity;
  private onDrained: (() => void) | undefined;
  private readonly server: string;
  private readonly redact: (text: string) => string;

  constructor(
    private readonly settings: SmtpSettings,
    private readonly clock: Clock,
    private readonly reports: PoolReports,
  ) {
    this.server = `${settings.host}:${settings.port}`;
    this.redact = redactor(settings);
  }

  /** Queues a job; its result comes through `reports.done`, exactly once. */
  submit(job: Job): void {
    if (this.onDrained) return this.giveBack(job.slot);
    this.queue.push({ ...job, begun: false, retried: false });
    this.pump();
  }

  /** Opens a connection of its own, logs in, and leaves. Calls back with the reason when that fails. */
  verify(done: (reason?: string) => void): void {
    const link = new SmtpLink(this.settings, () => this.left(link));
    this.leaving.add(link);
    link.open((failure) => {
      if (failure) {
        link.close();
        return done(this.redact(connectionTrouble(failure, this.server)));
      }
      this.goodbye(link);
      done();
    });
  }

  /** Gives back what waits, lets what is being sent finish, says goodbye; calls back when all is closed. */
  drain(done: () => void): void {
    this.onDrained = done;
    for (const { slot } of this.queue.splice(0)) this.giveBack(slot);
    for (const { link, cancelGoodbye } of this.idle.splice(0)) {
      cancelGoodbye();
      this.goodbye(link);
    }
    for (const link of [...this.links, ...this.leaving]) if (link.connecting) link.close();
    this.checkDrained();
  }

  private pump(): void {
    while (this.queue.length > 0) {
      const rested = this.idle.pop();
      if (rested) {
        rested.cancelGoodbye();
        if (rested.link.usable) this.start(rested.link);
        continue;
      }
      if (this.links.size >= this.settings.connections || this.connecting >= this.queue.length) return;
      if (this.links.size > 0 && this.clock.monotonic() < this.holdOffUntil) return;
      this.connect();
    }
  }

  private connect(): void {
    const link = new SmtpLink(this.settings, () => this.gone(link));
    this.links.add(link);
    this.connecting += 1;
    link.open((failure) => {
      this.connecting -= 1;
      if (!failure) return this.next(link);
      this.links.delete(link);
      link.close();
      this.couldNotConnect(connectionTrouble(failure, this.server));
    });
  }

  private couldNotConnect(trouble: string): void {
    if (this.links.size > this.connecting) {
      // Others work: the server limits connections. What waits goes over those.
      this.holdOffUntil = this.clock.monotonic() + HOLD_OFF_MS;
    } else if (this.connecting === 0) {
      for (const { slot } of this.queue.splice(0)) {
        this.finish(slot, { status: 'unavailable', reason: trouble });
      }
    }
    this.checkDrained();
  }

  private start(link: SmtpLink): void {
    const job = this.queue.shift();
    if (!job) return;
    const cancelDeadline = this.clock.after(this.settings.messageTimeoutMs, () => {
      link.close(`The server took longer than ${this.settings.messageTimeoutMs} ms over one message`);
    });
    const reused = link.messages > 0;
    const begin = (): void => {
      job.begun = true;
      this.reports.begun(job.slot);
    };
    link.send(job, begin, (failure, answer) => {
      cancelDeadline();
      if (failure) return this.failed(link, job, failure, reused);
      const { response = '', providerId = '' } = answer ?? {};
      this.finish(job.slot, { status: 'sent', providerId, response: this.redact(response) });
      this.next(link);
    });
  }

  private failed(link: SmtpLink, job: QueuedJob, failure: SmtpFailure, reused: boolean): void {
    if (reused && !job.begun && !job.retried && !this.onDrained && sessionHadEnded(failure)) {
      job.retried = true;
      this.queue.unshift(job);
      return this.hangUp(link);
    }
    const result = messageOutcome(failure, job.begun);
    this.finish(job.slot, result);
    const answered = result.status === 'deferred' || result.status === 'rejected';
    if (!answered || failure.responseCode === 421 || !link.usable) return this.hangUp(link);
    link.reset((refused) => {
      if (refused) this.hangUp(link);
      else this.next(link);
    });
  }

  /** The link is free: the next message, a rest, or goodbye. */
  private next(link: SmtpLink): void {
    if (!link.usable) return this.hangUp(link);
    if (this.onDrained || link.messages >= this.settings.maxMessages) {
      this.goodbye(link);
      return this.pump();
    }
    if (this.queue.length > 0) return this.start(link);
    const cancelGoodbye = this.clock.after(this.settings.idleTimeoutMs, () => {
      this.forgetIdle(link);
      this.goodbye(link);
    });
    this.idle.push({ link, cancelGoodbye });
  }

  private goodbye(link: SmtpLink): void {
    this.links.delete(link);
    this.leaving.add(link);
    this.clock.after(QUIT_MS, () => link.close());
    link.quit();
  }

  private hangUp(link: SmtpLink): void {
    this.links.delete(link);
    link.close();
    this.pump();
    this.checkDrained();
  }

  /** The connection ended, by whomever. */
  private gone(link: SmtpLink): void {
    this.forgetIdle(link);
    this.leaving.delete(link);
    if (this.links.delete(link)) this.pump();
    this.checkDrained();
  }

  private left(link: SmtpLink): void {
    this.leaving.delete(link);
    this.checkDrained();
  }

  private forgetIdle(link: SmtpLink): void {
    const at = this.idle.findIndex((rested) => rested.link === link);
    if (at >= 0) this.idle.splice(at, 1)[0]?.cancelGoodbye();
  }

  private checkDrained(): void {
    if (this.onDrained && this.links.size === 0 && this.leaving.size === 0) this.onDrained();
  }

  private giveBack(slot: Slot): void {
    this.finish(slot, { status: 'unavailable', reason: 'The account is closing; nothing was sent.' });
  }

  private finish(slot: Slot, result: DeliveryResult): void {
    this.reports.done(slot, 'reason' in result ? { ...result, reason: this.redact(result.reason) } : result);
  }
}

/**
 * True when a connection that worked before ended before it took this message up: servers drop connections that
 * rested too long, often just as the next command is on its way. Worth one try on a fresh one.
 */
function sessionHadEnded(failure: SmtpFailure): boolean {
  if (failure.response === undefined) return failure.code === 'ECONNECTION' || failure.code === 'ESOCKET';
  return failure.responseCode === 421 && failure.command === 'MAIL FROM';
}
