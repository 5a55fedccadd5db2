import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the join node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({ name: '', store: '', amount: '7', unit: 'days', step: '' }),
];
