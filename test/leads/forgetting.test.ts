import assert from 'node:assert/strict';
import { openMarketing, type Marketing } from '../../lib';
import { VirtualClock } from '../../lib/clock';
import { eachDatabase } from '../kit/databases';

const WHO = 'ada@secret.org';

/** Codes of ours, which never hold what others have said; what they are in the rows of this test. */
const CODES: Readonly<Record<string, string>> = {
  ...{
    kind: 'event',
    channel: 'email',
    account: 'shop',
    variant: 'B',
    variant_key: 'B',
    type: 'opened',
    status: 'granted',
  },
  ...{
    lease_owner: 'runtime',
    cause: 'node',
    run_key: 'step:1',
    undo_key: 'message:1',
    event: 'purchase',
    model: 'last',
  },
  ...{ touch: 'sent', decay: 'halve', message_key: 'key', in_doubt: '0', exits: '[]', source: 'node', actor: 'system' },
};
/** Columns by table where the general code would not do. */
const STATES: Readonly<Record<string, string>> = { marketing_steps: 'failed', marketing_undos: 'undone' };
/**
 * What stays on purpose: by the address of a message that was sent its unsubscribe link still works when the lead is gone, and
 * what the server said of it belongs to it.
 */
const STAYS = new Set(['marketing_messages.address', 'marketing_messages.reason', 'marketing_messages.provider_id']);

interface Column {
  readonly tab: string;
  readonly col: string;
  readonly type: string;
}

eachDatabase((db) => {
  describe(`a lead that is removed (${db.name})`, function () {
    this.timeout(60_000);
    let marketing: Marketing;
    before(async () => {
      await db.open();
      marketing = await openMarketing({ database: { url: db.url() }, work: false, clock: new VirtualClock() });
    });
    after(() => marketing.close());

    async function columnsOf(): Promise<Column[]> {
      const schema = db.name === 'postgres' ? 'current_schema()' : 'DATABASE()';
      const rows = await marketing.scope.all<Column>(
        db.name === 'sqlite'
          ? `SELECT m.name AS tab, p.name AS col, p.type AS type FROM sqlite_master m JOIN pragma_table_info(m.name) p
             WHERE m.type = 'table' AND m.name LIKE 'marketing_%' AND :tenant = :tenant`
          : `SELECT c.table_name AS tab, c.column_name AS col, c.data_type AS type FROM information_schema.columns c
             WHERE c.table_schema = ${schema} AND c.table_name LIKE 'marketing_%' AND :tenant = :tenant`,
      );
      const personal = new Set(rows.filter(({ col }) => col === 'lead_id').map(({ tab }) => tab));
      return rows.filter(({ tab }) => personal.has(tab));
    }

    /** A row about the lead, with the address in everything that is not a number or a code. */
    async function fill(table: string, columns: readonly Column[], lead: number, enrollment: number): Promise<void> {
      const names: string[] = [];
      const values: Record<string, string | number> = {};
      for (const { col, type } of columns) {
        if (col === 'id' || col === 'tenant_id') continue;
        names.push(col);
        const code = col === 'state' ? (STATES[table] ?? 'sent') : CODES[col];
        const text = /char|text/i.test(type);
        const json = /json/i.test(type) || ['trail', 'outcome', 'saw', 'params', 'spec', 'metadata'].includes(col);
        if (col === 'lead_id') values[col] = lead;
        else if (col === 'enrollment_id') values[col] = enrollment;
        else if (json) values[col] = JSON.stringify({ who: WHO });
        else if (table === 'marketing_enrollments' && col === 'reason') values[col] = `failed: 550 ${WHO} is unknown`;
        else if (text) values[col] = code ?? WHO;
        else values[col] = 1;
      }
      await marketing.scope.run(
        `INSERT INTO ${table} (tenant_id, ${names.join(', ')}) VALUES (:tenant, ${names.map((name) => `:${name}`).join(', ')})`,
        values,
      );
    }

    it('leaves nothing in any table that says who they were; the history stays', async () => {
      const { leads, scope } = marketing;
      await leads.upsert({ email: WHO, name: WHO });
      const lead = (await leads.get({ email: WHO }))?.id ?? 0;
      const columns = await columnsOf();
      const tables = [...new Set(columns.map(({ tab }) => tab))];
      assert.ok(tables.length >= 13, tables.join(' '));
      const of = (table: string): Column[] => columns.filter(({ tab }) => tab === table);
      await fill('marketing_enrollments', of('marketing_enrollments'), lead, 0);
      const enrollment =
        (await scope.get<{ id: number }>('SELECT id FROM marketing_enrollments WHERE tenant_id = :tenant'))?.id ?? 0;
      for (const table of tables) {
        if (table !== 'marketing_enrollments') await fill(table, of(table), lead, enrollment);
      }
      const history = await marketing.scope.get<{ n: number }>(
        'SELECT COUNT(*) AS n FROM marketing_history WHERE tenant_id = :tenant',
      );
      assert.ok(await leads.remove(lead));
      const left: string[] = [];
      for (const table of tables) {
        const rows = await scope.all<Record<string, unknown>>(`SELECT t.* FROM ${table} t WHERE t.tenant_id = :tenant`);
        for (const row of rows) {
          for (const [name, value] of Object.entries(row)) {
            const text = typeof value === 'string' ? value : JSON.stringify(value);
            if (text?.includes('secret') && !STAYS.has(`${table}.${name}`)) left.push(`${table}.${name}`);
          }
        }
      }
      assert.deepEqual(left, []);
      assert.equal(
        await scope
          .get<{ n: number }>('SELECT 1 AS n FROM marketing_steps WHERE tenant_id = :tenant')
          .then((row) => row?.n),
        1,
      );
      const after = await marketing.scope.get<{ n: number }>(
        'SELECT COUNT(*) AS n FROM marketing_history WHERE tenant_id = :tenant',
      );
      assert.ok(Number(after?.n) >= Number(history?.n));
    });
  });
});
