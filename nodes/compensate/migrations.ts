import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the compensate node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({ name: '', store: '', onFailure: false, onCancel: false, step: '' }),
];
