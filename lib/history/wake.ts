import type { Scope } from '../store';

/** Whoever seals in this process, per open database and tenant. */
const sealers = new WeakMap<object, Map<string, () => void>>();

/** From now on, `wake` is called after every commit that wrote history; the returned function ends it. */
export function onHistory({ database, tenant }: Scope, wake: () => void): () => void {
  const tenants = sealers.get(database) ?? new Map<string, () => void>();
  sealers.set(database, tenants);
  tenants.set(tenant, wake);
  return () => {
    if (tenants.get(tenant) === wake) tenants.delete(tenant);
  };
}

/** Tells the sealer, after the commit, that there is something to seal. */
export function wantsSealing(tx: Scope): void {
  tx.afterCommit(() => sealers.get(tx.database)?.get(tx.tenant)?.());
}
