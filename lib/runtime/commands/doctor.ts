import { messageOf } from '../../errors';
import { openStore } from '../../store';
import type { Answer, Command, CommandContext } from '../command';
import { examine, fixCounters, type Finding } from '../examination';
import { fixMetrics, fixMoney } from '../record-checks';
import { migrations } from '../../store/migrations';

const MARK: Readonly<Record<Finding['verdict'], string>> = { ok: '✓', warn: '!', fail: '✗' };

/** Looks for what is wrong, and says what to do about it. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'look for what is wrong and say what to do',
  usage: '[--fix]',
  details: `Checks Node.js, the database and its schema, the counters, that the metrics agree with the log, that money reserved and spent
agrees with messages and costs, that nobody has changed the history, that everybody under way has a next wake-up or a reason, orphans, messages in doubt, dead letters, timers, and people
who were sent on and taken over by nobody. Exit code 1 when something fails.

  --fix   count the counters, metrics and money again from the rows`,
  examples: [
    'nexus-marketing doctor',
    'nexus-marketing doctor --database postgres://app@db/marketing --json',
    'nexus-marketing doctor --fix',
  ],
  options: { fix: { type: 'boolean' } },
  async run(context) {
    const findings: Finding[] = [
      { check: 'Node.js', verdict: 'ok', found: `${process.versions.node} (22.14 or newer is needed)` },
    ];
    const schema = await checkSchema(context);
    findings.push(...schema);
    if (schema.every(({ verdict }) => verdict === 'ok')) {
      const marketing = await context.marketing();
      if (context.flag('fix')) {
        const { scope, roi } = marketing;
        findings.push(await fixCounters(scope), await fixMetrics(scope), await fixMoney(roi));
      }
      findings.push(...(await examine(marketing)));
    }
    return answer(findings);
  },
};

/** Looks without changing anything: opening the marketing data would migrate. */
async function checkSchema({ databaseUrl, clock }: CommandContext): Promise<Finding[]> {
  try {
    const store = await openStore({ url: databaseUrl, clock });
    try {
      const reached: Finding = { check: 'Database', verdict: 'ok', found: store.url };
      const done = await store.system.all<{ name: string }>('SELECT name FROM marketing_migrations').catch(() => []);
      const missing = migrations.filter(({ name }) => !done.some((row) => row.name === name)).map(({ name }) => name);
      const unknown = done.filter((row) => !migrations.some(({ name }) => name === row.name)).map(({ name }) => name);
      if (missing.length > 0) {
        return [
          reached,
          {
            check: 'Schema',
            verdict: 'fail',
            found: `${missing.join(', ')} has not run`,
            todo: 'Run "nexus-marketing migrate".',
          },
        ];
      }
      if (unknown.length > 0) {
        return [
          reached,
          {
            check: 'Schema',
            verdict: 'fail',
            found: `${unknown.join(', ')} comes from a newer version`,
            todo: 'Update this package, or run its newer "migrate --rollback" first.',
          },
        ];
      }
      return [reached, { check: 'Schema', verdict: 'ok', found: `${done.length} of ${migrations.length} migrations` }];
    } finally {
      await store.close();
    }
  } catch (error) {
    return [
      {
        check: 'Database',
        verdict: 'fail',
        found: messageOf(error),
        todo: 'Check --database and that the server runs.',
      },
    ];
  }
}

function answer(findings: readonly Finding[]): Answer {
  const failed = findings.some(({ verdict }) => verdict === 'fail');
  const lines = findings.flatMap(({ check, verdict, found, todo }) => [
    `${MARK[verdict]} ${check}: ${found}`,
    ...(todo === undefined ? [] : [`  ${todo}`]),
  ]);
  return { data: { ok: !failed, findings }, lines, exitCode: failed ? 1 : 0 };
}
