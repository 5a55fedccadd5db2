import assert from 'node:assert/strict';
import { findFinishedCampaigns, type SearchPlace } from '../../lib/ledger/sql/watch';
import type { Scope } from '../../lib/store';
import { eachDatabase } from '../kit/databases';

const MANY = 11_200;

eachDatabase((db) => {
  describe('the search for campaigns that are through', function () {
    this.timeout(60_000);
    let scope: Scope;

    /** Active campaigns of which every 20th has nobody under way; many of them made at the same moment. */
    beforeEach(async () => {
      scope = (await db.open()).tenant('test');
      const rows = (): string => scope.dialect.rows('rows', { n: 'int' }, 'r');
      const bound = { rows: JSON.stringify(Array.from({ length: MANY }, (_, index) => [index + 1])) };
      await scope.run(
        `INSERT INTO marketing_campaigns (tenant_id, campaign_key, name, definition_key, data, state, on_unknown, created_at, updated_at, expand_station_id)
         SELECT :tenant, r.n, 'x', 'journey', ${scope.dialect.name === 'postgres' ? `'{}'::jsonb` : `'{}'`}, 'active', 'hold', 10 - r.n % 7, 0, 1 FROM ${rows()} WHERE 1 = 1`,
        bound,
      );
      await scope.run(
        `INSERT INTO marketing_enrollments (tenant_id, campaign_id, lead_id, run, entry_key, state, entered_at)
         SELECT :tenant, c.id, 1, 1, 'run:1', CASE WHEN c.id % 20 = 0 THEN 'ended' ELSE 'active' END, 0 FROM marketing_campaigns c WHERE c.tenant_id = :tenant`,
      );
    });

    it('looks at some of very many at a time, and finds each of them once in a round', async () => {
      const found: number[] = [];
      let parts = 0;
      for (let place: SearchPlace | undefined, more = true; more; more = place !== undefined) {
        const { finished, next } = await findFinishedCampaigns(scope, place);
        assert.ok(finished.length <= 500);
        found.push(...finished);
        place = next;
        parts++;
      }
      const wanted = await scope.all<{ id: number }>(
        `SELECT id FROM marketing_campaigns WHERE tenant_id = :tenant AND id % 20 = 0 ORDER BY id`,
      );
      assert.deepEqual(
        found.sort((a, b) => a - b),
        wanted.map(({ id }) => id),
      );
      assert.ok(parts >= 3, `in ${parts} parts`);
    });

    it('leaves those alone whose people are still being entered, that only listen, or that rest', async () => {
      const { finished } = await findFinishedCampaigns(scope);
      const [entering, listening, paused, through] = finished as [number, number, number, number];
      await scope.run(
        `UPDATE marketing_campaigns SET expanding_from = 5 WHERE tenant_id = :tenant AND id = :entering`,
        {
          entering,
        },
      );
      await scope.run(
        `UPDATE marketing_campaigns SET expand_station_id = NULL WHERE tenant_id = :tenant AND id = :listening`,
        { listening },
      );
      await scope.run(`UPDATE marketing_campaigns SET state = 'paused' WHERE tenant_id = :tenant AND id = :paused`, {
        paused,
      });
      assert.equal((await findFinishedCampaigns(scope)).finished[0], through);
    });
  });
});
