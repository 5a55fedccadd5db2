import assert from 'node:assert/strict';
import { createTransport, type Transporter } from 'nodemailer';
import { VirtualClock } from '../../lib/clock';
import { mailboxRouter } from '../../lib/http';
import { parseMail, startMailSink, type MailSink } from '../../lib/runtime/mailbox';
import { mailboxSource } from '../../lib/runtime/mailbox/source';
import { serve, type Served } from '../http/kit';

describe('the mailbox', () => {
  let clock: VirtualClock;
  let sink: MailSink;
  let mailer: Transporter;

  beforeEach(async () => {
    clock = new VirtualClock(Date.UTC(2026, 4, 1, 12));
    sink = await startMailSink({ clock, keep: 3 });
    mailer = createTransport({ host: sink.host, port: sink.port, secure: false, ignoreTLS: true });
  });
  afterEach(async () => {
    mailer.close();
    await sink.close();
  });

  const send = (to: string, messageId: string, more: object = {}): Promise<unknown> =>
    mailer.sendMail({ from: 'Mara <mara@example.org>', to, subject: 'Grüße', text: 'Hallo', messageId, ...more });

  it('keeps what arrives, newest first', async () => {
    await send('a@example.org', '<1@x>');
    await send('b@example.org', '<2@x>');
    assert.deepEqual(
      sink.list().map((mail) => [mail.id, mail.envelope.to, mail.subject, mail.receivedAt]),
      [
        [2, ['b@example.org'], 'Grüße', Date.UTC(2026, 4, 1, 12)],
        [1, ['a@example.org'], 'Grüße', Date.UTC(2026, 4, 1, 12)],
      ],
    );
    assert.equal(sink.latestTo('a@example.org')?.messageId, '<1@x>');
    assert.deepEqual(sink.figures(), { arrived: 2, duplicates: 0, recipients: 2 });
  });

  it('finds out that a message reached the same person twice, and only then', async () => {
    await send('a@example.org', '<1@x>');
    await send('b@example.org', '<1@x>');
    await send('a@example.org', '<2@x>');
    assert.equal(sink.figures().duplicates, 0);
    await send('a@example.org', '<1@x>');
    assert.deepEqual(sink.figures(), { arrived: 4, duplicates: 1, recipients: 2 });
  });

  it('keeps no more mails than it was told, and counts all the same', async () => {
    for (let number = 1; number <= 5; number++) await send('a@example.org', `<${number}@x>`);
    assert.deepEqual(
      sink.list().map((mail) => mail.id),
      [5, 4, 3],
    );
    assert.equal(sink.get(1), undefined);
    assert.equal(sink.figures().arrived, 5);
  });

  it('says which port is taken', async () => {
    await assert.rejects(startMailSink({ clock, port: sink.port }), { code: 'E_PORT_IN_USE' });
  });

  it('takes a mail with umlauts, several parts and an attachment apart', async () => {
    await send('Jörg Müller <j@example.org>', '<1@x>', {
      text: 'Ein sehr langer Text mit ä, ö und ü. '.repeat(10),
      html: '<p style="color:red">Schöne Grüße = alles</p>',
      attachments: [{ filename: 'übersicht.txt', content: 'abc' }],
    });
    const raw = sink.list()[0]?.raw;
    assert.ok(raw);
    const mail = parseMail(raw);
    assert.equal(mail.headers.find(({ name }) => name === 'To')?.value, 'Jörg Müller <j@example.org>');
    assert.equal(mail.text?.trim(), 'Ein sehr langer Text mit ä, ö und ü. '.repeat(10).trim());
    assert.equal(mail.html?.trim(), '<p style="color:red">Schöne Grüße = alles</p>');
    assert.equal(mail.attachments.length, 1);
    assert.equal(mail.attachments[0]?.bytes, 3);
  });

  it('shows what makes no sense as it is, and throws nothing', () => {
    for (const text of [
      '',
      '\r\n',
      'no header at all',
      'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x',
      'Content-Type: text/plain; charset=martian\n\nhi',
    ]) {
      assert.equal(typeof parseMail(Buffer.from(text)), 'object');
    }
    assert.equal(parseMail(Buffer.from('Subject: a\n\nbody')).text, 'body');
  });

  describe('page', () => {
    let served: Served;

    beforeEach(async () => {
      served = await serve(mailboxRouter(mailboxSource(sink)));
    });
    afterEach(() => served.close());

    it('loads nothing from elsewhere and runs only its own script', async () => {
      const { status, headers, body } = await served.ask('GET', '/mailbox');
      assert.equal(status, 200);
      assert.doesNotMatch(body, /(?:src|href)="?https?:/);
      const policy = String(headers['content-security-policy']);
      const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1];
      assert.ok(nonce);
      assert.ok(body.includes(`<script nonce="${nonce}">`));
      assert.match(policy, /default-src 'none'/);
    });

    it('lists the mails', async () => {
      await send('a@example.org', '<1@x>');
      const { body } = await served.ask('GET', '/mailbox/list');
      assert.deepEqual(JSON.parse(body), {
        arrived: 1,
        mails: [
          {
            id: 1,
            receivedAt: Date.UTC(2026, 4, 1, 12),
            from: 'Mara <mara@example.org>',
            to: 'a@example.org',
            subject: 'Grüße',
          },
        ],
      });
    });

    it("shows a mail's text and headers, its HTML apart in a sandbox, and the mail itself", async () => {
      await send('a@example.org', '<1@x>', { html: '<script>alert(1)</script><a href="https://example.org">x</a>' });
      const view = JSON.parse((await served.ask('GET', '/mailbox/1')).body) as Record<string, unknown>;
      assert.equal(view['text'], 'Hallo');
      assert.equal(view['hasHtml'], true);
      assert.equal(view['html'], undefined);
      const html = await served.ask('GET', '/mailbox/1/html');
      assert.match(String(html.headers['content-security-policy']), /^sandbox allow-popups/);
      assert.match(String(html.headers['content-security-policy']), /default-src 'none'/);
      assert.match(html.body, /<base target="_blank">/);
      const mail = await served.ask('GET', '/mailbox/1/mail.eml');
      assert.equal(mail.headers['content-type'], 'message/rfc822');
      assert.equal(mail.body, sink.get(1)?.raw.toString());
    });

    it('answers 404 for a mail that is no longer kept', async () => {
      for (const path of ['/mailbox/9', '/mailbox/9/html', '/mailbox/9/mail.eml', '/mailbox/x']) {
        assert.equal((await served.ask('GET', path)).status, 404);
      }
    });
  });
});
