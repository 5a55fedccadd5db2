import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore, type Store } from '../../lib/store';

describe('an update of many rows on SQLite', () => {
  let folder: string;
  let store: Store;
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'nm-plans-'));
    store = await openStore({ url: `sqlite:${path.join(folder, 'plans.sqlite')}` });
    await store.migrate();
  });
  after(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [table, key] of [
    ['marketing_messages', 'step_id'],
    ['marketing_steps', 'id'],
    ['marketing_history', 'id'],
    ['marketing_outbox', 'id'],
    ['marketing_leads', 'id'],
    ['marketing_roi', 'campaign_id'],
  ] as const) {
    it(`looks up the rows of ${table} that are meant, and not all of the tenant's`, async () => {
      const scope = store.tenant('a');
      const update = scope.dialect.updateFrom(
        table,
        scope.dialect.rows('rows', { meant: 'int' }, 'r'),
        'tenant_id = tenant_id',
        `${table}.${key} = r.meant AND tenant_id = :tenant`,
      );
      const plan = await scope.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${update}`, { rows: '[]' });
      const steps = plan.map(({ detail }) => detail);
      assert.match(steps[0] ?? '', /json_each/);
      assert.match(steps[1] ?? '', new RegExp(`SEARCH ${table} USING .*(?:rowid|${key})=\\?`));
    });
  }
});
