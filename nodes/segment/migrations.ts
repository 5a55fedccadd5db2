import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the segment node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({ name: '', store: '', mode: 'saved', segment: '', condition: '' }),
];
