import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Scope } from '../store';
import { unknownOwners } from './sql/audit';
import { announceRuntime, listRuntimes, renewRuntime, stopRuntime } from './sql/runtimes';

/** Runtimes of this very process, so that a former life under the same process id is told from a present one. */
const alive = new Set<string>();

/**
 * Names the machine *and* its process-id space: two containers may share a host name, and a process id means nothing
 * across them. Where the kernel does not tell, the host name has to do.
 */
function machine(): string {
  let space = '';
  try {
    space = `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    // Not Linux: process ids are then shared by everything on this host.
  }
  return `${hostname()}/${space}`.slice(0, 191);
}

function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A runtime that is gone. `force` when that is known for certain, before its lease has run out. */
export interface Departed {
  id: string;
  force: boolean;
}

/**
 * This runtime's lease on everything it holds. Rows name its `owner`; the lease itself is one row, renewed now and
 * then, so that holding a hundred steps costs no more than holding one.
 */
export class RuntimeLease {
  private id = '';
  private renewing: Promise<boolean> | undefined;
  private readonly host = machine();

  constructor(
    private readonly scope: Scope,
    /** How long the lease lasts without being renewed, ms. */
    readonly leaseMs: number,
  ) {}

  /** The fencing name that leased rows carry. Changes when the lease was lost. */
  get owner(): string {
    return this.id;
  }

  /** Takes a new lease. */
  async announce(): Promise<void> {
    const id = randomUUID();
    await announceRuntime(this.scope, { id, host: this.host, pid: process.pid, leaseMs: this.leaseMs });
    alive.delete(this.id);
    alive.add(id);
    this.id = id;
  }

  /** Renews the lease; when it had run out, takes a new one and returns false: what was held is held no longer. */
  renew(): Promise<boolean> {
    this.renewing ??= this.renewOnce().finally(() => {
      this.renewing = undefined;
    });
    return this.renewing;
  }

  private async renewOnce(): Promise<boolean> {
    if (await renewRuntime(this.scope, this.id, this.leaseMs)) return true;
    await this.announce();
    return false;
  }

  /** Runtimes of this tenant that are gone: stopped, expired, or dead processes of this machine. */
  async departed(): Promise<Departed[]> {
    const runtimes = await listRuntimes(this.scope);
    return runtimes.flatMap((runtime): Departed[] => {
      if (runtime.id === this.id || alive.has(runtime.id)) return [];
      if (runtime.expired) return [{ id: runtime.id, force: false }];
      const here = runtime.host === this.host && this.host.includes('/');
      const dead = here && (runtime.pid === process.pid || !processLives(runtime.pid));
      return dead ? [{ id: runtime.id, force: true }] : [];
    });
  }

  /** Gives names that hold people, and that no runtime has, over to {@link departed}. */
  async bury(): Promise<void> {
    for (const id of await unknownOwners(this.scope)) {
      if (alive.has(id)) continue;
      await announceRuntime(this.scope, { id, host: '', pid: 0, leaseMs: 0 });
      await stopRuntime(this.scope, id);
    }
  }

  /** Gives the lease up: others may take what is left at once. */
  async stop(): Promise<void> {
    const id = this.id;
    await stopRuntime(this.scope, id);
    alive.delete(id);
  }
}
