import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Marketing } from '../..';
import type { CampaignReport } from '../../campaigns';
import { MarketingError } from '../../errors';
import type { ImportReport } from '../../leads';
import type { Answer, Command, CommandContext } from '../command';
import { blocked, contradictions, demoFigures, isUnderWay, type DemoFigures } from '../demo-summary';
import { demoLeadsFile, EXAMPLE_DEFINITION, EXAMPLE_FLOW, prepareExample } from '../example';
import { startHost } from '../host';
import { createLog } from '../log';
import { startMailSink, type MailSink } from '../mailbox';
import { bar, number, table } from '../screen';
import { defaultDatabase, packageRoot } from '../user-dir';
import { progressOn } from './import';
import { mailEnvironment } from './start';

const LONGEST_MS = 120_000;
const LOOK_MS = 200;

/** The main job on made-up data, from a CSV file to an inbox. */
export const demo: Command = {
  name: 'demo',
  summary: 'run the welcome campaign on 2,000 made-up leads into a mail server on loopback',
  usage: '[--leads FILE] [--keep]',
  details: `Needs no configuration and no network: a temporary SQLite file, an SMTP server on loopback that delivers nothing, a headless
Node-RED with the flow "examples/${EXAMPLE_FLOW}". Ends with exit code 0 only if the mail server got exactly what the ledger
says was sent, and nothing twice.

  --leads FILE   another CSV file
  --keep         keep the database, the rejects file and a mail, and say where they are`,
  examples: ['nexus-marketing demo', 'nexus-marketing demo --json', 'nexus-marketing demo --leads people.csv --keep'],
  options: { leads: { type: 'string' }, keep: { type: 'boolean' } },
  async run(context) {
    const folder = mkdtempSync(path.join(tmpdir(), 'nexus-marketing-demo-'));
    const mailbox = await startMailSink({ clock: context.clock });
    try {
      return await runDemo(context, folder, mailbox);
    } finally {
      await mailbox.close();
      if (!context.flag('keep')) rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function runDemo(context: CommandContext, folder: string, mailbox: MailSink): Promise<Answer> {
  const { clock, screen, tenant } = context;
  const startedAt = clock.monotonic();
  const log = createLog({
    clock,
    level: context.flag('verbose') ? 'info' : 'error',
    format: 'text',
    write: (line) => screen.note(line.trimEnd()),
  });
  const userDir = path.join(folder, 'node-red');
  mkdirSync(userDir, { mode: 0o700 });
  // The very file that a store node without a database of its own opens.
  const databaseUrl = defaultDatabase(userDir);

  const leads = await prepareExample({
    ...{ databaseUrl, tenant, clock, log },
    file: path.resolve(context.text('leads') ?? demoLeadsFile()),
    rejectsFile: path.join(folder, 'rejects.csv'),
    onProgress: progressOn(screen),
  });
  screen.progress('Starting Node-RED …');
  const host = await startHost({
    ...{ clock, log, databaseUrl },
    port: 0,
    userDir,
    flows: path.join(packageRoot(), 'examples', EXAMPLE_FLOW),
    environment: mailEnvironment(mailbox),
  });
  let report: CampaignReport;
  let stories: string[];
  try {
    await host.whenReady(60_000);
    const [marketing] = host.stores.open();
    if (!marketing) throw new MarketingError('E_NOT_READY', `The flow ${EXAMPLE_FLOW} has no store.`);
    const campaign = await marketing.campaigns.ensure(EXAMPLE_DEFINITION);
    // All of it is made up, and the mails go into a mailbox of its own.
    await marketing.campaigns.launch(campaign.key, { actor: context.actor, approved: true });
    report = await watch(context, marketing, campaign.key, mailbox);
    stories = await tellStories(marketing, campaign.key);
  } finally {
    screen.endProgress();
    await host.stop();
  }
  const figures = demoFigures(report, mailbox.figures(), (clock.monotonic() - startedAt) / 1000);
  const wrong = contradictions(figures, report.waiting + report.orphaned);
  for (const sentence of wrong) screen.note(sentence);
  const kept = context.flag('keep') ? keep(folder, mailbox) : [];
  return {
    data: figures,
    lines: [...describe(figures, report, leads), '', ...stories, ...kept, '', ...nextSteps(context)],
    exitCode: wrong.length === 0 ? 0 : 1,
  };
}

/** Looks until everybody is through. */
async function watch(
  { clock, screen }: CommandContext,
  marketing: Marketing,
  key: string,
  mailbox: MailSink,
): Promise<CampaignReport> {
  const deadline = clock.monotonic() + LONGEST_MS;
  for (;;) {
    const report = await marketing.campaigns.report(key);
    const through = report.audience - report.waiting;
    const done = report.audience === 0 ? 0 : through / report.audience;
    screen.progress(
      `${bar(done)}  ${number(through)} of ${number(report.audience)} through · ${number(report.waiting)} under way · ${number(mailbox.figures().arrived)} mails arrived`,
    );
    // Who needs somebody's decision keeps the campaign open; nothing further happens by itself then.
    const stuck = report.audience > 0 && report.waiting === 0 && report.dead + report.unknown > 0;
    if (!isUnderWay(report) || stuck || clock.monotonic() >= deadline) return report;
    await clock.sleep(LOOK_MS);
  }
}

/** Why one lead got the mail and another one did not. */
async function tellStories(marketing: Marketing, key: string): Promise<string[]> {
  const pick = async (condition: string): Promise<number | undefined> =>
    (
      await marketing.scope.get<{ lead: number }>(
        `SELECT e.lead_id AS lead FROM marketing_enrollments e
         JOIN marketing_campaigns c ON c.id = e.campaign_id AND c.tenant_id = :tenant AND c.campaign_key = :key
         WHERE e.tenant_id = :tenant AND e.state = 'ended' AND ${condition} ORDER BY e.id LIMIT 1`,
        { key },
      )
    )?.lead;
  const story = async (lead: number | undefined, what: string): Promise<string[]> => {
    if (lead === undefined) return [];
    const { name, email } = await marketing.leads.require(lead);
    const lines = await marketing.campaigns.why(key, lead);
    return [`Why ${name ?? email ?? `lead ${lead}`} ${what}: ${lines.map(({ text }) => text).join(' → ')}`];
  };
  return [
    ...(await story(await pick(`e.reason = 'completed'`), 'got the mail')),
    ...(await story(
      (await pick(`e.reason LIKE 'blocked: no consent%'`)) ??
        (await pick(`e.reason LIKE 'blocked%'`)) ??
        (await pick(`e.reason <> 'completed'`)),
      'did not',
    )),
  ];
}

function describe(figures: DemoFigures, report: CampaignReport, leads: ImportReport | undefined): string[] {
  const left = report.audience - figures.matched;
  const rows: [string, number][] = [
    ['rows in the file', leads?.rows ?? 0],
    ['rejected rows', leads?.rejected ?? 0],
    ['audience (everybody imported)', figures.audience],
    ['not in the segment', left],
    ['matched the segment', figures.matched],
    ...Object.entries(blocked(report)).map(([reason, people]): [string, number] => [`  blocked: ${reason}`, people]),
    ['sent, says the ledger', figures.sent],
    ['failed', figures.failed],
    ['unknown', figures.unknown],
    ['arrived, says the mail server', figures.arrived],
    ['arrived twice', figures.duplicates],
  ];
  return [
    ...table(['Welcome campaign', 'people'], rows),
    '',
    `Took ${figures.seconds} seconds, of which everybody waited 3 in a delay node.`,
  ];
}

function keep(folder: string, mailbox: MailSink): string[] {
  const [mail] = mailbox.list();
  const eml = path.join(folder, 'mail.eml');
  if (mail) writeFileSync(eml, mail.raw);
  return [
    '',
    'Kept',
    `  a mail         ${eml}`,
    `  rejected rows  ${path.join(folder, 'rejects.csv')}`,
    `  the database   ${path.join(folder, 'node-red', 'marketing.sqlite')}`,
  ];
}

function nextSteps(context: CommandContext): string[] {
  return [
    'Where to go next',
    '  npm start                the same flow in the editor, with a mailbox to read the mails',
    ...(context.flag('keep') ? [] : ['  npm run demo -- --keep   keeps the database and a mail to look at']),
    `  examples/                more flows: in the editor under Import → Examples`,
  ];
}
