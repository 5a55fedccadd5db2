import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the event node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({ name: '', store: '', events: 'marketing.campaign.*', durable: true, step: '' }),
];
