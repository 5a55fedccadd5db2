import { messageOf } from '../errors';
import type { Ledger } from '../ledger';
import type { Scope } from '../store';
import type { Timers } from '../timers';
import type { MarketingHealth } from './types';

/** Whether a tenant's marketing does its work, and if not, what does not. */
export async function healthOf(
  scope: Scope,
  timers: Timers,
  ledger: Ledger,
  working: boolean,
): Promise<MarketingHealth> {
  let database = 'ok';
  try {
    await scope.get(`SELECT id FROM marketing_runtimes WHERE tenant_id = :tenant LIMIT 1`);
  } catch (error) {
    database = messageOf(error);
  }
  const health: MarketingHealth = {
    ok: false,
    database,
    timers: working ? (timers.healthy ? 'ok' : 'down') : 'off',
    ledger: working ? (ledger.open ? 'open' : 'closed') : 'off',
  };
  health.ok = database === 'ok' && health.timers !== 'down' && health.ledger !== 'closed';
  return health;
}
