/** What every runtime that is to be killed tells its parent. */
import type { LedgerLog } from '../../../lib/ledger';
import type { Marketing } from '../../../lib/marketing';
import type { RuntimeWord } from './words';

export function tell(word: RuntimeWord): void {
  if (process.connected) process.send?.(word);
}

/** A log that the parent hears. */
export const toldLog: LedgerLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: (text) => tell({ type: 'log', level: 'warn', text }),
  error: (text) => tell({ type: 'log', level: 'error', text }),
};

/** Ends the process in an orderly way when the parent says so, and at once when there is no parent any more. */
export function obey(close: () => Promise<unknown>): void {
  process.on('message', (word) => {
    if (word === 'stop') void close().then(() => process.exit(0));
  });
  process.on('disconnect', () => process.exit(1));
}

/** Says when nobody can go on any more without somebody deciding. */
export function watchProgress(marketing: Marketing): void {
  const look = async (): Promise<void> => {
    const { scope } = marketing;
    const open = await scope.get<{ n: number }>(
      `SELECT COUNT(*) AS n FROM marketing_campaigns WHERE tenant_id = :tenant AND state = 'active' AND expanding_from IS NOT NULL`,
    );
    const busy = await scope.get<{ n: number }>(
      `SELECT COUNT(*) AS n FROM marketing_enrollments e WHERE e.tenant_id = :tenant AND e.state = 'active'
         AND NOT EXISTS (SELECT 1 FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.enrollment_id = e.id
                          AND s.state IN ('unknown', 'failed'))`,
    );
    if (Number(open?.n) + Number(busy?.n) === 0) tell({ type: 'finished' });
  };
  const again = (): void => {
    look()
      .catch((error: unknown) => toldLog.warn(`looking failed: ${String(error)}`))
      .finally(() => setTimeout(again, 150));
  };
  again();
}
