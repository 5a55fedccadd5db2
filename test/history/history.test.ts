import assert from 'node:assert/strict';
import { authorise } from '../../lib/access';
import { VirtualClock } from '../../lib/clock';
import { createHistory, record, recordAll, type History } from '../../lib/history';
import type { Scope, Store } from '../../lib/store';
import { HISTORY_GUARD } from '../../lib/store/migrations/history-guard';
import { ClockTimers } from '../../lib/timers';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) =>
  describe('the history', function () {
    this.timeout(60_000);
    let clock: VirtualClock;
    let store: Store;
    let scope: Scope;
    let history: History;

    beforeEach(async () => {
      clock = new VirtualClock();
      store = await db.open({ clock });
      scope = store.tenant('acme');
      history = createHistory(scope, { authorise });
    });

    const write = (count: number, in_ = scope): Promise<void> =>
      in_.transaction((tx) =>
        recordAll(
          tx,
          Array.from({ length: count }, (_, index) => ({
            event: 'campaign.changed',
            campaign: 1,
            actor: 'ana',
            before: { zeta: index, alpha: [1, { b: 2.5, a: 'ä' }] },
            after: { state: 'active', at: 1e21 },
          })),
        ),
      );
    /** What somebody with every right on the database does. */
    const tamper = async (statement: string): Promise<void> => {
      const { up, down } = HISTORY_GUARD[store.dialect.name];
      for (const one of down) await store.system.run(one);
      await store.system.run(statement);
      for (const one of up) await store.system.run(one);
    };
    const problems = async (): Promise<string[]> =>
      (await history.verify()).problems.map(({ kind, seq }) => `${kind} ${seq ?? ''}`.trim());

    describe('in the database', () => {
      const refused = async (statement: string): Promise<void> => {
        await assert.rejects(store.system.run(statement), statement);
      };

      it('lets nothing of a row be changed, sealed or not', async () => {
        await write(1);
        for (const sealed of [false, true]) {
          if (sealed) await history.seal();
          for (const [column, value] of [
            ['tenant_id', `'else'`],
            ['campaign_id', '7'],
            ['event', `'else'`],
            ['before', `'{"state":"draft"}'`],
            ['after', 'NULL'],
            ['payload', `'{}'`],
            ['actor', `'else'`],
            ['at', '7'],
          ]) {
            await refused(
              `UPDATE marketing_history SET ${store.dialect.quote(column ?? '')} = ${value} /* :any_tenant */`,
            );
          }
        }
        assert.deepEqual(await problems(), []);
      });

      it('lets no row be deleted, and the table not be emptied', async () => {
        await write(2);
        await refused('DELETE FROM marketing_history WHERE id > 0 /* :any_tenant */');
        await refused('DELETE FROM marketing_history /* :any_tenant */');
        if (store.dialect.name !== 'sqlite') await refused('TRUNCATE TABLE marketing_history /* :any_tenant */');
        assert.equal((await history.list()).items.length, 2);
      });

      it('lets no row be replaced by another one', async () => {
        await write(2);
        const replace = { sqlite: 'INSERT OR REPLACE', mysql: 'REPLACE', postgres: 'INSERT' }[store.dialect.name];
        const conflict = store.dialect.name === 'postgres' ? `ON CONFLICT (id) DO UPDATE SET actor = 'eve'` : '';
        await assert.rejects(
          scope.run(
            `${replace} INTO marketing_history (id, tenant_id, event, actor, at)
             SELECT MIN(id), :tenant, 'campaign.changed', 'eve', 0 FROM marketing_history WHERE tenant_id = :tenant ${conflict}`,
          ),
          /append-only/,
        );
        assert.deepEqual(
          (await history.list()).items.map(({ actor }) => actor),
          ['ana', 'ana'],
        );
      });

      it('lets a row be sealed once', async () => {
        await write(1);
        assert.equal(await history.seal(), 1);
        await refused(`UPDATE marketing_history SET seq = 5 /* :any_tenant */`);
        await refused(`UPDATE marketing_history SET hash = 'x' /* :any_tenant */`);
      });
    });

    describe('sealed into a chain', () => {
      it('is sound, over several chunks, and goes on where it ended', async () => {
        await write(1_003);
        assert.equal(await history.seal(), 1_003);
        assert.equal(await history.seal(), 0);
        await write(2);
        const verdict = await history.verify();
        assert.deepEqual([verdict.ok, verdict.entries, verdict.head.seq], [true, 1_005, 1_005]);
        assert.match(verdict.head.hash, /^[0-9a-f]{64}$/);
      });

      it('is one per tenant', async () => {
        const other = store.tenant('other');
        await write(3);
        await write(2, other);
        assert.equal((await history.verify()).head.seq, 3);
        assert.equal((await createHistory(other).verify()).head.seq, 2);
      });

      it('is sealed once by several sealers at the same moment', async () => {
        await write(700);
        const second = createHistory((await db.open({ clock, keep: true })).tenant('acme'));
        const sealed = await Promise.all([history.seal(), second.seal(), history.seal()]);
        assert.equal(
          sealed.reduce((sum, count) => sum + count, 0),
          700,
        );
        assert.deepEqual(await problems(), []);
      });

      it('takes what was committed late into its place at the end', async () => {
        await write(2);
        await history.seal();
        await tamper(
          `INSERT INTO marketing_history (id, tenant_id, event, actor, at) VALUES (1000000, 'acme', 'campaign.late', 'x', 1) /* :any_tenant */`,
        );
        await history.seal();
        await tamper(
          `INSERT INTO marketing_history (id, tenant_id, event, actor, at) VALUES (900000, 'acme', 'campaign.later', 'x', 1) /* :any_tenant */`,
        );
        assert.deepEqual(await problems(), []);
        const { items } = await history.list();
        assert.deepEqual(
          items.map(({ event, seq }) => [event, seq]),
          [
            ['campaign.late', 3],
            ['campaign.later', 4],
            ['campaign.changed', 2],
            ['campaign.changed', 1],
          ],
        );
      });

      it('shows a row that was changed', async () => {
        await write(5);
        await history.seal();
        await tamper(`UPDATE marketing_history SET actor = 'somebody' WHERE seq = 3 /* :any_tenant */`);
        assert.deepEqual(await problems(), ['changed 3']);
      });

      it('shows a row whose JSON was changed', async () => {
        await write(5);
        await history.seal();
        const after = store.dialect.quote('after');
        await tamper(`UPDATE marketing_history SET ${after} = '{"state":"draft"}' WHERE seq = 2 /* :any_tenant */`);
        assert.deepEqual(await problems(), ['changed 2']);
      });

      it('shows rows that were removed, in the middle and at the end', async () => {
        await write(6);
        await history.seal();
        await tamper(`DELETE FROM marketing_history WHERE seq IN (2, 3, 6) /* :any_tenant */`);
        const { problems: found } = await history.verify();
        assert.deepEqual(
          found.map(({ found: what }) => what),
          ['Rows 2 to 3 are missing.', 'The chain ends at 5, although 6 rows have been sealed.'],
        );
      });

      it('shows rows that were put into another order', async () => {
        await write(4);
        await history.seal();
        await tamper(`UPDATE marketing_history SET seq = 10 WHERE seq = 2 /* :any_tenant */`);
        await tamper(`UPDATE marketing_history SET seq = 2 WHERE seq = 3 /* :any_tenant */`);
        await tamper(`UPDATE marketing_history SET seq = 3 WHERE seq = 10 /* :any_tenant */`);
        assert.deepEqual(await problems(), ['broken 2', 'changed 2', 'broken 3', 'changed 3', 'broken 4']);
      });

      it('shows a chain that was written anew, to whoever has kept a head', async () => {
        await write(4);
        const { head } = await history.verify();
        await write(2);
        assert.equal((await history.verify({ known: head })).ok, true);
        await tamper(`DELETE FROM marketing_history /* :any_tenant */`);
        await store.system.run(`DELETE FROM marketing_settings WHERE name = 'history_head' /* :any_tenant */`);
        await write(6);
        assert.deepEqual(await problems(), [], 'it is sound in itself');
        const { problems: found } = await history.verify({ known: head });
        assert.deepEqual(
          found.map(({ kind }) => kind),
          ['foreign'],
        );
      });

      it('is sealed by a timer, seconds after something was written, and not without', async () => {
        const timers = new ClockTimers(clock);
        const errors: unknown[] = [];
        const stop = history.attach(timers, (error) => errors.push(error));
        await timers.start();
        await write(3);
        assert.equal((await timers.list('history-seal')).length, 1);
        await clock.advance(11_000);
        for (let tries = 0; tries < 500 && (await history.list()).items[0]?.seq === undefined; tries++) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.deepEqual(
          (await history.list()).items.map(({ seq }) => seq),
          [3, 2, 1],
        );
        await clock.advance(60_000);
        for (let tries = 0; tries < 500 && (await timers.list('history-seal')).length > 0; tries++) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.deepEqual(await timers.list('history-seal'), []);
        assert.deepEqual(errors, []);
        stop();
        await timers.stop();
      });
    });

    describe('to read', () => {
      beforeEach(async () => {
        for (let campaign = 1; campaign <= 5; campaign++) {
          await record(scope, { event: 'campaign.created', campaign, actor: 'ana' });
          await record(scope, { event: 'campaign.launched', campaign, actor: 'bob', payload: { reason: 'now' } });
          await clock.advance(1_000);
        }
        await record(scope, { event: 'consent.revoked', actor: 'lead:7' });
      });

      it('is filtered by campaign, event, group of events, actor and time', async () => {
        const events = async (query: Parameters<History['list']>[0]): Promise<number> =>
          (await history.list(query)).items.length;
        assert.equal(await events({ campaign: 3 }), 2);
        assert.equal(await events({ event: 'campaign.created' }), 5);
        assert.equal(await events({ event: 'campaign.*' }), 10);
        assert.equal(await events({ event: 'consent.*' }), 1);
        assert.equal(await events({ actor: 'bob' }), 5);
        const start = Date.UTC(2026, 0, 1);
        assert.equal(await events({ from: start + 1_000, to: start + 3_000 }), 4);
        assert.equal(await events({ actor: `x' OR '1'='1` }), 0);
      });

      it('comes in pages, the latest first', async () => {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await history.list({ limit: 4, ...(cursor === undefined ? {} : { cursor }) });
          seen.push(...page.items.map(({ event, campaign }) => `${event} ${campaign ?? ''}`));
          ({ cursor } = page);
        } while (cursor !== undefined);
        assert.equal(seen.length, 11);
        assert.equal(new Set(seen).size, 11);
        assert.equal(seen[0], 'consent.revoked ');
        await assert.rejects(history.list({ cursor: '1; DROP' }), { code: 'E_CURSOR' });
        await assert.rejects(history.list({ limit: 101 }), { code: 'E_LIMIT' });
      });

      it('is for those who may, and of one tenant', async () => {
        await assert.rejects(history.list({ by: { id: 'u1', roles: ['marketer'] } }), { code: 'E_FORBIDDEN' });
        await assert.rejects(history.verify({ by: { id: 'u1', roles: ['viewer'] } }), { code: 'E_FORBIDDEN' });
        assert.equal((await history.list({ by: { id: 'u1', roles: ['compliance'] } })).items.length, 11);
        assert.equal((await createHistory(store.tenant('other')).list()).items.length, 0);
        const trusting = createHistory(scope);
        await assert.rejects(trusting.list({ by: { id: 'u1', roles: ['admin'] } }), { code: 'E_FORBIDDEN' });
      });
    });

    it('takes texts that hold NUL or half a character, and is sound with them', async () => {
      await record(scope, {
        event: 'campaign.held',
        actor: `cli:${'a'.repeat(123)}😀`,
        payload: { reason: '550 \0\ud800' },
      });
      assert.deepEqual((await history.list()).items[0]?.payload, { reason: '550 \ufffd\ufffd' });
      assert.equal((await history.verify()).ok, true);
    });

    it('holds no e-mail addresses, wherever they come from', async () => {
      await record(scope, {
        event: 'campaign.held',
        actor: 'system',
        payload: { reason: '550 5.1.1 <ana.b+c@mail.example.org> unknown', deep: [{ who: 'bob@example.com' }] },
      });
      assert.deepEqual((await history.list()).items[0]?.payload, {
        reason: '550 5.1.1 <[address]> unknown',
        deep: [{ who: '[address]' }],
      });
    });
  }),
);
