import assert from 'node:assert/strict';
import { openMarketing } from '../../lib';
import { runHere, scratchFolder, type Outcome } from './kit';

describe('the command line of scores', function () {
  this.timeout(60_000);
  const folder = scratchFolder();
  const run = (...args: string[]): Promise<Outcome> =>
    runHere(['score', ...args, '--database', `sqlite:${folder.path('data.sqlite')}`]);
  const done = async (...args: string[]): Promise<Outcome> => {
    const outcome = await run(...args);
    assert.equal(outcome.code, 0, outcome.stderr);
    return outcome;
  };

  it('adds, changes and removes rules, explains a score and counts again', async () => {
    assert.match((await done('rules')).stdout, /^There are no score rules\./);
    await done('add', 'opened', '{"event": "email_opened", "points": 5, "cap": {"points": 20, "per": "day"}}');
    const marketing = await openMarketing({
      database: { url: `sqlite:${folder.path('data.sqlite')}` },
      work: false,
    });
    try {
      const lead = await marketing.leads.upsert({ email: 'ada@example.org', score: 1 });
      assert.ok(lead.outcome !== 'rejected');
      await marketing.leads.engage([{ leadId: lead.id, type: 'email_opened' }]);
      const explained = await done('explain', 'ada@example.org');
      assert.match(explained.stdout, /has the score 6: 1 that somebody set/);
      assert.match(explained.stdout, /opened +email_opened +5 +5/);
      await done('change', 'opened', '{"points": 8}', '--recount');
      assert.match((await done('rules')).stdout, /opened +email_opened +8 +20 per day +active, being counted again/);
      assert.match((await done('recount', '--now')).stdout, /^1 scores moved\./);
      assert.equal((await marketing.leads.require(lead.id)).score, 9);
      const versions = (await done('versions', 'opened', '--json')).json() as { version: number }[];
      assert.deepEqual(
        versions.map(({ version }) => version),
        [2, 1],
      );
      await done('remove', 'opened');
      assert.match((await done('rules')).stdout, /^There are no score rules\./);
    } finally {
      await marketing.close();
    }
  });

  it('says what is wrong', async () => {
    assert.equal((await run('dance')).code, 2);
    assert.match((await run('add', 'x', '{')).stderr, /no JSON/);
    assert.match((await run('add', 'x', '{"event": "a", "points": 0}')).stderr, /points must be a whole number/);
    assert.match((await run('explain', 'nobody@example.org')).stderr, /There is no lead/);
  });
});
