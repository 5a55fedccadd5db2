import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { redactUrl } from '../../store';
import { UsageError, type Command, type CommandContext } from '../command';
import { demoLeadsFile, EXAMPLE_FLOW, prepareExample } from '../example';
import { startHost, type Host } from '../host';
import { createLog, type LogLevel } from '../log';
import { startMailSink, type MailSink } from '../mailbox';
import { readSettings } from '../settings-file';
import { number } from '../screen';
import { runUntilStopped } from '../signals';
import { defaultDatabase, packageRoot } from '../user-dir';
import { progressOn } from './import';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'off'];

/** The headless runtime. */
export const start: Command = {
  name: 'start',
  summary: 'run flows without an editor (or with one), with /healthz and /metrics',
  usage: '[--flows PATH] [--editor] [--example] [options]',
  details: `Runs Node-RED inside an HTTP server, until SIGTERM.

  --flows PATH         a flow file or a directory of them; default: the flows of this package
  --editor             with Node-RED's editor at /
  --example            the welcome campaign with 2,000 made-up leads and a mailbox at /mailbox (on
                       loopback only); keeps apart from your data
  --host ADDRESS       default 127.0.0.1
  --port NUMBER        default 1880; 0 takes any free one
  --smtp-port NUMBER   of the example's mailbox; default: any free one
  --settings FILE      settings of Node-RED (adminAuth, httpNodeAuth, contextStorage …)
  --log-level LEVEL    debug, info, warn, error, off; default info
  --log-format FORMAT  text or json

Environment: MARKETING_BASE_URL (the public address, for unsubscribe links), MARKETING_CREDENTIAL_SECRET (encrypts the flows'
credentials; default: made up once and kept in the user directory), MARKETING_NODE_RED (package name of Node-RED). For the
package's own flows: MARKETING_SMTP_HOST, MARKETING_SMTP_PORT (587), MARKETING_SMTP_SECURITY (starttls, tls, none),
MARKETING_SMTP_USER, MARKETING_SMTP_PASSWORD, MARKETING_FROM, MARKETING_FROM_NAME.`,
  examples: [
    'nexus-marketing start --editor --example',
    'nexus-marketing start --flows ./flows --host 0.0.0.0 --port 8080 --log-format json',
  ],
  options: {
    flows: { type: 'string' },
    editor: { type: 'boolean' },
    example: { type: 'boolean' },
    host: { type: 'string' },
    port: { type: 'string' },
    'smtp-port': { type: 'string' },
    settings: { type: 'string' },
    'log-level': { type: 'string' },
    'log-format': { type: 'string' },
  },
  async run(context) {
    const { clock } = context;
    const level = (context.text('log-level') ??
      (context.flag('example') && !context.flag('verbose') ? 'error' : 'info')) as LogLevel;
    if (!LEVELS.includes(level)) throw new UsageError(`--log-level is one of ${LEVELS.join(', ')}.`);
    const format = context.text('log-format') ?? 'text';
    if (format !== 'text' && format !== 'json') throw new UsageError('--log-format is text or json.');
    const log = createLog({ clock, level, format });
    const setting = context.text('settings');
    const example = context.flag('example');
    const userDir = example ? path.join(context.userDir, 'example') : context.userDir;
    const databaseUrl = example && !context.databaseNamed ? defaultDatabase(userDir) : context.databaseUrl;
    const port = portOf(context, 'port', 1880);

    const mailbox = example ? await startMailSink({ clock, port: portOf(context, 'smtp-port', 0) }) : undefined;
    if (mailbox) await fillExample(context, databaseUrl, userDir);
    const flows = context.text('flows') ?? (example ? path.join(packageRoot(), 'examples', EXAMPLE_FLOW) : undefined);
    const host = context.text('host');
    const running = await startHost({
      ...{ clock, log, userDir, databaseUrl, port, editor: context.flag('editor') },
      ...(flows === undefined ? {} : { flows }),
      ...(host === undefined ? {} : { host }),
      ...(setting === undefined ? {} : { settings: readSettings(setting) }),
      ...(mailbox === undefined
        ? { environment: usualEnvironment() }
        : { mailbox, environment: mailEnvironment(mailbox) }),
    });
    const target = {
      async stop() {
        const drained = await running.stop();
        await mailbox?.close();
        return drained;
      },
    };
    const ended = runUntilStopped(target, { clock, log, exit: (code) => process.exit(code) });
    running.whenReady(60_000).then(
      () => announce(context, running, mailbox),
      (error: unknown) => log.error(error instanceof Error ? error.message : String(error)),
    );
    return { data: { stopped: true }, lines: [], exitCode: await ended };
  },
};

/** What the example flows read. */
export function mailEnvironment(mailbox: MailSink): Record<string, string> {
  return { MARKETING_SMTP_HOST: mailbox.host, MARKETING_SMTP_PORT: String(mailbox.port) };
}

/** What the package's own flows read and need not be set: Node-RED takes `${NAME}` literally when there is no such variable. */
function usualEnvironment(): Record<string, string> {
  const usual = {
    MARKETING_SMTP_PORT: '587',
    MARKETING_SMTP_SECURITY: 'starttls',
    MARKETING_SMTP_USER: '',
    MARKETING_SMTP_PASSWORD: '',
    MARKETING_FROM_NAME: '',
  };
  return { ...usual, ...pick(process.env, Object.keys(usual)) };
}

function pick(from: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));
}

async function fillExample(
  { clock, screen, log, tenant }: CommandContext,
  databaseUrl: string,
  userDir: string,
): Promise<void> {
  mkdirSync(userDir, { recursive: true, mode: 0o700 });
  const rejectsFile = path.join(userDir, 'leads.rejects.csv');
  const filled = await prepareExample({
    ...{ databaseUrl, tenant, clock, log },
    file: demoLeadsFile(),
    rejectsFile,
    onlyWhenEmpty: true,
    onProgress: progressOn(screen),
  });
  screen.endProgress();
  if (filled)
    screen.note(
      `Imported ${number(filled.created)} made-up leads; ${number(filled.rejected)} broken rows are in ${rejectsFile}.`,
    );
}

function announce(
  { screen, flag }: CommandContext,
  { url, databaseUrl, mailboxUrl }: Host,
  mailbox: MailSink | undefined,
): void {
  if (flag('editor')) screen.note(`Editor    ${url}/`);
  if (mailbox) screen.note(`Mailbox   ${mailboxUrl ?? 'not shown, because --host lets others reach this server'}`);
  screen.note(`Health    ${url}/healthz`);
  screen.note(`Metrics   ${url}/metrics`);
  if (mailbox && flag('editor')) {
    screen.note('');
    screen.note(
      'In the editor, press the button left of the trigger node "Launch", then watch the counts and the mailbox.',
    );
    screen.note(
      `The CLI on the same data: nexus-marketing campaign report welcome --database ${redactUrl(databaseUrl)}`,
    );
  }
}

function portOf(context: CommandContext, option: string, otherwise: number): number {
  const given = context.text(option);
  if (given === undefined) return otherwise;
  const port = Number(given);
  if (!/^\d+$/.test(given) || port > 65_535) throw new UsageError(`--${option} is a number from 0 to 65535.`);
  return port;
}
