/**
 * The headless Node-RED as users run it, to be killed: the flow of {@link crashFlow} in the built package.
 * Program: gets its {@link RuntimeOrder} as its only argument and tells its parent how it fares.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crashFlow } from './node-red-flow';
import { obey, tell, toldLog, watchProgress } from './telling';
import type { RuntimeOrder } from './words';

async function main(order: RuntimeOrder): Promise<void> {
  const folder = order.folder ?? '';
  const connections = order.connections ?? 5;
  mkdirSync(path.join(folder, 'node-red'), { recursive: true });
  const flows = path.join(folder, 'flow.json');
  writeFileSync(flows, JSON.stringify(crashFlow(order.policy, connections)));

  const { startHost } = require(order.host) as typeof import('../../../lib/runtime/host');
  const { SystemClock } = require(order.clock) as typeof import('../../../lib/clock');
  const host = await startHost({
    clock: new SystemClock(),
    log: toldLog,
    flows,
    userDir: path.join(folder, 'node-red'),
    port: 0,
    databaseUrl: order.database,
    environment: { CRASH_SMTP_HOST: '127.0.0.1', CRASH_SMTP_PORT: String(order.smtpPort) },
  });
  await host.whenReady(60_000);
  const [marketing] = host.stores.open();
  if (!marketing) throw new Error('The flow has no open store.');
  const capacity = [...host.stores.accounts().values()].reduce((sum, account) => sum + account.capacity, 0);
  tell({ type: 'ready', inFlightBound: 2 * capacity });
  watchProgress(marketing);
  obey(() => host.stop());
}

void main(JSON.parse(process.argv[2] ?? '{}') as RuntimeOrder);
