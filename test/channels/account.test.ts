import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import {
  type Account,
  type ChannelContract,
  ChannelRegistry,
  channels,
  createAccount,
  createContractAccount,
  type DeliveryResult,
  emailChannel,
  registerChannel,
  type Send,
  type Transport,
  webhookChannel,
} from '../../lib/channels';
import { mail } from './kit/pool';

const SENT: DeliveryResult = { status: 'sent', providerId: 'p' };
const DOWN: DeliveryResult = { status: 'unavailable', reason: 'refused' };

/** A transport that answers when it is told to. */
class Manual implements Transport {
  readonly open: ((result: DeliveryResult) => void)[] = [];
  closedWith: number | undefined;
  prepare(): Send {
    return () => new Promise((resolve) => this.open.push(resolve));
  }
  close(graceMs: number): Promise<void> {
    this.closedWith = graceMs;
    for (const resolve of this.open.splice(0)) resolve({ status: 'unknown', reason: 'given up' });
    return Promise.resolve();
  }
  answer(result: DeliveryResult): void {
    this.open.shift()?.(result);
  }
}

function setUp(transport: Transport, capacity = 2): { clock: VirtualClock; account: Account } {
  const clock = new VirtualClock();
  const options = { key: 'k', channel: 'test', capacity, breaker: { threshold: 2, jitter: 0 } };
  return { clock, account: createAccount(options, transport, clock) };
}

describe('An account', () => {
  it('keeps no more in flight than its capacity, and takes the rest in order', async () => {
    const transport = new Manual();
    const { account } = setUp(transport);
    const answers = ['a', 'b', 'c', 'd'].map((id) => account.execute(mail('x@y.test', 'x', id)));
    assert.equal(transport.open.length, 2);
    assert.equal(account.stats().waiting, 2);
    assert.equal(account.room(), 0);
    transport.answer(SENT);
    await answers[0];
    assert.equal(transport.open.length, 2);
    for (let i = 0; i < 3; i++) {
      transport.answer({ status: 'sent', providerId: `p${i}` });
      await answers[i + 1];
    }
    assert.equal(account.room(), 2);
    assert.equal(account.stats().sent, 4);
  });

  it('tells when there is room again', async () => {
    const transport = new Manual();
    const { account } = setUp(transport, 1);
    const first = account.execute(mail());
    let ready = false;
    const waiting = account.whenReady().then(() => (ready = true));
    await Promise.resolve();
    assert.equal(ready, false);
    transport.answer(SENT);
    await first;
    await waiting;
    assert.equal(account.room(), 1);
  });

  it('has room for one at the trial after a pause', async () => {
    const transport = new Manual();
    const { account, clock } = setUp(transport, 5);
    const failing = [account.execute(mail()), account.execute(mail())];
    transport.answer(DOWN);
    transport.answer(DOWN);
    await Promise.all(failing);
    assert.equal(account.room(), 0);
    const ready = account.whenReady();
    await clock.advance(1000);
    await ready;
    assert.equal(account.room(), 1);
    const trial = account.execute(mail());
    assert.equal(account.room(), 0);
    assert.equal((await account.execute(mail())).status, 'unavailable');
    transport.answer(SENT);
    await trial;
    assert.equal(account.room(), 5);
  });

  it('counts a transport that throws as unknown, and against the connection', async () => {
    const { account } = setUp({ prepare: () => () => Promise.reject(new Error('bug')) });
    const result = await account.execute(mail());
    assert.deepEqual(result, { status: 'unknown', reason: 'Sending broke off: bug' });
    await account.execute(mail());
    assert.equal(account.breaker.state, 'open');
  });

  it('a refusal is an answer: it closes the breaker’s count', async () => {
    const answers: DeliveryResult[] = [
      DOWN,
      { status: 'rejected', kind: 'address', reason: 'no' },
      DOWN,
      { status: 'deferred', reason: 'later' },
      DOWN,
    ];
    const { account } = setUp({ prepare: () => () => Promise.resolve(answers.shift() ?? SENT) });
    for (let i = 0; i < 5; i++) await account.execute(mail());
    assert.equal(account.breaker.state, 'closed');
    const { deferred, rejected, unavailable } = account.stats();
    assert.deepEqual([deferred, rejected, unavailable], [1, 1, 3]);
  });

  it('a message that cannot be sent at all is refused at once and proves nothing about the connection', async () => {
    const refusal: DeliveryResult = { status: 'rejected', kind: 'address', reason: 'no address' };
    const transport = new Manual();
    const { account, clock } = setUp({
      prepare: ({ id }) => {
        if (id === 'throws') throw new Error('absurd');
        return id === 'bad' ? refusal : transport.prepare();
      },
    });
    const failing = [account.execute(mail()), account.execute(mail())];
    assert.deepEqual(await account.execute(mail('x@y.test', 'x', 'bad')), refusal);
    transport.answer(DOWN);
    transport.answer(DOWN);
    await Promise.all(failing);
    await clock.advance(1000);
    assert.deepEqual(await account.execute(mail('x@y.test', 'x', 'bad')), refusal);
    assert.equal((await account.execute(mail('x@y.test', 'x', 'throws'))).status, 'rejected');
    assert.equal(account.breaker.state, 'half-open');
    assert.equal(account.room(), 1);
  });

  it('gives back what waits when it closes, answers the rest, and takes nothing more', async () => {
    const transport = new Manual();
    const { account } = setUp(transport, 1);
    const running = account.execute(mail());
    const waiting = account.execute(mail());
    const ready = account.whenReady();
    const closed = account.close(250);
    assert.equal(account.close(1), closed);
    await closed;
    await ready;
    assert.equal(transport.closedWith, 250);
    assert.equal((await running).status, 'unknown');
    assert.equal((await waiting).status, 'unavailable');
    assert.equal((await account.execute(mail())).status, 'unavailable');
    assert.equal(account.room(), 0);
    await account.whenReady();
    await assert.rejects(account.verify(), { code: 'E_CHANNEL_UNAVAILABLE' });
  });

  it('has nothing to verify where the channel offers no check', async () => {
    await setUp({ prepare: () => () => Promise.resolve(SENT) }).account.verify();
  });
});

describe('The channel registry', () => {
  const sms: ChannelContract = {
    channel: 'sms',
    capabilities: { addressKind: 'phone', idempotent: true, maxLength: 160, costPerMessage: 0.07 },
    validate: () => undefined,
    execute: (message, { settings }) =>
      Promise.resolve({ status: 'sent', providerId: `${String(settings.from)}:${message.id}` }),
  };

  it('knows e-mail and webhook from the start', () => {
    assert.deepEqual(channels.names(), ['email', 'webhook']);
    assert.equal(channels.get('email'), emailChannel);
    assert.equal(channels.get('webhook'), webhookChannel);
  });

  it('takes a plugin’s channel and lets it go again', () => {
    const leave = registerChannel(sms);
    assert.ok(channels.has('sms'));
    registerChannel(sms);
    leave();
    leave();
    assert.ok(!channels.has('sms'));
  });

  it('makes an account of a contract that brings only execute', async () => {
    const registry = new ChannelRegistry();
    registry.register(sms);
    const account = registry.createAccount('sms', { from: '+4930' }, new VirtualClock());
    assert.deepEqual(await account.execute(mail()), { status: 'sent', providerId: '+4930:m1' });
    assert.deepEqual([account.channel, account.capacity], ['sms', 10]);
    const own = createContractAccount(sms, { settings: {}, key: 'k', capacity: 3 }, new VirtualClock());
    assert.deepEqual([own.key, own.capacity], ['k', 3]);
  });

  it('refuses a second channel of the same name, and contracts with parts missing', () => {
    const registry = new ChannelRegistry();
    registry.register(sms);
    assert.throws(() => registry.register({ ...sms }), { code: 'E_CHANNEL_EXISTS' });
    for (const change of [{ channel: 'SMS!' }, { execute: 1 }, { validate: undefined }, { capabilities: undefined }]) {
      assert.throws(() => registry.register({ ...sms, channel: 'x', ...change } as unknown as ChannelContract), {
        code: 'E_CHANNEL',
      });
    }
    assert.throws(() => registry.get('pigeon'), { code: 'E_UNKNOWN_CHANNEL', message: /registered are: sms/ });
    assert.throws(() => new ChannelRegistry().get('pigeon'), { message: /registered are: none/ });
  });

  it('builds e-mail and webhook accounts from settings, and says what is wrong with them', async () => {
    const clock = new VirtualClock();
    const smtp = channels.createAccount('email', { host: 'h', port: 25, security: 'none' }, clock);
    const hook = channels.createAccount('webhook', { url: 'https://example.com/x' }, clock);
    assert.deepEqual([smtp.key, smtp.channel, hook.channel], ['smtp:h:25', 'email', 'webhook']);
    assert.throws(() => channels.createAccount('email', {}, clock), { code: 'E_SMTP_OPTIONS' });
    assert.throws(() => channels.createAccount('webhook', { url: 'ftp://x' }, clock), { code: 'E_WEBHOOK_TARGET' });
    await Promise.all([smtp.close(0), hook.close(0)]);
  });
});

describe('The built-in channels', () => {
  const clock = new VirtualClock();

  it('e-mail content needs a subject, a body and plain addresses', () => {
    const good = { subject: 'Hi', html: '<p>Hi</p>', from: { name: 'Shop', address: 'a@b.test' }, replyTo: 'c@d.test' };
    emailChannel.validate(good);
    emailChannel.validate({ subject: 'Hi', text: 'Hi' });
    for (const [field, change] of [
      ['subject', { subject: ' ' }],
      ['html', { html: '' }],
      ['from', { from: 'Shop <a@b.test>' }],
      ['from', { from: null }],
      ['replyTo', { replyTo: 'c@d.test, e@f.test' }],
    ] as const) {
      assert.throws(() => emailChannel.validate({ ...good, ...change }), { code: 'E_CONTENT', details: { field } });
    }
  });

  it('webhook content needs an http URL and a known method', () => {
    webhookChannel.validate({});
    webhookChannel.validate({ url: 'https://example.com', method: 'put' });
    assert.throws(() => webhookChannel.validate({ url: 'file:///etc/passwd' }), { details: { field: 'url' } });
    assert.throws(() => webhookChannel.validate({ method: 'CONNECT' }), { details: { field: 'method' } });
  });

  for (const channel of [emailChannel, webhookChannel]) {
    it(`${channel.channel} sends through the account it is given, and says so when there is none`, async () => {
      const account = createAccount(
        { key: 'k', channel: 'c', capacity: 1 },
        { prepare: () => () => Promise.resolve(SENT) },
        clock,
      );
      assert.deepEqual(await channel.execute(mail(), { clock, settings: {}, account }), SENT);
      assert.equal((await channel.execute(mail(), { clock, settings: {} })).status, 'unavailable');
    });

    it(`${channel.channel} cannot be unsent, and says so`, async () => {
      assert.equal((await channel.compensate?.(mail(), { clock, settings: {} }))?.status, 'not-possible');
    });
  }
});
