import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the score node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({ name: '', store: '', action: 'add', amount: '10', amountType: 'num', expires: '', event: '' }),
];
