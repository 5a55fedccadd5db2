import type { JobParameters, JobRepository, NotificationChannel } from 'agenda';
import { MarketingError, messageOf } from '../errors';
import type { Clock } from '../clock';
import type { Scope } from '../store/types';
import type { TimerBook } from './book';
import { StoreBook } from './store-book';
import { StoreRepository } from './store-repository';

/** A connected place to keep timers: what {@link AgendaTimers} needs of it. */
export interface TimerBackend {
  readonly name: string;
  /** The one job name that Agenda knows; tenants that share a backend have one each. */
  readonly jobName: string;
  readonly repository: JobRepository;
  readonly book: TimerBook;
  /** Hears of timers that other processes set; without it they are found by polling. */
  readonly channel?: NotificationChannel;
  /** True when other machines may ring these timers too. */
  readonly shared: boolean;
  /** See {@link GuardOptions}. */
  readonly fenced: boolean;
  readonly removed?: (job: JobParameters) => Promise<void>;
  /** Ends the connections that were opened for it. */
  close(): Promise<void>;
}

/** What opening a backend needs. */
export interface BackendContext {
  readonly tenant: string;
  readonly clock: Clock;
  /** Time to answer, milliseconds. */
  readonly connectMs: number;
  /** Told of connections that break later. */
  readonly failed: (error: unknown) => void;
}

/**
 * Timers in the store's own database, table `marketing_timers`. A timer that another process sets is found by polling,
 * one second later at most: LISTEN/NOTIFY would need a connection of its own, which the store's door does not hand out.
 * @throws MarketingError `E_TIMERS_UNREACHABLE`
 */
export async function openStoreBackend(scope: Scope): Promise<TimerBackend> {
  const jobName = 'marketing';
  const repository = new StoreRepository(scope);
  try {
    await repository.connect();
  } catch (error) {
    throw new MarketingError(
      'E_TIMERS_UNREACHABLE',
      `The timers cannot be read from the store: ${messageOf(error)}. Check that its database runs and is migrated.`,
      { cause: error, retryable: true },
    );
  }
  return {
    name: `store (${scope.dialect.name})`,
    jobName,
    repository,
    book: new StoreBook(scope, jobName),
    shared: scope.dialect.shared,
    fenced: true,
    close: () => Promise.resolve(),
  };
}
