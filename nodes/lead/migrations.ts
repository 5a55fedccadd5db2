import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the lead node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({ name: '', store: '', action: 'upsert', event: '', property: 'payload', propertyType: 'msg' }),
];
