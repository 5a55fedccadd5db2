import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the split node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({
    name: '',
    store: '',
    experiment: '',
    variants: [
      { key: 'A', name: 'A', share: 50 },
      { key: 'B', name: 'B', share: 50 },
    ],
    control: false,
    controlShare: '10',
    metric: 'click',
    mode: 'test',
    rule: 'always_valid',
    threshold: '95',
    autoWinner: true,
    minSample: '1000',
    baseline: '',
    lift: '10',
    windowDays: '7',
    conversion: '',
    outputs: 2,
  }),
];
