import assert from 'node:assert/strict';
import { accounted, examine } from './kit/examine';
import { Random } from './kit/random';
import { addressOf, Rig, type RigOptions } from './kit/rig';
import { DEFINITION } from './kit/words';

const HOUR = 3_600_000;

describe('a runtime that is killed', function () {
  this.timeout(90_000);
  let rig: Rig;

  async function open(options: Partial<RigOptions> & { audience: number }): Promise<Rig> {
    rig = await Rig.open({ policy: 'hold', ...options });
    return rig;
  }
  afterEach(() => rig.close());

  it('while the audience is being written: nobody enters twice, nobody is left out', async () => {
    const audience = 20_000;
    const random = new Random(21);
    await open({ audience, launch: false });
    const { scope, campaigns } = rig.marketing;
    await campaigns.launch(DEFINITION, { approved: true });
    const cursor = async (): Promise<number | null> =>
      (
        await scope.get<{ expanding_from: number | null }>(
          `SELECT expanding_from FROM marketing_campaigns WHERE tenant_id = :tenant`,
        )
      )?.expanding_from ?? null;

    const cursors: number[] = [];
    for (let kill = 0; kill < 3; kill++) {
      const child = rig.start({ slowPagesMs: 10, dropWires: true });
      const pages = random.whole(2, 5);
      await child.until(() => child.words.filter(({ type }) => type === 'page').length >= pages);
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 20)));
      await child.kill();
      const now = await cursor();
      assert.ok(now !== null, `kill ${kill + 1} came while the audience was being written`);
      cursors.push(now);
    }
    assert.deepEqual(
      [...cursors].sort((a, b) => a - b),
      cursors,
      'the cursor only moves on',
    );

    const last = rig.start({ dropWires: true });
    await last.until(() => last.said('ready'));
    for (let tries = 0; (await cursor()) !== null && tries < 600; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const rows = await scope.get<{ people: number; distinct_people: number; first_steps: number }>(
      `SELECT COUNT(*) AS people, COUNT(DISTINCT lead_id) AS distinct_people,
              (SELECT COUNT(*) FROM marketing_steps s WHERE s.tenant_id = :tenant AND s.parent_id = 0) AS first_steps
       FROM marketing_enrollments WHERE tenant_id = :tenant`,
    );
    assert.deepEqual({ ...rows }, { people: audience, distinct_people: audience, first_steps: audience });
    const { stations } = await campaigns.report(DEFINITION);
    assert.equal(stations.find(({ step }) => step === 'start')?.counters['entered'], audience);
  });

  it('while people wait at a delay that ends during the downtime: they go on at once, all of them, and nobody before', async () => {
    const audience = 300;
    await open({ audience, waitMs: HOUR });
    const { scope } = rig.marketing;
    const waiting = async (): Promise<number> =>
      Number(
        (
          await scope.get<{ n: number }>(
            `SELECT COUNT(*) AS n FROM marketing_steps s JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
             WHERE s.tenant_id = :tenant AND t.step = 'wait' AND s.state = 'waiting'`,
          )
        )?.n,
      );

    const first = rig.start();
    await first.hear((word) => word.type === 'ready');
    for (let tries = 0; (await waiting()) < audience && tries < 400; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await first.kill();
    assert.equal(await waiting(), audience);
    const due = await scope.all<{ due_at: number }>(
      `SELECT s.due_at FROM marketing_steps s JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
       WHERE s.tenant_id = :tenant AND t.step = 'wait' ORDER BY s.id`,
    );

    const early = rig.start({ aheadMs: HOUR / 2, sweepMs: 100 });
    await early.hear((word) => word.type === 'ready');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await early.kill();
    assert.equal(rig.arrivals.total(), 0, 'nobody is sent on before their time');

    const late = rig.start({ aheadMs: HOUR + 60_000 });
    await late.finished();
    assert.equal(rig.arrivals.recipients().size, audience);
    assert.equal(rig.arrivals.duplicates(), 0);
    assert.deepEqual(
      (
        await scope.all<{ due_at: number }>(
          `SELECT s.due_at FROM marketing_steps s JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
           WHERE s.tenant_id = :tenant AND t.step = 'wait' ORDER BY s.id`,
        )
      ).map(({ due_at }) => due_at),
      due.map(({ due_at }) => due_at),
      'two restarts have not moved anybody',
    );
    assert.deepEqual(await examine(rig.marketing, audience), []);
  });

  it('between release and arrival: who was on the wire is sent on again, and arrives once', async () => {
    const audience = 400;
    await open({ audience });
    for (let kill = 0; kill < 2; kill++) {
      const child = rig.start({ dropWires: true });
      await child.hear((word) => word.type === 'released' && word.people === audience);
      await child.kill();
    }
    assert.equal(rig.arrivals.total(), 0);
    const last = rig.start();
    await last.finished();
    assert.equal(rig.arrivals.recipients().size, audience);
    assert.equal(rig.arrivals.duplicates(), 0);
    assert.deepEqual(await examine(rig.marketing, audience), []);
  });

  it('by one lead whenever it works for it: after five deaths the lead is in the dead-letter list, and the others are served', async () => {
    const audience = 300;
    await open({ audience });
    const lead = await rig.marketing.leads.get({ email: addressOf(7) });
    assert.ok(lead);
    let deaths = 0;
    let child = rig.start({ poisonLead: lead.id });
    for (;;) {
      await Promise.race([child.exited, child.finished().catch(() => undefined)]);
      if (child.running) break;
      assert.ok(child.said('poisoned'), 'it died of the poison lead');
      assert.ok(++deaths <= 5, 'it does not die for ever');
      child = rig.start({ poisonLead: lead.id });
    }
    assert.equal(deaths, 5);
    const dead = await rig.marketing.campaigns.deadLetters(DEFINITION);
    assert.deepEqual(
      dead.map(({ lead: id, station }) => ({ id, station })),
      [{ id: lead.id, station: 'mail' }],
    );
    assert.match(dead[0]?.reason ?? '', /E_POISON/);
    assert.equal(rig.arrivals.recipients().size, audience - 1);
    assert.deepEqual([...(await accounted(rig.marketing)).failed], [addressOf(7)]);
    await child.stop();

    // Mended: everybody in the list is tried again.
    assert.equal(await rig.marketing.campaigns.retry(DEFINITION), 1);
    const mended = rig.start();
    await mended.until(() => rig.arrivals.recipients().size === audience);
  });
});
