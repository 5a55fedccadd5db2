import { pino } from 'pino';
import type { Clock } from '../clock';

/** Where the runtime says what it does. Never to stdout: that belongs to the answers of commands. */
export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'off';

/** How to log. */
export interface LogOptions {
  readonly clock: Clock;
  readonly level: LogLevel;
  /** `text` for people, `json` for collectors (one object per line, as pino writes them). */
  readonly format: 'text' | 'json';
  write?(line: string): void;
}

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'off'];

/** A log that writes lines to stderr. */
export function createLog(options: LogOptions): Log {
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const least = ORDER.indexOf(options.level);
  const say = options.format === 'json' ? jsonWriter(options, write) : textWriter(options, write);
  const at =
    (level: Exclude<LogLevel, 'off'>) =>
    (text: string): void => {
      if (ORDER.indexOf(level) >= least) say(level, text);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

type Say = (level: Exclude<LogLevel, 'off'>, text: string) => void;

function jsonWriter({ clock }: LogOptions, write: (line: string) => void): Say {
  const logger = pino({ level: 'debug', timestamp: () => `,"time":${clock.now()}` }, { write });
  return (level, text) => logger[level](text);
}

function textWriter({ clock }: LogOptions, write: (line: string) => void): Say {
  return (level, text) => write(`${new Date(clock.now()).toISOString()} ${level.padEnd(5)} ${text}\n`);
}
