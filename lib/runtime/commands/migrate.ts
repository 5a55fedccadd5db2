import { openStore } from '../../store';
import { UsageError, type Command } from '../command';

/** Brings the schema up to date, takes the last step back, or frees the lock of a migration that was killed. */
export const migrate: Command = {
  name: 'migrate',
  summary: 'bring the database schema up to date',
  usage: '[--rollback | --unlock]',
  details: `Runs the migrations that are missing. The runtime does this by itself when it starts.

  --rollback   take the newest migration back, with the data that only it had room for
  --unlock     free the lock that a killed migration left behind`,
  examples: ['nexus-marketing migrate', 'nexus-marketing migrate --database postgres://app@db/marketing --json'],
  options: { rollback: { type: 'boolean' }, unlock: { type: 'boolean' } },
  async run(context) {
    if (context.flag('rollback') && context.flag('unlock')) throw new UsageError('Give either --rollback or --unlock.');
    const store = await openStore({ url: context.databaseUrl, clock: context.clock });
    try {
      if (context.flag('unlock')) {
        await store.system.run('UPDATE marketing_migrations_lock SET is_locked = 0');
        return { data: { unlocked: true }, lines: ['The migration lock is free.'] };
      }
      if (context.flag('rollback')) {
        const rolledBack = await store.rollback();
        return {
          data: { rolledBack: rolledBack ?? null },
          lines: [rolledBack === undefined ? 'There is nothing to take back.' : `Took back ${rolledBack}.`],
        };
      }
      const ran = await store.migrate();
      return {
        data: { database: store.url, ran },
        lines: ran.length === 0 ? [`${store.url} is up to date.`] : ran.map((name) => `Ran ${name}.`),
      };
    } finally {
      await store.close();
    }
  },
};
