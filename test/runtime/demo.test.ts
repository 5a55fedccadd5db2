import assert from 'node:assert/strict';
import { contradictions, demoFigures, type DemoFigures } from '../../lib/runtime/demo-summary';
import type { CampaignReport } from '../../lib/campaigns';
import { runCli } from './kit';

const FIGURES: DemoFigures = {
  audience: 10,
  matched: 7,
  suppressed: 2,
  sent: 4,
  failed: 1,
  unknown: 0,
  arrived: 4,
  duplicates: 0,
  seconds: 1,
};

describe('the demo', function () {
  this.timeout(120_000);

  it('brings made-up leads from a CSV file to a mail server, and every figure adds up', async () => {
    const outcome = await runCli(['demo', '--json']);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.equal(outcome.stdout.trimEnd().split('\n').length, 1);
    const figures = outcome.json() as DemoFigures;
    assert.deepEqual(Object.keys(figures), [
      'audience',
      'matched',
      'suppressed',
      'sent',
      'failed',
      'unknown',
      'arrived',
      'duplicates',
      'seconds',
    ]);
    const { audience, matched, suppressed, sent, failed, unknown, arrived, duplicates, seconds } = figures;
    assert.ok(audience > 1_900 && audience <= 2_000);
    assert.ok(matched > 0 && matched < audience);
    assert.ok(suppressed > 0);
    assert.equal(sent + failed + unknown + suppressed, matched);
    assert.ok(sent > 0);
    assert.equal(arrived, sent);
    assert.deepEqual([failed, unknown, duplicates], [0, 0, 0]);
    assert.ok(seconds < 60);
  });

  it('tells people what happened, why to two of them, and where to go next', async () => {
    const { code, stdout, stderr } = await runCli(['demo']);
    assert.equal(code, 0, stderr);
    for (const line of [
      /^audience .* [\d,]+$/m,
      /^rejected rows +\d+$/m,
      /^ {2}blocked: no consent +\d+$/m,
      /^sent, says the ledger +\d+$/m,
    ]) {
      assert.match(stdout, line);
    }
    assert.match(stdout, /^Why .+ got the mail: launch: entered → .*message sent/m);
    assert.match(stdout, /^Why .+ did not: .*blocked/m);
    assert.match(stdout, /^Where to go next$/m);
    assert.equal(stderr, '');
  });

  it('says what is wrong with a file of leads', async () => {
    const { code, stdout, stderr } = await runCli(['demo', '--json', '--leads', '/nowhere/leads.csv']);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^E_CSV_FILE: [^\n]+\n$/);
  });

  it('fails when the mail server got anything else than the ledger says', () => {
    assert.deepEqual(contradictions(FIGURES, 0), []);
    assert.match(contradictions({ ...FIGURES, arrived: 3 }, 0).join(), /4 mails were sent, and 3 arrived/);
    assert.match(contradictions({ ...FIGURES, arrived: 5, duplicates: 1 }, 0).join(), /1 mails arrived twice/);
    assert.match(contradictions({ ...FIGURES, failed: 0 }, 0).join(), /10 people entered, and 9 are accounted for/);
    assert.deepEqual(contradictions({ ...FIGURES, failed: 0 }, 1), []);
  });

  it("reads its figures from the campaign's report and from the mail server", () => {
    const report = {
      audience: 20,
      waiting: 1,
      dead: 2,
      unknown: 3,
      orphaned: 0,
      ended: {
        'not in segment': 4,
        'blocked: no consent': 3,
        'suppressed: opted_out': 1,
        completed: 5,
        'failed: 550 no such user': 1,
      },
      messages: { sent: 5 },
    } as unknown as CampaignReport;
    assert.deepEqual(demoFigures(report, { arrived: 6, duplicates: 1, recipients: 5 }, 7.49), {
      ...{
        audience: 20,
        matched: 16,
        suppressed: 4,
        sent: 5,
        failed: 3,
        unknown: 3,
        arrived: 6,
        duplicates: 1,
        seconds: 7.5,
      },
    });
  });
});
