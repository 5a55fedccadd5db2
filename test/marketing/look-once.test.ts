import assert from 'node:assert/strict';
import { openMarketing, type Marketing } from '../../lib';
import { SqliteConnection } from '../../lib/store/sqlite';
import { eachDatabase } from '../kit/databases';

const OF_REACTIONS = /marketing_(?:waits|conversion_events|score_rules|experiments|exposures)/;

eachDatabase((db) => {
  // What is counted are statements, and they are the same everywhere.
  if (db.name !== 'sqlite') return;
  describe('an event of a tenant that uses no waits, scores, conversions and experiments', () => {
    let marketing: Marketing;
    const original = SqliteConnection.prototype.exec;
    const asked: string[] = [];

    before(async () => {
      await (await db.open()).close();
      marketing = await openMarketing({ database: { url: db.url() }, tenant: 'acme', work: false });
      await marketing.leads.upsert({ email: 'ada@example.org' });
      SqliteConnection.prototype.exec = function count(text, values) {
        if (OF_REACTIONS.test(text)) asked.push(text);
        return original.call(this, text, values);
      };
    });
    after(async () => {
      SqliteConnection.prototype.exec = original;
      await marketing.close();
    });
    beforeEach(() => asked.splice(0));

    const does = (type: string): Promise<unknown> => marketing.events.record({ type, lead: 'ada@example.org' });

    it('costs one look for all of them', async () => {
      await does('browsed');
      assert.equal(asked.length, 1, asked.join('\n'));
    });

    it('is looked at by those that are used, from the next event on', async () => {
      const rule = { key: 'buys', name: 'Buys', on: 'event', event: 'bought', points: 5 } as const;
      await marketing.scoring.rules.create(rule);
      asked.splice(0);
      await does('bought');
      assert.equal((await marketing.leads.get({ email: 'ada@example.org' }))?.score, 5);
      const looks = asked.filter((text) => !text.includes('CASE WHEN EXISTS'));
      assert.deepEqual(
        looks.filter((text) => /conversion_events|experiments|exposures/.test(text)),
        [],
      );
    });
  });
});
