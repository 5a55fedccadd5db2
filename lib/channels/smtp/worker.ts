/** Entry of the worker thread: sockets, TLS and SMTP stay here, so the main thread's event loop never waits. */
import { parentPort, workerData } from 'node:worker_threads';
import { SystemClock } from '../../clock';
import type { DeliveryResult } from '../types';
import { SmtpPool } from './pool';
import { BEGUN, type FromWorker, type Slot, type ToWorker, unpackGroup, type WorkerStart } from './wire';

function serve(port: NonNullable<typeof parentPort>, start: WorkerStart): void {
  const flags = new Int32Array(start.flags);
  let slots: Slot[] = [];
  let results: DeliveryResult[] = [];

  const post = (message: FromWorker): void => port.postMessage(message);
  const flush = (): void => {
    if (slots.length === 0) return;
    post({ kind: 'results', slots, results });
    slots = [];
    results = [];
  };

  const pool = new SmtpPool(start.settings, new SystemClock(), {
    begun: (slot) => Atomics.store(flags, slot, BEGUN),
    done: (slot, result) => {
      if (slots.length === 0) setImmediate(flush);
      slots.push(slot);
      results.push(result);
    },
  });

  port.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'send':
        for (const job of unpackGroup(message)) pool.submit(job);
        return;
      case 'verify':
        return pool.verify((reason) =>
          post({ kind: 'verified', id: message.id, ...(reason === undefined ? {} : { reason }) }),
        );
      case 'drain':
        return pool.drain(() => {
          flush();
          post({ kind: 'drained' });
        });
    }
  });
}

if (parentPort) serve(parentPort, workerData as WorkerStart);
