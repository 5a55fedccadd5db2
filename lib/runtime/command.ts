import type { ParseArgsOptionsConfig } from 'node:util';
import type { Marketing } from '..';
import type { Clock } from '../clock';
import { InputError } from '../errors';
import type { Log } from './log';
import type { Screen } from './screen';

/** Values of options, as `util.parseArgs` gives them. */
export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** What a command works with. */
export interface CommandContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly screen: Screen;
  /** True when the answer is for a program. */
  readonly json: boolean;
  readonly words: readonly string[];
  readonly values: OptionValues;
  readonly userDir: string;
  /** `--database`, or the environment's, or the SQLite file that `start` uses. */
  readonly databaseUrl: string;
  /** True when the user named the database. */
  readonly databaseNamed: boolean;
  readonly tenant: string;
  /** Who acts, for the history. */
  readonly actor: string;
  /** Opens the marketing data without working on it: rows are changed, a runtime does the rest. Closed for you. */
  marketing(): Promise<Marketing>;
  /** The text of an option, or undefined. */
  text(option: string): string | undefined;
  flag(option: string): boolean;
  /** The word at that place. @throws UsageError */
  word(index: number, name: string): string;
}

/** What a command has to say: `data` for programs, `lines` for people. */
export interface Answer {
  readonly data: unknown;
  readonly lines: readonly string[];
  /** Default 0. */
  readonly exitCode?: number;
}

/** One command of the CLI. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Everything after "nexus-marketing NAME " in the usage line. */
  readonly usage: string;
  /** What it does and its options, a few lines. */
  readonly details: string;
  readonly examples: readonly string[];
  readonly options: ParseArgsOptionsConfig;
  run(context: CommandContext): Promise<Answer>;
}

/** The command line cannot be understood: exit code 2. */
export class UsageError extends InputError {
  constructor(message: string) {
    super('E_USAGE', message);
    this.name = 'UsageError';
  }
}
