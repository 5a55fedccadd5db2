/** Runtimes in processes of their own, which can be killed. Only processes that were started here are ever signalled. */
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { builtModule, libModule, LOADER } from './source';
import type { RuntimeOrder, RuntimeWord } from './words';

type Order = Omit<RuntimeOrder, 'marketing' | 'channels' | 'clock' | 'host'>;

/** `plain`: stations put together in the program. `node-red`: a headless Node-RED with a flow. */
export type RuntimeKind = 'plain' | 'node-red';

/** A runtime in another process. */
export class Child {
  readonly words: RuntimeWord[] = [];
  readonly startedAt = performance.now();
  private readonly child: ChildProcess;
  private listeners = new Set<() => void>();
  private ended = false;
  readonly exited: Promise<void>;

  constructor(order: Order, kind: RuntimeKind = 'plain') {
    const full: RuntimeOrder = {
      ...order,
      marketing: libModule(path.join('marketing', 'index')),
      channels: libModule(path.join('channels', 'index')),
      // Node-RED loads the built nodes, which use the built library.
      ...(kind === 'plain'
        ? { clock: libModule('clock'), host: '' }
        : { clock: builtModule('clock'), host: builtModule(path.join('runtime', 'host')) }),
    };
    const program = kind === 'plain' ? 'runtime.ts' : 'node-red-runtime.ts';
    this.child = fork(path.join(__dirname, program), [JSON.stringify(full)], {
      execArgv: LOADER,
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.child.on('message', (word: RuntimeWord) => {
      this.words.push(word);
      this.tick();
    });
    this.exited = new Promise((resolve) =>
      this.child.once('exit', () => {
        this.ended = true;
        this.tick();
        resolve();
      }),
    );
  }

  get running(): boolean {
    return !this.ended;
  }
  get pid(): number {
    return this.child.pid ?? 0;
  }
  get inFlightBound(): number | undefined {
    for (const word of this.words) if (word.type === 'ready') return word.inFlightBound;
    return undefined;
  }

  said(type: RuntimeWord['type']): boolean {
    return this.words.some((word) => word.type === type);
  }

  /** What it logged, at this level. */
  logged(level: 'warn' | 'error'): string[] {
    return this.words.flatMap((word) => (word.type === 'log' && word.level === level ? [word.text] : []));
  }

  /** Resolves with the first word that matches. @throws when the process ends before, or after `withinMs` */
  async hear<W extends RuntimeWord>(match: (word: RuntimeWord) => word is W, withinMs?: number): Promise<W>;
  async hear(match: (word: RuntimeWord) => boolean, withinMs?: number): Promise<RuntimeWord>;
  async hear(match: (word: RuntimeWord) => boolean, withinMs = 60_000): Promise<RuntimeWord> {
    let found: RuntimeWord | undefined;
    await this.until(() => (found = this.words.find(match)) !== undefined, withinMs);
    return found as RuntimeWord;
  }

  /** Resolves when, from now on, it finds that nobody is under way any more. What it found before may be of another time. */
  async finished(withinMs?: number): Promise<void> {
    const before = this.words.length;
    await this.until(() => this.words.slice(before).some(({ type }) => type === 'finished'), withinMs);
  }

  /** Resolves when `done` is true; looks whenever the process says something, and every few milliseconds. */
  async until(done: () => boolean, withinMs = 60_000): Promise<void> {
    const start = performance.now();
    while (!done()) {
      if (this.ended) throw new Error(`The runtime ended by itself. It last said: ${this.last()}`);
      if (performance.now() - start > withinMs)
        throw new Error(`The runtime did not get there within ${withinMs} ms. It last said: ${this.last()}`);
      await this.change(5);
    }
  }

  /** `kill -9`; resolves when it is gone. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** Stands still, as under a debugger or a paused virtual machine. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }
  thaw(): void {
    this.child.kill('SIGCONT');
  }

  /** Ends in an orderly way. */
  async stop(): Promise<void> {
    if (this.ended) return;
    if (this.child.connected) this.child.send('stop');
    const late = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
    await this.exited;
    clearTimeout(late);
  }

  private change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.listeners.delete(go);
        resolve();
      };
      const timer = setTimeout(go, ms);
      this.listeners.add(go);
    });
  }

  private tick(): void {
    for (const listener of [...this.listeners]) listener();
  }

  private last(): string {
    return JSON.stringify(this.words.slice(-3));
  }
}
