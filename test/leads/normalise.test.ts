import assert from 'node:assert/strict';
import fc from 'fast-check';
import { normaliseCountry, normaliseEmail, normalisePhone } from '../../lib/leads';
import { coerce } from '../../lib/leads/coerce';
import { SeenKeys } from '../../lib/leads/import/duplicates';
import { Utf8Decoder } from '../../lib/leads/import/decode';
import { guessType } from '../../lib/leads/import/guess';
import { Rejected } from '../../lib/leads/reject';
import { normaliseTimeZone } from '../../lib/leads/time-zone';

describe('an e-mail address', () => {
  const address = (given: string): string | undefined => {
    const check = normaliseEmail(given);
    return 'address' in check ? check.address : undefined;
  };

  it('is trimmed, in lower case, with its domain in ASCII', () => {
    assert.equal(address(' A.B+c@Example.COM\n'), 'a.b+c@example.com');
    assert.equal(address('ü@bücher.example'), 'ü@xn--bcher-kva.example');
    assert.equal(address('u\u0308@example.com'), 'ü@example.com');
    assert.equal(address("o'neil_x@sub.example.co"), "o'neil_x@sub.example.co");
    assert.equal(address(`${'a'.repeat(64)}@example.com`), `${'a'.repeat(64)}@example.com`);
  });

  it('is refused when it is not exactly one plain address', () => {
    for (const bad of [
      '',
      'a',
      'a@',
      '@b.com',
      'a@b',
      'a@@b.com',
      'a@b@c.com',
      '.a@b.com',
      'a.@b.com',
      'a..b@c.com',
      'a b@c.com',
      'a@b..com',
      'a@-b.com',
      'a@b-.com',
      'a@127.0.0.1',
      'a@127.1',
      'a@[127.0.0.1]',
      '"a b"@c.com',
      'A <a@b.com>',
      'a@b.com,c@d.com',
      'a@b.com;c@d.com',
      'a@b.com\r\nBcc: x@y.com',
      'a\u0000@b.com',
      'a\u200b@b.com',
      'a@exa_mple.com',
      `${'a'.repeat(65)}@b.com`,
      `a@${'b.'.repeat(130)}com`,
    ]) {
      assert.equal(address(bad), undefined, JSON.stringify(bad));
    }
  });

  it('stays as it is once normalised, whatever was given', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.emailAddress(),
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `${text}@example.com`),
        ),
        (given) => {
          const once = address(given);
          if (once === undefined) return;
          assert.equal(address(once), once);
          assert.ok(Buffer.byteLength(once) <= 254 && !/[\s<>,;:"]/.test(once));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is decided in no time even when it is meant to take long', () => {
    const start = process.hrtime.bigint();
    for (const evil of [
      `${'a.'.repeat(30_000)}@x`,
      `a@${'a-'.repeat(30_000)}`,
      'a'.repeat(100_000),
      `${'a'.repeat(60)}@${'a'.repeat(63)}.${'b'.repeat(63)}.${'-'.repeat(60)}`,
    ])
      address(evil);
    assert.ok(Number(process.hrtime.bigint() - start) / 1e6 < 200);
  });
});

describe('other built-in fields', () => {
  it('take telephone numbers as E.164, the local way when the country is known', () => {
    assert.equal(normalisePhone('+1 (202) 555-0105', undefined), '+12025550105');
    assert.equal(normalisePhone('0049 30 23125000', undefined), '+493023125000');
    assert.equal(normalisePhone('020 7946 0123', 'GB'), '+442079460123');
    assert.equal(normalisePhone('020 7946 0123', undefined), undefined);
    assert.equal(normalisePhone('call me', 'GB'), undefined);
  });

  it('take countries by code and by English, German or French name', () => {
    for (const [given, code] of [
      ['de', 'DE'],
      ['Deutschland', 'DE'],
      ['Allemagne', 'DE'],
      ['Österreich', 'AT'],
      ['Etats-Unis', 'US'],
      ['U.S.A.', 'US'],
      ['UK', 'GB'],
      ['The Netherlands', 'NL'],
      ["Côte d'Ivoire", 'CI'],
    ] as const) {
      assert.equal(normaliseCountry(given), code, given);
    }
    for (const bad of ['XX', 'Atlantis', 'EU', '', '12']) assert.equal(normaliseCountry(bad), undefined, bad);
  });

  it('take time zones by IANA name only', () => {
    assert.equal(normaliseTimeZone('europe/berlin'), 'Europe/Berlin');
    assert.equal(normaliseTimeZone('Asia/Calcutta')?.startsWith('Asia/'), true);
    for (const bad of ['Mars/Base', '+02:00', 'x'.repeat(100), ''])
      assert.equal(normaliseTimeZone(bad), undefined, bad);
  });
});

describe('the value of an attribute', () => {
  const refused = (type: Parameters<typeof coerce>[1], value: unknown): void =>
    assert.throws(
      () => coerce('x', type, value),
      (error: unknown) =>
        error instanceof Rejected && error.reason.code === 'E_ATTRIBUTE_VALUE' && error.reason.field === 'x',
    );

  it('becomes its declared type or is refused with the name of the attribute', () => {
    assert.equal(coerce('x', 'number', ' 1e3 '), 1_000);
    assert.ok(Object.is(coerce('x', 'number', -0), 0));
    for (const bad of ['1,5', '0x10', 'NaN', Infinity, true, '12 €', []]) refused('number', bad);
    assert.equal(coerce('x', 'boolean', 'Nein'), false);
    assert.equal(coerce('x', 'boolean', 1), true);
    for (const bad of ['maybe', 2, {}]) refused('boolean', bad);
    assert.deepEqual(coerce('x', 'string[]', '["a;b","c"]'), ['a;b', 'c']);
    assert.deepEqual(coerce('x', 'string[]', ' a ;; b'), ['a', 'b']);
    for (const bad of ['[1', '{"a":1}'.replace('{', '[{').replace('}', '}]'), [{}], 5]) refused('string[]', bad);
    assert.equal(coerce('x', 'string', 5), '5');
    for (const bad of ['a\u0000', '\ud800', {}, 'x'.repeat(70_000)]) refused('string', bad);
    assert.equal(coerce('x', 'number', ''), null);
    assert.equal(coerce('x', 'string', ''), '');
  });

  it('is a moment in UTC for a date, unless it says otherwise', () => {
    assert.equal(coerce('x', 'date', '2026-03-01'), Date.UTC(2026, 2, 1));
    assert.equal(coerce('x', 'date', '1.3.2026'), Date.UTC(2026, 2, 1));
    assert.equal(coerce('x', 'date', '2026-03-01T10:00:00.5+02:00'), Date.UTC(2026, 2, 1, 8, 0, 0, 500));
    assert.equal(coerce('x', 'date', '2026-03-01 10:00'), Date.UTC(2026, 2, 1, 10));
    assert.equal(coerce('x', 'date', new Date(5)), 5);
    for (const bad of [
      '2026-02-30',
      '03/01/2026',
      '2026-13-01',
      '2026-01-01T25:00',
      'tomorrow',
      1.5,
      9e15,
      new Date(NaN),
      true,
    ])
      refused('date', bad);
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date(Date.UTC(9999, 11, 31)), noInvalidDate: true }), (date) => {
        assert.equal(coerce('x', 'date', date.toISOString()), date.getTime());
      }),
    );
  });
});

describe('reading a CSV file', () => {
  it('decodes to the same text however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' })),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        fc.boolean(),
        (lines, cuts, mark) => {
          const text = lines.map((line) => line.replace(/[\n\uFEFF]/g, '')).join('\n');
          const bytes = Buffer.from((mark ? '\uFEFF' : '') + text);
          const decoder = new Utf8Decoder();
          const out: Buffer[] = [];
          for (let at = 0, n = 0; at < bytes.length; n++) {
            const size = cuts[n % cuts.length] ?? 1;
            out.push(decoder.push(bytes.subarray(at, at + size)));
            at += size;
          }
          out.push(decoder.end());
          assert.equal(Buffer.concat(out).toString(), text);
          assert.equal(decoder.encoding, 'utf-8');
        },
      ),
    );
  });

  it('reads each line in its own encoding when a file mixes them', () => {
    const decoder = new Utf8Decoder();
    const bytes = Buffer.concat([Buffer.from('für\n'), Buffer.from([0x66, 0xfc, 0x72, 0x20, 0x80, 0x0a])]);
    assert.equal(Buffer.concat([decoder.push(bytes), decoder.end()]).toString(), 'für\nfür €\n');
    assert.equal(decoder.encoding, 'mixed');
  });

  it('remembers every key with its first line', () => {
    const seen = new SeenKeys();
    for (let n = 1; n <= 50_000; n++) seen.add(`key${n % 40_000}`, n);
    for (let n = 1; n < 40_000; n++) assert.equal(seen.lineOf(`key${n}`), n);
    assert.equal(seen.lineOf('another'), undefined);
  });

  it('guesses types, and takes codes with leading zeros for texts', () => {
    assert.equal(guessType(['1', '2.5', '', '-3']), 'number');
    assert.equal(guessType(['01234', '99999']), 'string');
    assert.equal(guessType(['yes', 'no', '']), 'boolean');
    assert.equal(guessType(['2026-01-01', '2026-02-03T10:00Z']), 'date');
    assert.equal(guessType(['a;b', 'c', '']), 'string[]');
    assert.equal(guessType(['', '']), 'string');
  });
});
