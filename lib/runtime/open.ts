import { openMarketing, type Marketing } from '..';
import type { Clock } from '../clock';
import type { Log } from './log';

/** Opens the marketing data for a command when it is asked for, and closes it at its end. */
export interface Opener {
  open(): Promise<Marketing>;
  close(): Promise<void>;
}

/** For commands: rows are read and changed, nobody's message is sent and no timer is rung by this process. */
export function createOpener(options: { databaseUrl: string; tenant: string; clock: Clock; log: Log }): Opener {
  let opened: Promise<Marketing> | undefined;
  return {
    open() {
      return (opened ??= openMarketing({
        database: { url: options.databaseUrl },
        tenant: options.tenant,
        clock: options.clock,
        logger: options.log,
        work: false,
      }));
    },
    async close() {
      const marketing = await opened?.catch(() => undefined);
      await marketing?.close();
    },
  };
}
