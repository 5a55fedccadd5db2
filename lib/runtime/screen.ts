/** What a command writes to: answers to stdout, everything else to stderr. */
export interface Screen {
  /** Answers. */
  out(line: string): void;
  /** Words on the way. */
  note(line: string): void;
  /** One line that is redrawn on a terminal; elsewhere nothing. */
  progress(line: string): void;
  /** Ends the redrawn line. */
  endProgress(): void;
  /** True when progress can be redrawn. */
  readonly live: boolean;
}

interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** A screen on two streams. */
export function createScreen(stdout: Output = process.stdout, stderr: Output = process.stderr): Screen {
  const live = stderr.isTTY === true;
  let drawn = false;
  const clear = (): void => {
    if (drawn) stderr.write('\r\x1b[2K');
    drawn = false;
  };
  return {
    live,
    out(line) {
      clear();
      stdout.write(`${line}\n`);
    },
    note(line) {
      clear();
      stderr.write(`${line}\n`);
    },
    progress(line) {
      if (!live) return;
      stderr.write(`\r\x1b[2K${line.slice(0, (stderr.columns ?? 80) - 1)}`);
      drawn = true;
    },
    endProgress: clear,
  };
}

/** A bar of `width` characters; `done` from 0 to 1. */
export function bar(done: number, width = 24): string {
  const full = Math.round(Math.min(1, Math.max(0, done)) * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
}

/** Aligns columns: numbers to the right, everything else to the left. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): string[] {
  const cells = rows.map((row) => headings.map((_, column) => shown(row[column])));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const right = headings.map(
    (_, column) => rows.length > 0 && rows.every((row) => row[column] === undefined || typeof row[column] === 'number'),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const head = headings.some((heading) => heading !== '')
    ? [line(headings), line(widths.map((width) => '─'.repeat(width)))]
    : [];
  return [...head, ...cells.map(line)];
}

function shown(value: string | number | undefined): string {
  return typeof value === 'number' ? number(value) : (value ?? '');
}

/** A number as people read it. */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}
