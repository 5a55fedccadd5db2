import assert from 'node:assert/strict';
import fc from 'fast-check';
import { envelopeAddress } from '../../lib/channels';

describe('An address for the envelope', () => {
  const good: [string, string][] = [
    ['ann@example.com', 'ann@example.com'],
    ["Ann.O'Hara+news@Mail.Example.co.uk", "Ann.O'Hara+news@Mail.Example.co.uk"],
    ['x!#$%&*/=?^_`{|}~-@example.com', 'x!#$%&*/=?^_`{|}~-@example.com'],
    ['jörg@example.com', 'jörg@example.com'],
    ['info@müller.example', 'info@xn--mller-kva.example'],
    ['a@localhost', 'a@localhost'],
  ];
  for (const [given, expected] of good) {
    it(`takes ${given}`, () => assert.equal(envelopeAddress(given), expected));
  }

  const bad: unknown[] = [
    '',
    'ann',
    '@example.com',
    'ann@',
    'a b@example.com',
    'ann@exa mple.com',
    'ann@example.com\r\nBcc: eve@example.com',
    'ann\r\n@example.com',
    'ann@example\t.com',
    'ann@example.com\0',
    'ann@example.com,eve@example.com',
    'ann@example.com;eve@example.com',
    'Ann <ann@example.com>',
    '<ann@example.com>',
    '"ann"@example.com',
    'ann(comment)@example.com',
    'ann@eve@example.com',
    '.ann@example.com',
    'ann.@example.com',
    'an..n@example.com',
    'ann@-example.com',
    'ann@example-.com',
    'ann@example..com',
    'ann@.example.com',
    'ann@127.0.0.1',
    'ann@[127.0.0.1]',
    'ann@[IPv6:::1]',
    'ann@ｅxample\u3002com\u2028x',
    'ann\u00a0x@example.com',
    `${'a'.repeat(65)}@example.com`,
    `ann@${'a'.repeat(64)}.com`,
    `ann@${'a.'.repeat(130)}com`,
    null,
    undefined,
    { address: 'ann@example.com' },
    ['ann@example.com', 'eve@example.com'],
  ];
  for (const given of bad) {
    it(`refuses ${JSON.stringify(given)?.slice(0, 60)}`, () => assert.equal(envelopeAddress(given), undefined));
  }

  it('never lets through anything that could end a command or name a second recipient (property)', () => {
    const nasty = fc.string({ unit: fc.constantFrom(...'ab.@<>,;:"()[]\\ \t\r\n\0é-1'.split('')), maxLength: 30 });
    fc.assert(
      fc.property(nasty, nasty, (local, domain) => {
        const address = envelopeAddress(`${local}@${domain}`);
        if (address === undefined) return;
        assert.match(address, /^[^\s<>,;:"()[\]\\\0]+$/u);
        assert.equal(address.split('@').length, 2);
      }),
      { numRuns: 5000 },
    );
  });
});
