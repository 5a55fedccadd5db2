import type { DiffLine } from './types';

/** Changed lines up to which the shortest script is looked for; beyond, a changed stretch is shown as a whole. */
const MOST_EDITS = 1_000;

/** How one text becomes another, line by line: the shortest way (Myers, "An O(ND) difference algorithm", 1986). */
export function diffLines(before: string, after: string): DiffLine[] {
  const a = linesOf(before);
  const b = linesOf(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const left = a.slice(head, a.length - tail);
  const right = b.slice(head, b.length - tail);
  return [
    ...lines('same', a.slice(0, head)),
    ...(shortest(left, right) ?? [...lines('removed', left), ...lines('added', right)]),
    ...lines('same', a.slice(a.length - tail)),
  ];
}

/** No text has no line, not an empty one. */
function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/\r\n|\r|\n/);
}

function lines(op: DiffLine['op'], texts: readonly string[]): DiffLine[] {
  return texts.map((text) => ({ op, text }));
}

/** The shortest script, or undefined when it has more than {@link MOST_EDITS} changes. */
function shortest(a: readonly string[], b: readonly string[]): DiffLine[] | undefined {
  const most = Math.min(a.length + b.length, MOST_EDITS);
  /** Per number of edits: how far into `a` each diagonal got. Diagonal k (x - y) stands at k + most + 1. */
  const rounds: Int32Array[] = [];
  const reach = new Int32Array(2 * most + 3);
  const at = (v: Int32Array, k: number): number => v[k + most + 1] ?? 0;
  for (let edits = 0; edits <= most; edits++) {
    rounds.push(reach.slice());
    for (let k = -edits; k <= edits; k += 2) {
      const down = goesDown(k, edits, (diagonal) => at(reach, diagonal));
      let x = down ? at(reach, k + 1) : at(reach, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach[k + most + 1] = x;
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, rounds, at);
    }
  }
  return undefined;
}

function goesDown(k: number, edits: number, reached: (diagonal: number) => number): boolean {
  return k === -edits || (k !== edits && reached(k - 1) < reached(k + 1));
}

function walkBack(
  a: readonly string[],
  b: readonly string[],
  rounds: readonly Int32Array[],
  at: (v: Int32Array, k: number) => number,
): DiffLine[] {
  const script: DiffLine[] = [];
  let x = a.length;
  let y = b.length;
  for (let edits = rounds.length - 1; edits >= 0; edits--) {
    const reach = rounds[edits] ?? new Int32Array();
    const k = x - y;
    const before = edits === 0 ? 0 : goesDown(k, edits, (diagonal) => at(reach, diagonal)) ? k + 1 : k - 1;
    const fromX = edits === 0 ? 0 : at(reach, before);
    const fromY = fromX - before;
    while (x > Math.max(0, fromX) && y > Math.max(0, fromY)) {
      script.push({ op: 'same', text: a[--x] ?? '' });
      y--;
    }
    if (edits === 0) break;
    if (x > fromX) script.push({ op: 'removed', text: a[--x] ?? '' });
    else script.push({ op: 'added', text: b[--y] ?? '' });
  }
  return script.reverse();
}
