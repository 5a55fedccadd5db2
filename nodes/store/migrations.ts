import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the store node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({ name: '', databaseUrl: '', timersUrl: '', tenant: 'default', baseUrl: '', httpPath: '/marketing' }),
];
