import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the consent node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({
    name: '',
    store: '',
    channel: 'email',
    checkSuppression: true,
    checkOptOut: true,
    requireConsent: 'eu',
    unknownCountry: 'block',
  }),
  { version: 2, up: (config) => ({ checkFrequency: false, ...config }) },
];
