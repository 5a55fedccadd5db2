import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the goal node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({
    name: '',
    store: '',
    goal: '',
    when: 'always',
    condition: '',
    event: '',
    value: '',
    valueType: 'num',
    convert: true,
    ends: 'no',
  }),
];
