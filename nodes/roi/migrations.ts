import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the roi node, oldest first. */
export const migrations: readonly ConfigMigration[] = [withDefaults({ name: '', store: '', cost: '', alsoLow: false })];
