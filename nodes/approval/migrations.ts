import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the approval node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({
    name: '',
    store: '',
    approvers: 'role: approver',
    strategy: 'single',
    quorum: '2/3',
    custom: '',
    timeout: '',
    timeoutUnit: 'hours',
    remind: '',
    remindUnit: 'hours',
    escalate: true,
    step: '',
  }),
];
