import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the escalate node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({ name: '', store: '', campaign: '', cause: 'flow', reason: '' }),
];
