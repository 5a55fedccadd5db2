import assert from 'node:assert/strict';
import { crashRun } from './kit/crash-run';

describe('a runtime that is killed again and again while it sends', function () {
  this.timeout(120_000);

  it('loses nobody under "resend", and sends to no more twice than were in flight', async () => {
    const { figures, broken } = await crashRun({ audience: 600, kills: 4, seed: 11, policy: 'resend' });
    assert.deepEqual(broken, []);
    assert.equal(figures.sent, 600);
    assert.equal(figures.lost, 0);
    assert.ok(figures.duplicates <= 4 * figures.inFlightBound, `${figures.duplicates} duplicates`);
  });

  it('loses nobody under "hold", and sends to nobody twice', async () => {
    const { figures, broken } = await crashRun({ audience: 600, kills: 4, seed: 12, policy: 'hold' });
    assert.deepEqual(broken, []);
    assert.equal(figures.duplicates, 0);
    assert.equal(figures.lost, 0);
    assert.ok(figures.sent + figures.unknown >= 600, `${figures.sent} sent, ${figures.unknown} in doubt`);
  });

  it('keeps the same promises as a headless Node-RED that runs a flow', async () => {
    const { figures, broken } = await crashRun({ audience: 500, kills: 2, seed: 13, policy: 'hold', kind: 'node-red' });
    assert.deepEqual(broken, []);
    assert.equal(figures.duplicates, 0);
    assert.equal(figures.lost, 0);
  });
});
