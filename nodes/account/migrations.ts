import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the account node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({
    name: '',
    channel: 'smtp',
    host: '',
    port: '587',
    security: 'starttls',
    user: '',
    fromName: '',
    fromAddress: '',
    replyTo: '',
    connections: '5',
    rate: '0',
    ratePer: 'second',
    allowPrivate: false,
    timeoutSeconds: '10',
    url: '',
    authHeader: 'Authorization',
  }),
];
