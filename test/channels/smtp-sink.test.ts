import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readRecords, startSink } from '../../bench/lib/smtp-sink';
import { TestPool } from './kit/pool';

const text = (id: string): string => `Subject: x\r\nMessage-ID: <${id}@shop.example>\r\n\r\n${'line\r\n'.repeat(2000)}`;

describe('The SMTP sink of benches and crash tests', function () {
  this.timeout(20_000);

  for (const pipelining of [true, false]) {
    it(`counts messages, and tells duplicates apart ${pipelining ? 'with' : 'without'} pipelining`, async () => {
      const sink = await startSink({ identify: true, pipelining });
      const pool = new TestPool(sink.port);
      const ids = [...Array.from({ length: 30 }, (_, i) => `${i}`), '3', '4'];
      const results = await Promise.all(ids.map((id) => pool.send(`u${id}@example.com`, text(id))));
      assert.ok(results.every(({ status }) => status === 'sent'));
      const { messages, distinct, duplicates } = await sink.counts();
      assert.deepEqual({ messages, distinct, duplicates }, { messages: 32, distinct: 30, duplicates: 2 });
      assert.equal(sink.kind, 'own');
      await pool.drain();
      await sink.stop();
    });
  }

  it('has written down what it acknowledged, even when it is killed right after', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sink-'));
    const record = path.join(folder, 'arrived.tsv');
    const sink = await startSink({ record });
    const pool = new TestPool(sink.port);
    await Promise.all(['a', 'b', 'c'].map((id) => pool.send(`${id}@example.com`, text(id))));
    process.kill(sink.pid, 'SIGKILL');
    const records = readRecords(record).sort((one, other) => one.recipient.localeCompare(other.recipient));
    assert.deepEqual(
      records,
      ['a', 'b', 'c'].map((id) => ({ messageId: `<${id}@shop.example>`, recipient: `${id}@example.com` })),
    );
    await sink.stop();
    rmSync(folder, { recursive: true });
  });

  it('counts without looking at messages', async () => {
    const sink = await startSink({ count: true });
    const pool = new TestPool(sink.port);
    await pool.send('a@example.com', text('a'));
    await pool.drain();
    // Debian's prints its counter a moment after it answered.
    let messages = 0;
    while (messages === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      ({ messages } = await sink.counts());
    }
    assert.equal(messages, 1);
    await sink.stop();
  });

  it('uses Debian’s smtp-sink where there is one, and reads its counter', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sink-'));
    const standIn = `#!${process.execPath}
      const net = require('node:net');
      const [host, port] = process.argv.at(-2).split(':');
      process.stdout.write('sess=0 quit=0 mesg=0\\r');
      net.createServer(() => process.stdout.write('sess=3 quit=2 mesg=41\\rsess=3 quit=2 mesg=42\\rsess=3 qu')).listen(port, host);
    `;
    writeFileSync(path.join(folder, 'smtp-sink'), standIn, { mode: 0o755 });
    const { PATH } = process.env;
    process.env.PATH = `${folder}:${PATH ?? ''}`;
    try {
      const sink = await startSink({ count: true });
      assert.equal(sink.kind, 'smtp-sink');
      let counts = await sink.counts();
      while (counts.messages < 42) counts = await new Promise((resolve) => setImmediate(() => resolve(sink.counts())));
      assert.deepEqual(counts, { messages: 42, connections: 3 });
      await sink.stop();
    } finally {
      process.env.PATH = PATH;
      rmSync(folder, { recursive: true });
    }
  });
});
