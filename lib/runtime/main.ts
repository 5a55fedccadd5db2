import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { SystemClock, type Clock } from '../clock';
import { codeOf, messageOf } from '../errors';
import { UsageError, type Command, type CommandContext, type OptionValues } from './command';
import { commands } from './commands';
import { createLog, type LogLevel } from './log';
import { createOpener } from './open';
import { createScreen, table, type Screen } from './screen';
import { defaultDatabase, defaultUserDir, packageRoot } from './user-dir';

const GLOBAL = {
  database: { type: 'string' },
  tenant: { type: 'string' },
  'user-dir': { type: 'string' },
  json: { type: 'boolean' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const satisfies ParseArgsOptionsConfig;

const GLOBAL_HELP = `Options of every command
  --database URL   sqlite:FILE, postgres://… or mysql://… (MARKETING_DATABASE_URL); default: the SQLite file that "start" uses
  --tenant ID      whose data (MARKETING_TENANT); default: default
  --user-dir DIR   where the runtime keeps its files (MARKETING_USER_DIR); default: ~/.nexus-marketing
  --json           the answer as one line of JSON on stdout
  --verbose        say more on stderr
  --help           this`;

/** What a command line runs in; replaced in tests. */
export interface Surroundings {
  readonly screen: Screen;
  readonly clock: Clock;
  readonly environment: NodeJS.ProcessEnv;
}

/** Runs one command line. @returns the exit code: 0 done, 1 it could not be done, 2 the command line is not right */
export async function main(argv: readonly string[], given: Partial<Surroundings> = {}): Promise<number> {
  const around: Surroundings = { screen: createScreen(), clock: new SystemClock(), environment: process.env, ...given };
  const { screen } = around;
  try {
    return await dispatch(argv, around);
  } catch (error) {
    screen.endProgress();
    screen.note(`${codeOf(error)}: ${messageOf(error).replace(/\s*\n\s*/g, ' ')}`);
    if (argv.includes('--verbose') && error instanceof Error) screen.note(error.stack ?? '');
    return error instanceof UsageError ? 2 : 1;
  }
}

async function dispatch(argv: readonly string[], around: Surroundings): Promise<number> {
  const { screen } = around;
  const [name, ...rest] = argv;
  if (name === '--version' || name === 'version') {
    screen.out(version());
    return 0;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const topic = commands.find((command) => command.name === rest[0]);
    screen.out(topic ? helpOf(topic) : overview());
    return 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (!command) throw new UsageError(`There is no command "${name}": "nexus-marketing --help" lists them.`);
  const { values, positionals } = parse(command, rest);
  if (values['help'] === true) {
    screen.out(helpOf(command));
    return 0;
  }
  return run(command, values, positionals, around);
}

async function run(
  command: Command,
  values: OptionValues,
  words: readonly string[],
  around: Surroundings,
): Promise<number> {
  const { screen, clock, environment } = around;
  const text = (option: string): string | undefined => {
    const value = values[option];
    return typeof value === 'string' ? value : undefined;
  };
  const json = values['json'] === true;
  const userDir = path.resolve(text('user-dir') ?? defaultUserDir(environment));
  const named = text('database') ?? environment['MARKETING_DATABASE_URL'];
  const databaseUrl = named || defaultDatabase(userDir);
  const tenant = text('tenant') ?? (environment['MARKETING_TENANT'] || 'default');
  const level: LogLevel = values['verbose'] === true ? 'debug' : 'warn';
  const log = createLog({ clock, level, format: 'text', write: (line) => screen.note(line.trimEnd()) });
  const opener = createOpener({ databaseUrl, tenant, clock, log });
  const context: CommandContext = {
    ...{ clock, log, screen, json, words, values, userDir, databaseUrl, tenant, text },
    databaseNamed: Boolean(named),
    actor: `cli:${userName()}`,
    marketing: () => opener.open(),
    flag: (option) => values[option] === true,
    word(index, name) {
      const word = words[index];
      if (word === undefined)
        throw new UsageError(`${name} is missing. Usage: nexus-marketing ${command.name} ${command.usage}`);
      return word;
    },
  };
  try {
    const answer = await command.run(context);
    screen.endProgress();
    if (json) screen.out(JSON.stringify(answer.data));
    else for (const line of answer.lines) screen.out(line);
    return answer.exitCode ?? 0;
  } finally {
    await opener.close();
  }
}

function parse(command: Command, args: string[]): { values: OptionValues; positionals: string[] } {
  try {
    return parseArgs({ args, options: { ...GLOBAL, ...command.options }, allowPositionals: true });
  } catch (error) {
    // Node adds advice about "--" after the first sentence, which helps nobody here.
    const [sentence = ''] = messageOf(error).split('. ');
    throw new UsageError(
      `${sentence.replace(/\.$/, '')}. "nexus-marketing ${command.name} --help" says what there is.`,
    );
  }
}

function overview(): string {
  return [
    `nexus-marketing ${version()}: marketing automation as Node-RED flows`,
    '',
    'Usage: nexus-marketing COMMAND [options]',
    '',
    ...table(
      ['', ''],
      commands.map((command) => [`  ${command.name}`, command.summary]),
    ),
    '',
    GLOBAL_HELP,
    '',
    '"nexus-marketing COMMAND --help" shows options and examples.',
  ].join('\n');
}

function helpOf(command: Command): string {
  return [
    `Usage: nexus-marketing ${command.name} ${command.usage}`.trimEnd(),
    '',
    command.details,
    '',
    'Examples',
    ...command.examples.map((example) => `  ${example}`),
    '',
    GLOBAL_HELP,
  ].join('\n');
}

/** The package's version. */
export function version(): string {
  const file = readFileSync(path.join(packageRoot(), 'package.json'), 'utf8');
  const content = JSON.parse(file) as { version?: string };
  return content.version ?? 'unknown';
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown'; // a user id without a name, as containers have
  }
}
