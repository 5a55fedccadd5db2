import assert from 'node:assert/strict';
import type { Principal } from '../../lib/access';
import { VirtualClock } from '../../lib/clock';
import { Documents, type DefinitionDocument } from '../../lib/definitions';
import type { Scope, Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { LEVEL_2, PHASE_2, PHASE_3 } from './texts';

const reader: Principal = { id: 'vera', roles: ['viewer'] };
const writer: Principal = { id: 'mara', roles: ['marketer'] };
const nobody: Principal = { id: 'eve', roles: [] };

eachDatabase((db) => {
  describe('definition documents', () => {
    let clock: VirtualClock;
    let store: Store;
    let scope: Scope;
    let documents: Documents;
    let changed: string[];
    const second: DefinitionDocument = { ...PHASE_2, name: 'Welcome 2', channels: { email: { template: 'other' } } };

    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      store = await db.open({ clock });
      scope = store.tenant('test');
      changed = [];
      documents = new Documents(scope, { changed: (key) => changed.push(key) });
    });

    const events = async (): Promise<string[]> =>
      (
        await scope.all<{ event: string; actor: string }>(
          `SELECT event, actor FROM marketing_history WHERE tenant_id = :tenant ORDER BY id`,
        )
      ).map(({ event, actor }) => `${event} by ${actor}`);

    it('are saved, and come back as they were written', async () => {
      const saved = await documents.save(PHASE_2, { actor: writer, note: 'The first one' });
      assert.deepEqual(
        { key: saved.key, version: saved.version, changed: saved.changed, active: saved.active },
        { key: 'email-drip-sequence', version: 1, changed: true, active: true },
      );
      const read = await documents.get('email-drip-sequence');
      assert.deepEqual(read.document, PHASE_2);
      assert.deepEqual(Object.keys(read.document), Object.keys(PHASE_2), 'in the order in which it was written');
      assert.deepEqual(
        { name: read.name, author: read.authorVersion, by: read.createdBy, at: read.createdAt, note: read.note },
        { name: 'Welcome Drip Campaign', author: '1.0.0', by: 'mara', at: clock.now(), note: 'The first one' },
      );
      assert.deepEqual(await events(), ['definition.saved by mara']);
      assert.deepEqual(changed, ['email-drip-sequence']);
    });

    it('get a version only when they say something else', async () => {
      await documents.save(PHASE_2);
      const reversed = Object.fromEntries(Object.entries(PHASE_2).reverse());
      const same = await documents.save(reversed);
      assert.deepEqual([same.version, same.changed], [1, false]);
      assert.equal((await documents.save(second)).version, 2);
      assert.deepEqual(
        (await documents.versions('email-drip-sequence')).map(({ version }) => version),
        [2, 1],
      );
      assert.deepEqual(changed, ['email-drip-sequence', 'email-drip-sequence']);
      assert.equal((await events()).length, 2);
    });

    it('are not saved when anything is wrong with them', async () => {
      await assert.rejects(documents.save({ ...PHASE_2, stages: ['queued'] }), { code: 'E_DEFINITION' });
      await assert.rejects(documents.save(PHASE_2, { note: 'x'.repeat(256) }), { code: 'E_NOTE' });
      assert.deepEqual(await documents.list(), []);
      const strict = new Documents(scope, { attributes: () => Promise.resolve({}) });
      await assert.rejects(strict.save(PHASE_3), /There is no field "industry"/);
    });

    it('are changed only by who has seen the newest version', async () => {
      await documents.save(PHASE_2, { version: 0 });
      await documents.save(second, { version: 1 });
      await assert.rejects(documents.save(PHASE_2, { version: 1 }), (error: Error & { retryable?: boolean }) => {
        assert.equal(error.retryable, true);
        return /is at version 2, and you have seen version 1/.test(error.message);
      });
      for (const change of [
        () => documents.restore(PHASE_2.id, 1, { version: 1 }),
        () => documents.deactivate(PHASE_2.id, { version: 1 }),
        () => documents.remove(PHASE_2.id, { version: 1 }),
        () => documents.save(LEVEL_2, { version: 1 }),
      ])
        await assert.rejects(change, { code: 'E_CONFLICT' });
    });

    it('that many save at the same moment become one version each, and one wins where all saw the same', async function () {
      this.timeout(60_000);
      await documents.save(PHASE_2);
      const save = (name: string, version?: number): Promise<unknown> =>
        documents.save({ ...PHASE_2, name }, version === undefined ? {} : { version });
      const raced = await Promise.allSettled(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => save(name, 1)));
      assert.equal(raced.filter(({ status }) => status === 'fulfilled').length, 1);
      await Promise.all(['g', 'h', 'i', 'j'].map((name) => save(name)));
      assert.deepEqual(
        (await documents.versions(PHASE_2.id)).map(({ version }) => version),
        [6, 5, 4, 3, 2, 1],
      );
      const active = await scope.all<{ version: number }>(
        `SELECT version FROM marketing_documents WHERE tenant_id = :tenant AND active = 1`,
      );
      assert.deepEqual(active, [{ version: 6 }]);
    });

    it('show what is different between two versions', async () => {
      await documents.save(PHASE_2);
      await documents.save(second);
      assert.deepEqual(await documents.diff(PHASE_2.id, 1, 2), [
        { path: '/channels/email/provider', op: 'remove', before: 'smtp' },
        { path: '/channels/email/template', op: 'replace', before: 'welcome-series', after: 'other' },
        { path: '/name', op: 'replace', before: 'Welcome Drip Campaign', after: 'Welcome 2' },
      ]);
      assert.deepEqual(await documents.diff(PHASE_2.id, 2, 2), []);
      await assert.rejects(documents.diff(PHASE_2.id, 1, 3), { code: 'E_UNKNOWN_DEFINITION' });
      await assert.rejects(documents.diff(PHASE_2.id, 1, NaN), { code: 'E_UNKNOWN_DEFINITION' });
    });

    it('show what was put into and taken out of a list', async () => {
      const stages = ['plan', 'active', 'closed'];
      const step = (template: string): object => ({ action: 'send_email', template });
      const sequence = ['a', 'b', 'c', 'd'].map(step);
      await documents.save({ id: 'x', stages, automation: { sequence } });
      await documents.save({
        id: 'x',
        stages: ['plan', 'review', 'active', 'closed'],
        automation: { sequence: [step('a'), step('d')] },
      });
      assert.deepEqual(await documents.diff('x', 1, 2), [
        { path: '/automation/sequence/1', op: 'remove', before: step('b') },
        { path: '/automation/sequence/2', op: 'remove', before: step('c') },
        { path: '/stages/1', op: 'add', after: 'review' },
      ]);
    });

    it('can be brought back to a former version, as a new one', async () => {
      await documents.save(PHASE_2);
      await documents.save(second);
      const restored = await documents.restore(PHASE_2.id, 1, { actor: writer });
      assert.deepEqual(
        { version: restored.version, changed: restored.changed, note: restored.note },
        { version: 3, changed: true, note: 'Restored from version 1' },
      );
      assert.deepEqual((await documents.get(PHASE_2.id)).document, PHASE_2);
      assert.deepEqual((await documents.get(PHASE_2.id, 2)).document, second, 'nothing is lost');
      assert.deepEqual((await events()).slice(-1), ['definition.restored by mara']);
      assert.equal((await documents.restore(PHASE_2.id, 3)).changed, false);
      await assert.rejects(documents.restore(PHASE_2.id, 9), { code: 'E_UNKNOWN_DEFINITION' });
    });

    it('can be taken out of force and put back, and stay so when they are saved', async () => {
      await documents.save(PHASE_2);
      assert.equal((await documents.deactivate(PHASE_2.id, { actor: writer })).active, false);
      assert.equal((await documents.deactivate(PHASE_2.id)).active, false);
      assert.equal((await documents.save(second)).active, false);
      await documents.save(LEVEL_2);
      assert.deepEqual(
        (await documents.list({ active: true })).map(({ key }) => key),
        [LEVEL_2.id],
      );
      assert.deepEqual(
        (await documents.list({ active: false })).map(({ key, version }) => `${key} ${version}`),
        [`${PHASE_2.id} 2`],
      );
      assert.equal((await documents.activate(PHASE_2.id)).active, true);
      assert.equal(
        (await documents.get(PHASE_2.id, 1)).active,
        true,
        'a document is in force, not one of its versions',
      );
      assert.deepEqual(await events(), [
        'definition.saved by system',
        'definition.deactivated by mara',
        'definition.saved by system',
        'definition.saved by system',
        'definition.activated by system',
      ]);
    });

    it('are removed only when no campaign uses them', async () => {
      await documents.save(PHASE_2);
      await documents.save(second);
      const now = clock.now();
      await scope.run(
        `INSERT INTO marketing_campaigns (tenant_id, campaign_key, name, definition_key, own_segment, data, state, on_unknown, own_policy, parking, created_at, updated_at)
         VALUES (:tenant, 'c', 'C', :key, 0, '{}', 'draft', 'hold', 0, 0, :now, :now)`,
        { key: PHASE_2.id, now },
      );
      await assert.rejects(documents.remove(PHASE_2.id), /^ConflictError: 1 campaign uses the definition/);
      await scope.run(`DELETE FROM marketing_campaigns WHERE tenant_id = :tenant`);
      await documents.remove(PHASE_2.id, { actor: writer });
      await assert.rejects(documents.get(PHASE_2.id), { code: 'E_UNKNOWN_DEFINITION' });
      await assert.rejects(documents.versions(PHASE_2.id), { code: 'E_UNKNOWN_DEFINITION' });
      assert.deepEqual((await events()).slice(-1), ['definition.removed by mara']);
      assert.equal((await documents.save(PHASE_2)).version, 1);
    });

    it('belong to one tenant', async () => {
      await documents.save(PHASE_2);
      const other = new Documents(store.tenant('other'));
      assert.deepEqual(await other.list(), []);
      assert.equal(await other.find(PHASE_2.id), undefined);
      for (const asked of [
        () => other.get(PHASE_2.id),
        () => other.versions(PHASE_2.id),
        () => other.diff(PHASE_2.id, 1, 1),
        () => other.restore(PHASE_2.id, 1),
        () => other.deactivate(PHASE_2.id),
        () => other.remove(PHASE_2.id),
      ])
        await assert.rejects(asked, { code: 'E_UNKNOWN_DEFINITION' });
      assert.equal((await other.save(second)).version, 1);
      assert.deepEqual((await documents.get(PHASE_2.id)).document, PHASE_2);
    });

    it('are read by who may read definitions, and changed by who may write them', async () => {
      await documents.save(PHASE_2, { actor: writer });
      assert.equal((await documents.list({ actor: reader })).length, 1);
      assert.equal((await documents.get(PHASE_2.id, 1, { actor: reader })).version, 1);
      const { id } = PHASE_2;
      for (const actor of [reader, nobody])
        for (const change of [
          () => documents.save(second, { actor }),
          () => documents.restore(id, 1, { actor }),
          () => documents.activate(id, { actor }),
          () => documents.deactivate(id, { actor }),
          () => documents.remove(id, { actor }),
        ])
          await assert.rejects(change, { code: 'E_FORBIDDEN' });
      for (const read of [
        () => documents.list({ actor: nobody }),
        () => documents.get(id, 1, { actor: nobody }),
        () => documents.versions(id, { actor: nobody }),
        () => documents.diff(id, 1, 1, { actor: nobody }),
      ])
        await assert.rejects(read, { code: 'E_FORBIDDEN' });
    });

    it('have a revision that changes with each change, and with nothing else', async () => {
      const seen = [await documents.revision()];
      for (const change of [
        () => documents.save(PHASE_2),
        () => documents.save(second),
        () => documents.deactivate(PHASE_2.id),
        () => documents.remove(PHASE_2.id),
        () => documents.save(LEVEL_2),
      ]) {
        await change();
        seen.push(await documents.revision());
      }
      assert.equal(new Set(seen).size, 6);
      await documents.save(LEVEL_2);
      await documents.list();
      assert.equal(await documents.revision(), seen.at(-1));
    });
  });
});
