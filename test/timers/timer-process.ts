// A process that rings timers, for tests that kill it. Writes one line of JSON per event; ends when its input does.
import { SystemClock } from '../../lib/clock';
import { openStore } from '../../lib/store';
import { openTimers, type Timer, type TimerSettings } from '../../lib/timers';

interface Orders {
  storeUrl: string;
  timersUrl: string | undefined;
  tenant: string;
  settings: Partial<TimerSettings>;
}

async function main(orders: Orders): Promise<void> {
  const clock = new SystemClock();
  const say = (event: string, timer?: Timer): void => {
    process.stdout.write(`${JSON.stringify({ event, key: timer?.key, late: timer && clock.now() - timer.at })}\n`);
  };
  const store = await openStore({ url: orders.storeUrl, clock });
  const timers = await openTimers({
    scope: store.tenant(orders.tenant),
    clock,
    settings: orders.settings,
    ...(orders.timersUrl ? { url: orders.timersUrl } : {}),
  });
  timers.on('test', (timer) => Promise.resolve(say('rang', timer)));
  timers.on('hang', (timer) => {
    say('began', timer);
    return new Promise(() => undefined);
  });
  await timers.start();
  say('started');
  process.stdin.resume().on('end', () => {
    void timers
      .stop(1_000)
      .then(() => store.close())
      .then(() => process.exit(0));
  });
}

void main(JSON.parse(process.argv[2] ?? '{}') as Orders);
