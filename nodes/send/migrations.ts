import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** Configurations of the send node, oldest first. */
export const migrations: readonly ConfigMigration[] = [
  withDefaults({
    name: '',
    store: '',
    account: '',
    subject: '',
    html: '',
    text: '',
    from: '',
    fromName: '',
    replyTo: '',
    method: 'POST',
    url: '',
    headers: [],
    payload: '',
    onUnknown: '',
    maxAttempts: '5',
    step: '',
  }),
  {
    version: 2,
    // Until then every node had words of its own.
    up: (config) => ({
      ...config,
      contentFrom: config['contentFrom'] ?? 'inline',
      template: config['template'] ?? '',
    }),
  },
];
