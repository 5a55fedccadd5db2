import type { Clock } from '../clock';
import type { Log } from './log';
import { within } from './within';

/** What is stopped when the process is asked to end. */
export interface Stoppable {
  /** True when everything ended in time. */
  stop(): Promise<boolean>;
}

/** How {@link runUntilStopped} ends the process; replaced in tests. */
export interface ProcessEnd {
  readonly clock: Clock;
  readonly log: Log;
  exit(code: number): void;
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** After a crash nothing can be trusted for long: the drain is short. */
const CRASH_DRAIN_MS = 10_000;

/**
 * Runs until SIGTERM, SIGINT or a crash: then drains and resolves with the exit code (0; 1 after an uncaught exception, which
 * is logged and never swallowed). A second signal ends the process at once.
 */
export function runUntilStopped(target: Stoppable, { clock, log, exit }: ProcessEnd): Promise<number> {
  return new Promise((resolve) => {
    let ending = false;
    const finish = (code: number): void => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      process.off('uncaughtException', onCrash);
      process.off('unhandledRejection', onCrash);
      resolve(code);
    };
    const onSignal = (signal: NodeJS.Signals): void => {
      if (ending) return exit(130);
      ending = true;
      log.info(`${signal}: stopping; a second signal ends at once.`);
      void target.stop().then(
        () => finish(0),
        (error: unknown) => {
          log.error(`Stopping failed: ${describe(error)}`);
          finish(1);
        },
      );
    };
    const onCrash = (error: unknown): void => {
      log.error(`Uncaught: ${describe(error)}`);
      if (ending) return;
      ending = true;
      process.exitCode = 1;
      void within(target.stop(), CRASH_DRAIN_MS, clock).then(() => finish(1));
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.on('uncaughtException', onCrash);
    process.on('unhandledRejection', onCrash);
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
