import assert from 'node:assert/strict';
import type { Scope } from '../../lib/store';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) => {
  describe('an insert that skips rows whose key is taken', () => {
    const insert = (scope: Scope, names: readonly string[]): Promise<number> => {
      const { dialect } = scope;
      return scope.run(
        `${dialect.insertCounted} INTO marketing_attributes (tenant_id, name, type, created_at)
         SELECT :tenant, r.attribute, 'string', 1 FROM ${dialect.rows('rows', { attribute: 'text' }, 'r')} WHERE 1 = 1 ${dialect.countedTail}`,
        { rows: JSON.stringify(names.map((name) => [name])) },
      );
    };

    it('tells how many rows went in, one or many', async () => {
      const scope = (await db.open()).tenant('a');
      assert.equal(await insert(scope, ['one']), 1);
      assert.equal(await insert(scope, ['one']), 0);
      assert.equal(await insert(scope, ['one', 'two', 'three']), 2);
      assert.equal(await insert(scope, ['one', 'two', 'three']), 0);
    });
  });
});
