/** A dispatcher in a process of its own, to be killed. Argument: the database's URL. */
import { Dispatcher } from '../../../lib/outbox';
import { SystemClock } from '../../../lib/clock';
import { openStore } from '../../../lib/store';

async function main(url: string): Promise<void> {
  const store = await openStore({ url, clock: new SystemClock() });
  const warn = (text: string): void =>
    void process.stderr.write(`${text}
`);
  new Dispatcher(store.tenant('acme'), { allowPrivate: true, log: { warn } }).start();
  process.on('disconnect', () => process.exit(0));
}

main(process.argv[2] ?? '').catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
