import assert from 'node:assert/strict';
import { openMarketing } from '../../lib';
import { runHere, scratchFolder, type Outcome } from './kit';

describe('the command line of experiments', function () {
  this.timeout(60_000);
  const folder = scratchFolder();
  const database = (): string => `sqlite:${folder.path('data.sqlite')}`;
  const done = async (...args: string[]): Promise<Outcome> => {
    const outcome = await runHere(['experiment', ...args, '--database', database()]);
    assert.equal(outcome.code, 0, outcome.stderr);
    return outcome;
  };

  it('lists, shows, allocates and decides; sets the control group', async () => {
    const marketing = await openMarketing({ database: { url: database() }, work: false });
    let id: number;
    try {
      await marketing.documents.save({ id: 'sales', stages: ['plan', 'active', 'closed'] });
      const campaign = await marketing.campaigns.create({ name: 'Spring', definition: 'sales' });
      await marketing.experiments.split(
        Array.from({ length: 200 }, (_, at) => ({ campaign: campaign.id, lead: at + 1 })),
        { key: 'sales/split', variants: ['A', 'B'].map((key) => ({ key, name: key, share: 50 })) },
      );
      id = (await marketing.experiments.list())[0]?.id ?? 0;
    } finally {
      await marketing.close();
    }
    assert.match((await done('list', '--campaign', 'spring')).stdout, /sales\/split +running +click +A 50 %, B 50 %/);
    const shown = (await done('show', String(id))).stdout;
    assert.match(shown, /pair +difference/);
    assert.match(shown, /undecided: Each variant needs 1000 people first\./);
    assert.doesNotMatch(shown, /p = 0\.0000|p = 0 /);
    assert.match((await done('show', String(id), '--csv')).stdout, /^variant,name,control,share,exposed/);
    assert.match((await done('allocate', String(id), 'A=80', 'B=20')).stdout, /A 80 %, B 20 %/);
    const wrong = await runHere(['experiment', 'allocate', String(id), 'A=80', '--database', database()]);
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.stderr, /sum to 100 percent/);
    assert.match((await done('decide', String(id), 'B', '--reason', 'clear')).stdout, /is won by "B"/);
    const report = (await done('show', String(id), '--json')).json() as {
      decision: { winner: string; because: string };
    };
    assert.deepEqual([report.decision.winner, report.decision.because], ['B', 'clear']);
    assert.match((await done('control-group', '5')).stdout, /^5 % of all leads/);
    assert.match((await done('control-group')).stdout, /^5 % of all leads/);
  });
});
