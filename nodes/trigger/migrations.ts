import { withDefaults, type ConfigMigration } from '../kit/migrate';

/** What version 2 brought: how often people come in, and what lets them in besides launches and events. */
const RULES = {
  watchSegment: '',
  segmentChange: 'entered',
  atFirst: false,
  threshold: '50',
  direction: 'rises',
  attribute: '',
  every: 'year',
  offsetDays: '0',
  offsetSide: 'after',
  at: '09:00',
  leapDay: 'feb28',
  graceHours: '24',
  contract: '',
  options: '',
  webhookKey: '',
  webhookAuth: 'signature',
  webhookHeader: 'X-Webhook-Secret',
  leadPath: 'lead',
  dataPath: 'data',
  idPath: 'id',
  createLeads: true,
  condition: '',
  delay: '0',
  delayUnit: 'days',
  reentry: 'always',
  pause: '30',
  pauseUnit: 'days',
  pauseSince: 'end',
  frequency: '',
  cooldown: '0',
  cooldownUnit: 'hours',
  cooldownOf: 'lead',
} as const;

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
  {
    version: 2,
    // Whoever came, came in: so it stays for what was saved. An audience that was left over from a launch meant nothing.
    up: (config) => ({
      ...RULES,
      ...config,
      ...(config['mode'] === 'event' ? { audience: 'everybody' } : {}),
    }),
  },
];
