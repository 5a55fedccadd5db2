import assert from 'node:assert/strict';
import { connectionTrouble, messageOutcome } from '../../lib/channels/smtp/outcome';
import { redactor } from '../../lib/channels/smtp/redact';

/** Answer, command, kind. The texts are those of real mail servers, shortened. */
const KINDS: [string, 'MAIL FROM' | 'RCPT TO' | 'DATA', string][] = [
  ['550 5.1.1 <x@y.test>: Recipient address rejected: User unknown in local recipient table', 'RCPT TO', 'address'],
  ['550-5.1.1 The email account that you tried to reach does not exist.\n550 5.1.1 Try again', 'RCPT TO', 'address'],
  ['550 5.1.2 Bad destination system', 'RCPT TO', 'address'],
  ['550 5.1.10 Recipient not found', 'RCPT TO', 'address'],
  ['556 5.1.10 Domain does not accept mail', 'RCPT TO', 'address'],
  ['556 Domain does not accept mail', 'RCPT TO', 'address'],
  ['550 No such user here', 'RCPT TO', 'address'],
  ['550 Unrouteable address', 'RCPT TO', 'address'],
  ['553 Mailbox name not allowed', 'RCPT TO', 'address'],
  ['550 Mailbox not found', 'RCPT TO', 'address'],
  ['550 Requested action not taken', 'RCPT TO', 'other'],
  ['550 5.2.1 Mailbox disabled', 'RCPT TO', 'other'],
  ['552 5.2.2 Mailbox full', 'RCPT TO', 'other'],
  ['552 5.2.3 Message too large for mailbox', 'DATA', 'content'],
  ['552 5.3.4 Message too big for system', 'MAIL FROM', 'content'],
  ['552 Message size exceeds limit', 'DATA', 'content'],
  ['554 5.6.0 Malformed MIME', 'DATA', 'content'],
  ['553 5.6.7 Non-ASCII addresses not permitted', 'RCPT TO', 'other'],
  ['554 Transaction failed', 'DATA', 'content'],
  ['550 5.7.1 Relaying denied', 'RCPT TO', 'policy'],
  ['550 5.7.1 Service unavailable; Client host [1.2.3.4] blocked using zen.spamhaus.org', 'RCPT TO', 'reputation'],
  ['550 5.7.26 Unauthenticated email is not accepted', 'DATA', 'reputation'],
  ['550 5.7.515 Access denied, sending domain does not meet the required level', 'DATA', 'reputation'],
  ['554 5.7.0 Blocked - see our site', 'DATA', 'reputation'],
  ['554 Message rejected as spam', 'DATA', 'reputation'],
  ['550 User unknown, see our DNSBL', 'RCPT TO', 'reputation'],
  ['550 5.1.7 Invalid sender', 'RCPT TO', 'policy'],
  ['550 5.1.8 Sender domain not found', 'MAIL FROM', 'policy'],
  ['550 5.1.1 Sender unknown', 'MAIL FROM', 'policy'],
  ['550 Sender rejected', 'MAIL FROM', 'policy'],
  ['550 5.4.1 Access denied', 'RCPT TO', 'other'],
  ['501 5.5.4 Syntax', 'RCPT TO', 'other'],
  ['550 4.1.1 Mixed up', 'RCPT TO', 'other'],
];

describe('What a refusal says about the person', () => {
  for (const [response, command, kind] of KINDS) {
    it(`${command}: "${response.slice(0, 70).replace('\n', ' / ')}" is about the ${kind}`, () => {
      const result = messageOutcome({ message: response, response, command, code: 'EENVELOPE' }, command === 'DATA');
      assert.deepEqual(result, { status: 'rejected', kind, code: Number(response.slice(0, 3)), reason: response });
    });
  }

  it('5.7.x never is about the address, whatever the text says', () => {
    for (let detail = 0; detail < 700; detail++) {
      const response = `550 5.7.${detail} user unknown, no such user`;
      const result = messageOutcome({ message: '', response, command: 'RCPT TO' }, false);
      assert.ok(result.status === 'rejected' && result.kind !== 'address');
    }
  });
});

describe('An answer that is none', () => {
  for (const response of ['hello', '45', '4500 x', '600 x', '250 Ok', undefined]) {
    it(`${response ?? 'nothing'}: unavailable before the content, unknown from then on`, () => {
      const failure = { message: 'Connection closed', ...(response === undefined ? {} : { response }) };
      assert.equal(messageOutcome(failure, false).status, 'unavailable');
      assert.equal(messageOutcome(failure, true).status, 'unknown');
    });
  }
});

describe('Connection trouble as a sentence', () => {
  it('names the server and the kind of trouble', () => {
    const sentence = (code: string, response?: string): string =>
      connectionTrouble({ message: 'why', code, ...(response === undefined ? {} : { response }) }, 'mx:25');
    assert.equal(sentence('EAUTH', '535 no'), 'The mail server mx:25 did not accept the login: 535 no');
    assert.equal(sentence('ETLS'), 'No secure connection to the mail server mx:25: why');
    assert.equal(sentence('EDNS'), "The mail server's name mx:25 was not found: why");
    assert.equal(sentence('ESOCKET'), 'No connection to the mail server mx:25: why');
    assert.equal(sentence('EPROTOCOL', '554 no'), 'The mail server mx:25 refused the session: 554 no');
  });

  it('comes as one bounded line without secrets', () => {
    const redact = redactor({ auth: { user: 'robot', password: 'canary' } });
    const echoed = ['canary', 'robot', '\0robot\0canary'].map((text) => Buffer.from(text).toString('base64'));
    assert.equal(redact(`a\r\nb\0c canary ${echoed.join(' ')}`), 'a b c *** *** *** ***');
    assert.equal(redactor({})('x'.repeat(9999)).length, 500);
  });
});
