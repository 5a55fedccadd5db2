import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore } from '../../lib/store';
import { longestGap } from './event-loop';

describe('several stores of one process on a new SQLite file', () => {
  it('bring its schema up to date one after another, and stop nothing else meanwhile', async function () {
    this.timeout(120_000);
    const folder = mkdtempSync(path.join(tmpdir(), 'nm-first-'));
    const stores = await Promise.all(
      Array.from({ length: 4 }, () => openStore({ url: `sqlite:${path.join(folder, 'new.sqlite')}` })),
    );
    try {
      let ran: string[][] = [];
      const gap = await longestGap(async () => {
        ran = await Promise.all(stores.map((store) => store.migrate()));
      });
      assert.equal(ran.filter((names) => names.length > 0).length, 1);
      // Waiting inside SQLite would have taken fifteen seconds.
      assert.ok(gap < 5_000, `the event loop stood still for ${gap} ms`);
    } finally {
      for (const store of stores) await store.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
