import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeBody } from '../../lib/content/body';
import { encodePhrase, encodeText, encodeWords, wellFormed } from '../../lib/content/headers';
import { encodeQuotedPrintable } from '../../lib/content/quoted-printable';

function decodeQuotedPrintable(text: string): string {
  const bytes: number[] = [];
  const joined = text.replace(/=\r\n/g, '');
  for (let index = 0; index < joined.length; index++) {
    if (joined[index] === '=') {
      bytes.push(Number.parseInt(joined.slice(index + 1, index + 3), 16));
      index += 2;
    } else bytes.push(joined.charCodeAt(index));
  }
  return Buffer.from(bytes).toString('utf8').replaceAll('\r\n', '\n');
}

const anyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ' ',
        '\t',
        '\n',
        '.',
        '=',
        'From ',
        'a',
        'aaaaaaaaaaaaaaaaaaaa',
        'ä',
        '漢',
        '😀',
        '\ud83d',
        '\ude00',
        '\0',
      ),
      fc.string(),
    ),
    {
      maxLength: 60,
    },
  )
  .map((units) => units.join('').replace(/\r\n?/g, '\n'));

describe('quoted-printable', () => {
  it('gives any text back, in lines of at most 76 characters without trailing blanks, dots or "From " at their start', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const encoded = encodeQuotedPrintable(text);
        assert.equal(decodeQuotedPrintable(encoded), wellFormed(text));
        for (const line of encoded.split('\r\n')) {
          assert.ok(line.length <= 76, line);
          assert.ok(/^[\x20-\x7e\t]*$/.test(line), line);
          assert.ok(!/[ \t]$|^\.|^From /.test(line), line);
        }
        assert.ok(!/[^\r]\n|\r[^\n]/.test(encoded));
      }),
      { numRuns: 5_000, seed: 20260104 },
    );
  });

  it('never parts the bytes of one character', () => {
    for (const character of ['ä', '漢', '😀']) {
      for (let shift = 0; shift < 12; shift++) {
        for (const line of encodeQuotedPrintable('x'.repeat(shift) + character.repeat(60)).split('=\r\n')) {
          const bytes = line.replace(/=([0-9A-F]{2})/g, (_, code: string) =>
            String.fromCharCode(Number.parseInt(code, 16)),
          );
          assert.ok(!Buffer.from(bytes, 'latin1').toString('utf8').includes('\ufffd'), line);
        }
      }
    }
  });

  it('is used only when the text is not plain ASCII in lines of at most 998 characters', () => {
    const encodingOf = (text: string): string => encodeBody(text).encoding;
    assert.equal(encodingOf('plain\r\ntext\nwith a\ttab = and .'), '7bit');
    assert.equal(encodingOf('x'.repeat(998)), '7bit');
    for (const text of ['x'.repeat(999), 'ä', 'a\0b', 'trailing \n', 'end ', '\u007f', 'a\u001bb']) {
      assert.equal(encodingOf(text), 'quoted-printable', JSON.stringify(text.slice(0, 20)));
    }
    assert.equal(encodeBody('a\nb\rc\r\nd').text, 'a\r\nb\r\nc\r\nd');
  });
});

describe('header text', () => {
  it('is left alone when it is short ASCII, and folded before words when it is long', () => {
    assert.equal(encodeText('Hello "you"', 9), 'Hello "you"');
    const folded = encodeText('word '.repeat(60).trim(), 9);
    assert.ok(folded.split('\r\n').length > 3);
    assert.equal(folded.replaceAll('\r\n', ''), 'word '.repeat(60).trim());
    assert.ok(`Subject: ${folded}`.split('\r\n').every((line) => line.length <= 76));
  });

  it('is encoded when it looks encoded, or when folding would lose a blank', () => {
    for (const text of ['=?UTF-8?Q?x?=', ' lead', 'trail ', `${'a  '.repeat(40)}b`, 'x'.repeat(900)]) {
      assert.match(encodeText(text, 9), /^=\?UTF-8\?[QB]\?/, text);
    }
  });

  it('is encoded in words of at most 75 characters, lines of at most 76, each word whole by itself', () => {
    fc.assert(
      fc.property(
        anyText.filter((text) => text !== ''),
        fc.integer({ min: 2, max: 40 }),
        (text, used) => {
          const encoded = encodeWords(text, used);
          const linesOf = `${'h'.repeat(used)}${encoded}`.split('\r\n');
          assert.ok(
            linesOf.every((line) => line.length <= 76),
            encoded,
          );
          const words = encoded.split('\r\n ');
          const decoded = words.map((word) => {
            assert.ok(word.length <= 75);
            const match = /^=\?UTF-8\?([QB])\?([A-Za-z0-9+/=_!*-]+)\?=$/.exec(word);
            assert.ok(match, word);
            const [, kind, body = ''] = match;
            const part =
              kind === 'B'
                ? Buffer.from(body, 'base64').toString('utf8')
                : decodeQuotedPrintable(body.replaceAll('_', ' '));
            return part;
          });
          assert.equal(decoded.join(''), wellFormed(text));
        },
      ),
      { numRuns: 3_000, seed: 20260105 },
    );
  });

  it('quotes display names, and encodes them when they are long or not ASCII', () => {
    assert.equal(encodePhrase('A "b" \\ c, d@e', 4), '"A \\"b\\" \\\\ c, d@e"');
    assert.match(encodePhrase('Ö', 4), /^=\?UTF-8\?/);
    assert.match(encodePhrase('x'.repeat(100), 4), /^=\?UTF-8\?/);
  });
});
