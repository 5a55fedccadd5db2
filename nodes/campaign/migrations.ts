import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the campaign node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({
    name: '',
    store: '',
    action: 'launch',
    campaign: '',
    campaignType: 'str',
    definition: '',
    data: '{}',
    dataType: 'json',
  }),
];
