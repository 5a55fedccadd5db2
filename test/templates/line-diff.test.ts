import assert from 'node:assert/strict';
import fc from 'fast-check';
import { diffLines } from '../../lib/templates/line-diff';
import type { DiffLine } from '../../lib/templates';

const SIGNS = { same: ' ', added: '+', removed: '-' } as const;
const shown = (lines: readonly DiffLine[]): string[] => lines.map(({ op, text }) => SIGNS[op] + text);
const side = (lines: readonly DiffLine[], without: DiffLine['op']): string[] =>
  lines.filter(({ op }) => op !== without).map(({ text }) => text);

/** The length of the longest common subsequence, by the book. */
function common(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const next = [0];
    b.forEach((y, at) => next.push(x === y ? (row[at] ?? 0) + 1 : Math.max(row[at + 1] ?? 0, next[at] ?? 0)));
    row = next;
  }
  return row[b.length] ?? 0;
}

describe('a diff of two texts', () => {
  it('shows what was taken out and put in, line by line', () => {
    assert.deepEqual(shown(diffLines('Hello\nold\nBye', 'Hello\nnew\nand more\nBye')), [
      ' Hello',
      '-old',
      '+new',
      '+and more',
      ' Bye',
    ]);
  });

  it('of the same text has no change, and an empty text has no lines', () => {
    assert.deepEqual(shown(diffLines('a\nb', 'a\nb')), [' a', ' b']);
    assert.deepEqual(shown(diffLines('', 'a')), ['+a']);
    assert.deepEqual(shown(diffLines('a', '')), ['-a']);
    assert.deepEqual(diffLines('', ''), []);
  });

  it('takes line breaks of all kinds for the same', () => {
    assert.deepEqual(shown(diffLines('a\r\nb', 'a\nb')), [' a', ' b']);
  });

  it('always leads from one text to the other, by the shortest way', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const lines = diffLines(a.join('\n'), b.join('\n'));
        assert.deepEqual(side(lines, 'added'), a);
        assert.deepEqual(side(lines, 'removed'), b);
        assert.equal(lines.filter(({ op }) => op === 'same').length, common(a, b));
      }),
    );
  });

  it('of two long texts that have nothing in common stays cheap', () => {
    const long = (letter: string): string => Array.from({ length: 20_000 }, (_, line) => `${letter}${line}`).join('\n');
    const lines = diffLines(`first\n${long('a')}`, `first\n${long('b')}`);
    assert.deepEqual(
      [lines.length, lines[0]?.op, lines[1]?.op, lines.at(-1)?.op],
      [40_001, 'same', 'removed', 'added'],
    );
  });
});
