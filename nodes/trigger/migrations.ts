import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the trigger node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({
    name: '',
    store: '',
    mode: 'launch',
    audience: 'everybody',
    segment: '',
    event: '',
    unknownPolicy: 'hold',
    definition: '',
    step: '',
  }),
];
