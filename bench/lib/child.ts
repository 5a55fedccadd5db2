/**
 * Child processes of the benches: each side of a comparison runs in a process of its own, started fresh for each round, so that
 * neither inherits the other's warm caches, garbage or memory peak.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import path from 'node:path';
import { root } from './product';

/** What a child can be asked: name → what it takes and gives. */
export type Questions = Readonly<Record<string, (argument: never) => unknown>>;

type Argument<Q extends Questions, K extends keyof Q> = Parameters<Q[K]>[0];
type Result<Q extends Questions, K extends keyof Q> = Awaited<ReturnType<Q[K]>>;

interface Request {
  id: number;
  ask: string;
  argument: unknown;
}
interface Reply {
  id: number;
  result?: unknown;
  error?: string;
}

/** Processor time and memory of a process since it started. */
export interface Usage {
  /** Largest resident set so far, bytes. */
  readonly peakRss: number;
  /** What the main thread's memory consisted of, each the largest that was seen: V8's heap, and buffers outside of it; bytes. */
  readonly peakHeap: number;
  readonly peakBuffers: number;
  /** Processor seconds of all threads together. */
  readonly cpuSeconds: number;
  /** Processor seconds of the main thread, where this Node can say. */
  readonly mainThreadCpuSeconds?: number;
}

/** A running child. */
export interface Child<Q extends Questions> {
  readonly pid: number;
  /** Rejects with the child's error, or when the child ends. */
  ask<K extends keyof Q & string>(name: K, argument: Argument<Q, K>): Promise<Result<Q, K>>;
  usage(): Promise<Usage>;
  stop(): Promise<void>;
}

const STOP_MS = 20_000;

/** Starts a module of `bench/processes` in a child process. */
export function startChild<Q extends Questions>(script: string, environment: NodeJS.ProcessEnv = {}): Child<Q> {
  const file = path.join(root, 'bench', 'processes', `${script}.ts`);
  const child = fork(file, [], {
    cwd: root,
    execArgv: ['--require', path.join(root, 'tools', 'ts.cjs')],
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const asked = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  let next = 1;
  child.on('message', ({ id, result, error }: Reply) => {
    const caller = asked.get(id);
    asked.delete(id);
    if (error === undefined) caller?.resolve(result as never);
    else caller?.reject(new Error(`${script}: ${error}`));
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of asked.values())
      reject(new Error(`${script} ended (${signal ?? code}) before it answered`));
    asked.clear();
  });
  const ask = <Answer>(name: string, argument: unknown): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (!child.connected) return reject(new Error(`${script} has ended`));
      const id = next++;
      asked.set(id, { resolve: resolve, reject });
      child.send({ id, ask: name, argument } satisfies Request);
    });
  return {
    pid: child.pid ?? 0,
    ask,
    usage: () => ask<Usage>('usage', undefined),
    stop: () => stopChild(child),
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  if (child.connected) child.disconnect();
  await gone;
  clearTimeout(timer);
}

/** The child's side: answers questions until the parent lets go; then runs `close` and exits. */
export function answerParent<Q extends Questions>(
  answers: Q,
  close: () => Promise<void> = () => Promise.resolve(),
): void {
  const all: Readonly<Record<string, (argument: never) => unknown>> = { ...answers, usage };
  setInterval(lookAtMemory, MEMORY_EVERY_MS).unref();
  process.on('message', ({ id, ask, argument }: Request) => {
    void (async () => {
      try {
        const answer = all[ask];
        if (!answer) throw new Error(`Nobody answers "${ask}".`);
        process.send?.({ id, result: await answer(argument as never) } satisfies Reply);
      } catch (error) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        if (process.connected) process.send?.({ id, error: text } satisfies Reply);
      }
    })();
  });
  process.on('disconnect', () => {
    void close().finally(() => process.exit(0));
  });
}

const MEMORY_EVERY_MS = 250;
let peakHeap = 0;
let peakBuffers = 0;

function lookAtMemory(): void {
  const { heapTotal, external } = process.memoryUsage();
  peakHeap = Math.max(peakHeap, heapTotal);
  peakBuffers = Math.max(peakBuffers, external);
}

function usage(): Usage {
  lookAtMemory();
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const main = typeof process.threadCpuUsage === 'function' ? process.threadCpuUsage() : undefined;
  return {
    peakRss: maxRSS * 1024,
    peakHeap,
    peakBuffers,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    ...(main ? { mainThreadCpuSeconds: (main.user + main.system) / 1e6 } : {}),
  };
}

/** Milliseconds on a clock that all processes of this machine share (CLOCK_MONOTONIC). */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What share of the time since `from` the event loop was busy, 0 to 1. */
export function loopBusy(from: ReturnType<typeof performance.eventLoopUtilization>): number {
  return performance.eventLoopUtilization(from).utilization;
}
