import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { isCompiled } from './product';
import { mebibytes, significant } from './statistics';

/** Where and under which load a figure was measured. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryMiB: number;
  readonly node: string;
  /** Load average of the last minute when the bench began; above 0 before anything ran, others worked as well. */
  readonly loadBefore: number;
  readonly product: 'dist' | 'sources';
}

/** Looks at the machine; call it before the bench begins. */
export function machine(): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryMiB: mebibytes(totalmem()),
    node: process.version,
    loadBefore: significant(loadavg()[0] ?? 0),
    product: isCompiled ? 'dist' : 'sources',
  };
}
