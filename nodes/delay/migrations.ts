import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the delay node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({
    name: '',
    store: '',
    mode: 'duration',
    amount: '1',
    unit: 'days',
    until: '',
    untilType: 'str',
    onChange: 'keep',
    step: '',
  }),
];
