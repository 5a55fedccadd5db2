import { parseArgs } from 'node:util';
import { InputError } from '../../lib/errors';

/** What an option of a bench means when it is not given; its type is the option's type. */
export interface BenchOption {
  readonly default: number | boolean | string;
  readonly says: string;
}

/** What every run is made of: the options, and where to say how it goes (stderr; stdout belongs to the figures). */
export interface BenchContext {
  number(name: string): number;
  flag(name: string): boolean;
  text(name: string): string;
  say(line: string): void;
}

/** The figures of a bench. `ratio` is ours against the other side, above 1 where we are better unless the bench says otherwise. */
export interface Figures {
  readonly ratio: number | null;
  readonly [figure: string]: unknown;
}

/** One bench: what is measured on both sides, and why that is fair, stands in its file. */
export interface Bench {
  readonly name: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, BenchOption>>;
  run(context: BenchContext): Promise<Figures>;
}

/**
 * Reads a bench's options from the command line.
 * @throws InputError `E_OPTION` for one that the bench does not have, or a value of the wrong kind
 */
export function readOptions(bench: Bench, args: readonly string[]): BenchContext {
  const names = Object.keys(bench.options);
  const { values } = parse(bench, args);
  const valueOf = (name: string): number | boolean | string => {
    const option = bench.options[name];
    if (!option)
      throw new InputError('E_OPTION', `The bench "${bench.name}" has no option --${name}, only: ${names.join(', ')}.`);
    const given = values[name];
    if (given === undefined) return option.default;
    if (typeof option.default !== 'number') return given;
    const number = Number(given);
    if (!Number.isFinite(number) || number < 0)
      throw new InputError('E_OPTION', `--${name} wants a number, not "${String(given)}".`);
    return number;
  };
  return {
    number: (name) => Number(valueOf(name)),
    flag: (name) => valueOf(name) === true,
    text: (name) => String(valueOf(name)),
    say: (line) => void process.stderr.write(`${line}\n`),
  };
}

function parse(bench: Bench, args: readonly string[]): { values: Record<string, string | boolean | undefined> } {
  const options = Object.fromEntries(
    Object.entries(bench.options).map(([name, option]) => [
      name,
      { type: typeof option.default === 'boolean' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options: { ...options, json: { type: 'boolean' } }, strict: true });
  } catch (error) {
    throw new InputError('E_OPTION', error instanceof Error ? error.message : String(error), { cause: error });
  }
}
