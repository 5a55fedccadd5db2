import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createUnsubscribeSigner, type UnsubscribePayload } from '../../lib/compliance';
import { InputError } from '../../lib/errors';

const secret = 'a secret of more than 16 characters';
const signer = createUnsubscribeSigner({ current: secret });
const payload: UnsubscribePayload = { tenant: 'acme', lead: 12345, campaign: 7, message: 99, channel: 'email' };

const id = fc.oneof(fc.nat(300), fc.maxSafeNat());
const anyPayload = fc.record(
  {
    tenant: fc.string({ minLength: 1, maxLength: 60 }),
    lead: id,
    campaign: id,
    message: id,
    channel: fc.constantFrom('email', 'sms', 'whatsapp', 'é'),
  },
  { requiredKeys: ['tenant', 'lead', 'channel'], noNullPrototype: true },
);

describe('an unsubscribe token', () => {
  it('gives back what was signed, for any ids', () => {
    fc.assert(
      fc.property(anyPayload, (given) => {
        const token = signer.sign(given);
        assert.match(token, /^[A-Za-z0-9_-]+$/);
        assert.deepEqual(signer.verify(token), given);
      }),
    );
  });

  it('is short, the same each time, and shows nothing of what it holds', () => {
    const token = signer.sign(payload);
    assert.ok(token.length <= 60, String(token.length));
    assert.equal(signer.sign({ ...payload }), token);
    const bytes = Buffer.from(token, 'base64url').toString('latin1');
    assert.ok(!bytes.includes('acme') && !bytes.includes('email'));
    const next = Buffer.from(signer.sign({ ...payload, lead: 12346 }), 'base64url');
    const differing = Buffer.from(token, 'base64url').filter((byte, index) => byte !== next[index]).length;
    assert.ok(differing > 20, 'neighbouring leads have nothing in common');
  });

  it('is worth nothing when any bit of it changes, or anything is cut off or added', () => {
    const bytes = Buffer.from(signer.sign(payload), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(signer.verify(changed.toString('base64url')), undefined);
    }
    const token = signer.sign(payload);
    for (const other of [
      token.slice(1),
      token.slice(0, -1),
      `${token}A`,
      `${token}=`,
      `${token}\n`,
      ` ${token}`,
      token.replace(/.$/, '*'),
    ]) {
      assert.equal(signer.verify(other), undefined, other);
    }
  });

  it('has one spelling only', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (const lead of [1, 1_000, 1_000_000]) {
      const token = signer.sign({ tenant: 'a', lead, channel: 'email' });
      const valid = [...alphabet].filter((last) => signer.verify(token.slice(0, -1) + last) !== undefined);
      assert.deepEqual(valid, [token.at(-1)]);
    }
  });

  it('answers nothing for rubbish of any kind', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: 'binary' })), (text) => {
        assert.equal(signer.verify(text), undefined);
      }),
    );
    assert.equal(signer.verify('A'.repeat(100_000)), undefined);
    for (const odd of [undefined, null, 5, {}, ['x']]) assert.equal(signer.verify(odd as string), undefined);
  });

  it('stays valid when the secret changes, as long as the old one is kept', () => {
    const token = signer.sign(payload);
    const changed = createUnsubscribeSigner({
      current: 'another secret of the same length',
      previous: ['unrelated secret 123', secret],
    });
    assert.deepEqual(changed.verify(token), payload);
    assert.notEqual(changed.sign(payload), token);
    assert.equal(createUnsubscribeSigner({ current: 'another secret of the same length' }).verify(token), undefined);
  });

  it('is refused for what it cannot hold, and for a secret that is too short', () => {
    const wrong: Partial<UnsubscribePayload>[] = [
      ...[
        { lead: -1 },
        { lead: 1.5 },
        { lead: 2 ** 53 },
        { campaign: Number.NaN },
        { tenant: '' },
        { channel: '' },
        { tenant: 'x'.repeat(256) },
      ],
      { tenant: 'ä'.repeat(200) },
    ];
    for (const change of wrong)
      assert.throws(() => signer.sign({ ...payload, ...change }), { code: 'E_TOKEN_PAYLOAD' });
    assert.throws(() => createUnsubscribeSigner({ current: 'short' }), InputError);
    assert.throws(() => createUnsubscribeSigner({ current: secret, previous: [''] }), { code: 'E_SECRET' });
  });

  it('holds names of the greatest length', () => {
    const long = {
      tenant: 't'.repeat(255),
      lead: Number.MAX_SAFE_INTEGER,
      campaign: 0,
      message: Number.MAX_SAFE_INTEGER,
      channel: 'c'.repeat(255),
    };
    assert.deepEqual(signer.verify(signer.sign(long)), long);
  });
});
