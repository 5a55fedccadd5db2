import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { openMarketing, type Marketing } from '../../lib';
import { runCli, runHere, scratchFolder, type Outcome } from './kit';

const LEADS = `email,name,country,score,plan
ada@example.org,Ada,US,50,pro
grace@example.org,Grace,US,10,free
broken,Nobody,US,10,free
anna@example.org,Anna,DE,30,pro
`;

describe('the command line', function () {
  this.timeout(60_000);
  const folder = scratchFolder();
  const run = (...args: string[]): Promise<Outcome> => runHere(args, { MARKETING_USER_DIR: folder.path('home') });

  it('works as a program: answers on stdout, errors on stderr, exit codes', async () => {
    const environment = { MARKETING_USER_DIR: folder.path('program') };
    const listed = await runCli(['campaign', 'list', '--json'], environment);
    assert.deepEqual([listed.code, listed.stdout, listed.stderr], [0, '[]\n', '']);
    const refused = await runCli(['campaign', 'launch', 'nothing'], environment);
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, /^E_UNKNOWN_CAMPAIGN: [^\n]+\n$/);
    assert.equal((await runCli(['dance'])).code, 2);
  });

  it('takes the database and the tenant from the environment, and the options before that', async () => {
    const environment = { MARKETING_DATABASE_URL: `sqlite:${folder.path('env.sqlite')}`, MARKETING_TENANT: 'acme' };
    await runHere(['segment', 'create', 'mine', '--static'], environment);
    const list = async (...args: string[]): Promise<string[]> =>
      ((await runHere(['segment', 'list', '--json', ...args], environment)).json() as { key: string }[]).map(
        ({ key }) => key,
      );
    assert.deepEqual(await list(), ['mine']);
    assert.deepEqual(await list('--tenant', 'other'), []);
    assert.deepEqual(await list('--database', `sqlite:${folder.path('other.sqlite')}`), []);
  });

  describe('help and mistakes', () => {
    it('lists the commands', async () => {
      const { code, stdout } = await run('--help');
      assert.equal(code, 0);
      for (const command of ['start', 'demo', 'migrate', 'import', 'segment', 'campaign', 'doctor']) {
        assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
      }
    });

    it('explains every command, with examples', async () => {
      for (const command of ['start', 'demo', 'migrate', 'import', 'segment', 'campaign', 'doctor']) {
        const { code, stdout } = await run(command, '--help');
        assert.equal(code, 0);
        assert.match(stdout, new RegExp(`^Usage: nexus-marketing ${command}`));
        assert.match(stdout, /^Examples\n {2}nexus-marketing /m);
      }
    });

    it('says its version', async () => {
      const { stdout } = await run('--version');
      assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
    });

    it('answers what it cannot understand with one line and exit code 2', async () => {
      for (const args of [
        ['dance'],
        ['campaign', 'dance'],
        ['campaign', 'launch'],
        ['import'],
        ['doctor', '--nonsense'],
        ['segment', 'create', 'a'],
      ]) {
        const { code, stdout, stderr } = await run(...args);
        assert.equal(code, 2, args.join(' '));
        assert.equal(stdout, '');
        assert.match(stderr, /^E_USAGE: [^\n]+\n$/);
      }
    });

    it('answers what cannot be done with its code, one sentence and exit code 1', async () => {
      const { code, stdout, stderr } = await run('campaign', 'list', '--database', 'oracle://x/y');
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, /^E_DATABASE_URL: [^\n]+\n$/);
    });

    it('does not show the password of a database that does not answer', async () => {
      const { code, stderr } = await run(
        'campaign',
        'list',
        '--database',
        'postgres://someone:s3cret@127.0.0.1:1/nothing',
      );
      assert.equal(code, 1);
      assert.match(stderr, /^E_DATABASE_UNREACHABLE: /);
      assert.doesNotMatch(stderr, /s3cret/);
    });
  });

  describe('migrate', () => {
    it('brings a database up to date, once, and takes the last step back', async () => {
      const database = ['--database', `sqlite:${folder.path('migrate.sqlite')}`, '--json'];
      const first = (await run('migrate', ...database)).json() as { ran: string[] };
      assert.ok(first.ran.length > 0);
      assert.deepEqual(((await run('migrate', ...database)).json() as { ran: string[] }).ran, []);
      assert.deepEqual((await run('migrate', '--rollback', ...database)).json(), { rolledBack: first.ran.at(-1) });
      assert.deepEqual(((await run('migrate', ...database)).json() as { ran: string[] }).ran, first.ran.slice(-1));
      assert.deepEqual((await run('migrate', '--unlock', ...database)).json(), { unlocked: true });
    });
  });

  describe('leads and segments', () => {
    let database: string[];

    before(() => {
      writeFileSync(folder.path('leads.csv'), LEADS);
      database = ['--database', `sqlite:${folder.path('leads.sqlite')}`];
    });

    it('imports a file, and writes what it rejects with line and reason', async () => {
      const outcome = await run('import', folder.path('leads.csv'), '--declare', '--json', ...database);
      assert.equal(outcome.code, 0, outcome.stderr);
      const report = outcome.json() as {
        rows: number;
        created: number;
        rejected: number;
        rejectsFile: string;
        declared: { name: string }[];
      };
      assert.deepEqual([report.rows, report.created, report.rejected], [4, 3, 1]);
      assert.deepEqual(
        report.declared.map(({ name }) => name),
        ['plan'],
      );
      assert.equal(report.rejectsFile, folder.path('leads.rejects.csv'));
      assert.match(readFileSync(report.rejectsFile, 'utf8'), /^4,E_LEAD_EMAIL,/m);
    });

    it('refuses to write rejected rows over the file that it imports', async () => {
      const file = folder.path('leads.csv');
      const outcome = await run('import', file, '--rejects', file, ...database);
      assert.equal(outcome.code, 1);
      assert.match(outcome.stderr, /E_REJECTS_FILE: .+Choose another name/);
      assert.equal(readFileSync(file, 'utf8'), LEADS);
    });

    it('creates, lists, previews, recalculates and deletes a segment', async () => {
      const created = await run('segment', 'create', 'pros', '--condition', 'lead.plan = "pro"', '--json', ...database);
      assert.equal(created.code, 0, created.stderr);
      assert.equal((created.json() as { count: number }).count, 2);
      await run('segment', 'create', 'us', '--condition', 'lead.country = "US"', ...database);
      const both = await run(
        'segment',
        'create',
        'both',
        '--composition',
        '{"and":["pros","us"]}',
        '--json',
        ...database,
      );
      assert.equal((both.json() as { count: number }).count, 1);
      const preview = (
        await run('segment', 'preview', '--condition', 'lead.score > 20', '--json', ...database)
      ).json() as {
        count: number;
        sample: { email: string }[];
      };
      assert.deepEqual(
        [preview.count, preview.sample.map(({ email }) => email)],
        [2, ['ada@example.org', 'anna@example.org']],
      );
      assert.match((await run('segment', 'list', ...database)).stdout, /^pros +dynamic +2 /m);
      assert.equal((await run('segment', 'recalculate', 'pros', ...database)).code, 0);
      assert.equal((await run('segment', 'delete', 'both', ...database)).code, 0);
      const gone = await run('segment', 'preview', 'both', ...database);
      assert.equal(gone.code, 1);
      assert.match(gone.stderr, /^E_UNKNOWN_SEGMENT: /);
    });

    it('says what is wrong with a condition', async () => {
      const { code, stderr } = await run('segment', 'create', 'bad', '--condition', 'lead.colour = "red"', ...database);
      assert.equal(code, 1);
      assert.match(stderr, /^E_\w+: .*colour[^\n]*\n$/);
    });
  });

  describe('campaigns', () => {
    let marketing: Marketing;
    let database: string[];
    const station = (step: string, kind: string) => ({ step, kind, node: step, hash: step, forks: false });
    const deploy = (...steps: string[]) =>
      marketing.definitions.deploy('flow', [
        {
          key: 'welcome',
          name: 'Welcome',
          entry: 'launch',
          entryMode: 'launch',
          onUnknown: 'hold',
          stations: [station('launch', 'trigger'), ...steps.map((step) => station(step, 'delay'))],
          body: {},
        },
      ]);

    before(async () => {
      const url = `sqlite:${folder.path('campaigns.sqlite')}`;
      database = ['--database', url];
      marketing = await openMarketing({ database: { url }, work: false });
      await marketing.leads.upsertAll([{ email: 'ada@example.org' }, { email: 'grace@example.org' }]);
      await deploy('wait');
    });
    after(() => marketing.close());

    it('creates a campaign with its data, and shows it', async () => {
      const created = await run(
        'campaign',
        'create',
        'spring',
        '--definition',
        'welcome',
        '--name',
        'Spring',
        '--data',
        '{"subject":"Hi"}',
        '--json',
        ...database,
      );
      assert.equal(created.code, 0, created.stderr);
      const campaign = (await run('campaign', 'show', 'spring', '--json', ...database)).json() as Record<
        string,
        unknown
      >;
      assert.deepEqual([campaign['name'], campaign['state'], campaign['data']], ['Spring', 'draft', { subject: 'Hi' }]);
      assert.match((await run('campaign', 'show', 'spring', ...database)).stdout, /^definition +welcome$/m);
    });

    it('refuses data that is no object, a definition that does not exist, and a state that nothing leads to', async () => {
      assert.match(
        (await run('campaign', 'create', 'x', '--definition', 'welcome', '--data', '[1]', ...database)).stderr,
        /^E_DATA: /,
      );
      assert.match(
        (await run('campaign', 'create', 'x', '--definition', 'nothing', ...database)).stderr,
        /^E_UNKNOWN_DEFINITION: /,
      );
      assert.match((await run('campaign', 'resume', 'spring', ...database)).stderr, /^E_CAMPAIGN_STATE: /);
    });

    it('launches, pauses, resumes and cancels, and says that nobody works when no runtime does', async () => {
      const launched = await run('campaign', 'launch', 'spring', ...database);
      assert.match(launched.stdout, /^The campaign "spring" is active\.\nNo runtime works on this database/);
      assert.match((await run('campaign', 'pause', 'spring', '--reason', 'a typo', ...database)).stdout, /is paused/);
      assert.match((await run('campaign', 'resume', 'spring', ...database)).stdout, /is active/);
      const listed = (await run('campaign', 'list', '--state', 'active', '--json', ...database)).json() as {
        key: string;
      }[];
      assert.deepEqual(
        listed.map(({ key }) => key),
        ['spring'],
      );
      assert.match((await run('campaign', 'cancel', 'spring', ...database)).stdout, /is cancelled/);
      const history = await marketing.scope.all<{ event: string; actor: string }>(
        `SELECT event, actor FROM marketing_history WHERE tenant_id = :tenant AND campaign_id IS NOT NULL ORDER BY id`,
      );
      assert.deepEqual(
        history.map(({ event }) => event),
        ['campaign.created', 'campaign.launched', 'campaign.paused', 'campaign.resumed', 'campaign.cancelled'],
      );
      assert.ok(history.every(({ actor }) => actor.startsWith('cli:')));
    });

    it("launches a definition's own campaign, as the trigger's button does", async () => {
      const launched = await run('campaign', 'launch', 'welcome', '--json', ...database);
      assert.equal(launched.code, 0, launched.stderr);
      const { key, runtimeAtWork } = launched.json() as { key: string; runtimeAtWork: boolean };
      assert.deepEqual([key, runtimeAtWork], ['welcome', false]);
    });

    it('reports on people, tells why, and moves those whose step is gone', async () => {
      const runtime = await openMarketing({ database: { url: database[1] ?? '' }, sweepMs: 100 });
      try {
        const wait = await runtime.ledger.attach({
          definition: 'welcome',
          step: 'wait',
          kind: 'delay',
          wired: () => false,
          emit: () => undefined,
        });
        const arrived: Promise<void>[] = [];
        await runtime.ledger.attach({
          definition: 'welcome',
          step: 'launch',
          kind: 'trigger',
          wired: () => true,
          emit: (_port, people) => {
            for (const { journey } of people) arrived.push(wait.arrive({ journey, dueAt: Date.now() + 86_400_000 }));
          },
        });
        for (let tries = 0; arrived.length < 2 && tries < 100; tries++)
          await new Promise((resolve) => setTimeout(resolve, 50));
        await Promise.all(arrived);
        assert.equal(arrived.length, 2);
      } finally {
        await runtime.close();
      }
      const report = (await run('campaign', 'report', 'welcome', '--json', ...database)).json() as {
        audience: number;
        waiting: number;
      };
      assert.deepEqual([report.audience, report.waiting], [2, 2]);
      assert.match((await run('campaign', 'report', 'welcome', ...database)).stdout, /^wait +delay +2 /m);
      assert.match(
        (await run('campaign', 'why', 'welcome', 'ada@example.org', ...database)).stdout,
        /wait: waits until/,
      );
      assert.match(
        (await run('campaign', 'why', 'welcome', 'nobody@example.org', ...database)).stderr,
        /^E_UNKNOWN_LEAD: /,
      );

      await deploy('elsewhere');
      assert.match((await run('campaign', 'orphans', ...database)).stdout, /^welcome +wait +2$/m);
      const moved = await run(
        'campaign',
        'move',
        '--definition',
        'welcome',
        '--from',
        'wait',
        '--to',
        'elsewhere',
        '--json',
        ...database,
      );
      assert.deepEqual(moved.json(), { definition: 'welcome', from: 'wait', to: 'elsewhere', people: 2 });
      assert.match((await run('campaign', 'orphans', ...database)).stdout, /^Nobody is orphaned\.$/m);
    });

    it('shows empty lists of messages in doubt and of dead letters', async () => {
      assert.match((await run('campaign', 'unknown', 'welcome', ...database)).stdout, /No message is in doubt/);
      assert.match((await run('campaign', 'dead', 'welcome', ...database)).stdout, /dead-letter list is empty/);
      assert.deepEqual((await run('campaign', 'retry', 'welcome', '--json', ...database)).json(), {
        campaign: 'welcome',
        people: 0,
      });
      assert.deepEqual((await run('campaign', 'reconcile', 'welcome', '--as', 'sent', '--json', ...database)).json(), {
        campaign: 'welcome',
        as: 'sent',
        people: 0,
      });
    });

    it('examines the data, finds a counter that is wrong, and sets it right', async () => {
      const well = await run('doctor', ...database);
      assert.equal(well.code, 0, well.stdout);
      assert.match(well.stdout, /^✓ Counters: equal to the rows they count$/m);
      assert.match(well.stdout, /^✓ Metrics: agree with the log$/m);
      assert.match(well.stdout, /^✓ History: \d+ entries in an unbroken chain/m);
      await marketing.scope.run(
        `UPDATE marketing_counters SET count = count + 3 WHERE tenant_id = :tenant AND name = 'entered'`,
      );
      await marketing.scope.run(
        `INSERT INTO marketing_metrics (tenant_id, campaign_id, variant, channel, hour, name, amount, updated_at)
         VALUES (:tenant, 1, '', 'fax', 0, 'sent', 4, 0)`,
      );
      const ill = await run('doctor', '--json', ...database);
      assert.equal(ill.code, 1);
      const { ok, findings } = ill.json() as {
        ok: boolean;
        findings: { check: string; verdict: string; todo?: string }[];
      };
      assert.equal(ok, false);
      assert.equal(findings.find(({ check }) => check === 'Counters')?.verdict, 'fail');
      assert.match(findings.find(({ check }) => check === 'Counters')?.todo ?? '', /doctor --fix/);
      assert.equal(findings.find(({ check }) => check === 'Metrics')?.verdict, 'fail');
      assert.equal((await run('doctor', '--fix', ...database)).code, 0);
      assert.equal((await run('doctor', ...database)).code, 0);
    });
  });

  it('lets doctor say that the schema is missing, and changes nothing', async () => {
    const database = `sqlite:${folder.path('empty.sqlite')}`;
    const { code, stdout } = await run('doctor', '--database', database);
    assert.equal(code, 1);
    assert.match(stdout, /^✗ Schema: .*\n {2}Run "nexus-marketing migrate"\.$/m);
  });
});
