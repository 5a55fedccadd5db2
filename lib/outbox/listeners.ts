import type { Scope } from '../store';
import { matches } from './patterns';
import type { Announced, AnnouncementType, Listener } from './types';

/** Who listens in this process, per open database and tenant. */
const known = new WeakMap<object, Map<string, Listeners>>();

/** The listeners of a scope's tenant. */
export function listenersOf({ database, tenant }: Scope): Listeners {
  const tenants = known.get(database) ?? new Map<string, Listeners>();
  known.set(database, tenants);
  const listeners = tenants.get(tenant) ?? new Listeners();
  tenants.set(tenant, listeners);
  return listeners;
}

/** Listeners of one tenant in this process. Safe: none can hurt another, or the work that announces. */
export class Listeners {
  private readonly entries = new Set<{ patterns: readonly string[]; listener: Listener }>();
  private readonly hurry = new Set<() => void>();
  private readonly troubled = new Set<(error: unknown) => void>();

  /** Hears everything whose type one of the patterns names; the returned function ends it. */
  on(patterns: readonly string[], listener: Listener): () => void {
    const entry = { patterns, listener };
    this.entries.add(entry);
    return () => void this.entries.delete(entry);
  }

  /** Is told, after their commit, that there are new deliveries; the returned function ends it. */
  onDelivery(hurry: () => void): () => void {
    this.hurry.add(hurry);
    return () => void this.hurry.delete(hurry);
  }

  /** Is told what a listener threw; the returned function ends it. */
  onError(tell: (error: unknown) => void): () => void {
    this.troubled.add(tell);
    return () => void this.troubled.delete(tell);
  }

  wants(type: AnnouncementType): boolean {
    return [...this.entries].some(({ patterns }) => matches(patterns, type));
  }

  tell(announced: readonly Announced[]): void {
    for (const one of announced) {
      for (const { patterns, listener } of this.entries) {
        if (!matches(patterns, one.type)) continue;
        void Promise.resolve()
          .then(() => listener(one))
          .catch((error: unknown) => {
            for (const tellOf of this.troubled) tellOf(error);
          });
      }
    }
  }

  delivered(): void {
    for (const one of this.hurry) one();
  }
}
