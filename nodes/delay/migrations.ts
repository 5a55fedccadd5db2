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
  {
    // Modes by the person's clock and calendar, waiting until something happens, quiet hours. What was there stays as it was.
    version: 2,
    up: (config) => ({
      attribute: '',
      direction: 'after',
      shift: '0',
      shiftUnit: 'days',
      missing: 'continue',
      time: '09:00',
      weekdays: '1,2,3,4,5',
      event: '',
      eventCondition: '',
      since: 'entry',
      ownCampaign: false,
      condition: '',
      segment: '',
      timeout: '4',
      timeoutUnit: 'hours',
      hold: 'none',
      quietFrom: '22:00',
      quietTo: '08:00',
      weekends: false,
      holidays: '',
      releaseMinutes: '30',
      outputs: 1,
      ...config,
    }),
  },
];
