import assert from 'node:assert/strict';
import {
  compileCondition,
  ConditionError,
  sqliteFunctions,
  type Condition,
  type ConditionSchema,
  type SqlTarget,
} from '../../lib/conditions';
import { openAll, type LeadDatabase, type StoredLead } from './helpers/databases';

const SCHEMA: ConditionSchema = {
  lead: {
    age: 'number',
    n2: 'number',
    city: 'string',
    vip: 'boolean',
    signup: 'date',
    tags: 'string[]',
    "it's: odd": 'string',
    'odd [list]': 'string[]',
  },
  campaign: { region: 'string', regions: 'string[]', budget: 'number', open: 'boolean' },
};
const NOW = Date.UTC(2026, 5, 15, 12);
const SQLITE: SqlTarget = { name: 'sqlite', mariadb: false };
const POSTGRES: SqlTarget = { name: 'postgres', mariadb: false };
const MARIADB: SqlTarget = { name: 'mysql', mariadb: true };
const MYSQL: SqlTarget = { name: 'mysql', mariadb: false };

const compile = (source: string): Condition => compileCondition(source, SCHEMA);
const sql = (source: string, target: SqlTarget): string =>
  compile(source).toSql(target, { alias: 'l', prefix: 'c0_', now: NOW }).text;

const lead = (id: number, attributes: Record<string, unknown>, more: Partial<StoredLead> = {}): StoredLead => ({
  id,
  email: null,
  name: null,
  phone: null,
  country: null,
  time_zone: null,
  external_id: null,
  score: 0,
  created_at: NOW,
  attributes,
  ...more,
});

describe('conditions: the SQL that is written', () => {
  it('is small where nothing can go wrong', () => {
    assert.equal(sql('score > 50 and country = "US"', SQLITE), '(l.score > :c0_1 AND l.country = :c0_2)');
    assert.equal(sql('country in ["US", "CA"]', SQLITE), 'l.country IN (:c0_1, :c0_2)');
    assert.equal(sql('NOT vip', SQLITE), 'NOT ((l.attributes ->> :c0_1))');
    assert.equal(sql('id = 5', POSTGRES), 'l.id = CAST(:c0_1 AS bigint)');
    assert.equal(sql('createdAt > "2026-01-01"', MARIADB), 'l.created_at > CAST(:c0_1 AS SIGNED)');
    assert.equal(
      sql('score + 1 > 5', POSTGRES),
      '(l.score + CAST(:c0_1 AS double precision)) > CAST(:c0_2 AS double precision)',
    );
    assert.equal(
      sql('(millis() - createdAt) / 86400000 > 30', SQLITE),
      '((CAST(:c0_1 AS REAL) - CAST(l.created_at AS REAL)) / CAST(:c0_2 AS REAL)) > :c0_3',
    );
    assert.equal(sql('$exists(id)', SQLITE), 'TRUE');
  });

  it('never holds what the author wrote, only names of values', () => {
    const evil = `x'); DROP TABLE marketing_leads; -- :tenant`;
    for (const target of [SQLITE, POSTGRES, MARIADB, MYSQL]) {
      const { text, values } = compile(`city = ${JSON.stringify(evil)} or ${JSON.stringify(evil)} in tags`).toSql(
        target,
        { alias: 'l', prefix: 'c0_', now: NOW },
      );
      assert.doesNotMatch(text, /DROP|x'/);
      assert.ok(Object.values(values).includes(evil));
    }
  });

  it('takes its names from the caller, so that several fit in one statement', () => {
    const { text, values } = compile('score > 50 and age > 50').toSql(SQLITE, {
      alias: 'lead',
      prefix: 's7_',
      now: NOW,
    });
    assert.equal(text, '(lead.score > :s7_1 AND CAST((lead.attributes ->> :s7_2) AS REAL) > :s7_1)');
    assert.deepEqual(values, { s7_1: 50, s7_2: '$."age"' });
  });

  it('knows what a database cannot do exactly', () => {
    const matching = compile('$matches(city, "^a")');
    assert.deepEqual(
      [SQLITE, POSTGRES, MARIADB, MYSQL].map((target) => matching.sqlExactOn(target)),
      [true, false, false, false],
    );
    assert.equal(matching.sqlExact, false);
    assert.throws(
      () => matching.toSql(POSTGRES, { alias: 'l', prefix: 'c0_', now: NOW }),
      (error) => error instanceof ConditionError && error.code === 'E_NOT_SQL' && /PostgreSQL/.test(error.message),
    );
    assert.equal(compile('score > 5').sqlExact, true);
    assert.equal(compile('(age + n2) * (age - n2) > 5').sqlExact, true);
    const long = compile(`${'('.repeat(12)}age${' / n2)'.repeat(12)} > 1`);
    assert.equal(long.sqlExactOn(MARIADB), false);
    assert.throws(() => long.toSql(MARIADB, { alias: 'l', prefix: 'c0_', now: NOW }), /too long/);
  });

  it('is written for MySQL as well', () => {
    const text = sql('city = "x" and vip and "a" in tags and age > 5 and $exists(tags) and city < name', MYSQL);
    assert.match(text, /JSON_UNQUOTE\(JSON_EXTRACT\(l\.attributes, :c0_1\)\) COLLATE utf8mb4_0900_bin/);
    assert.match(text, /JSON_CONTAINS\(l\.attributes, JSON_QUOTE\(:c0_\d\), :c0_\d\)/);
    assert.match(text, /= 'true'/);
  });
});

describe('conditions: SQL on real databases', () => {
  const leads: StoredLead[] = [
    lead(
      1,
      { age: 30, city: 'Rome', vip: true, tags: ['a', 'b"c'], "it's: odd": 'x', 'odd [list]': ['x'], signup: NOW },
      { country: 'US', score: 5 },
    ),
    lead(2, { age: 0, city: 'rome ', vip: false, tags: [] }, { country: 'us' }),
    lead(3, { n2: 5, city: '', tags: [''] }, { country: 'US ' }),
    lead(4, {}),
    lead(
      5,
      { age: 1e308, n2: 1e308, city: 'ÉCOLE', tags: ['back\\slash', 'sl/ash', 'tab\t', '\u2028'] },
      { country: 'É' },
    ),
    lead(6, { age: 5e-324, n2: -5e-324, city: '\uff5e' }, { name: '😀' }),
    lead(7, { age: 7.25, n2: -2.5, city: '😀' }, { name: '\uff5e' }),
    lead(8, { age: 1e300, n2: 7 }, { name: 'x' }),
  ];
  let databases: LeadDatabase[] = [];
  before(async () => {
    databases = await openAll();
    for (const database of databases) await database.fill(leads);
  });
  after(async () => {
    for (const database of databases) await database.close();
  });

  const cases: readonly (readonly [string, number[]])[] = [
    ['country = "US"', [1]],
    ['country = "É"', [5]],
    ['city = "rome "', [2]],
    ['city', [1, 2, 5, 6, 7]],
    ['$not(city)', [3]],
    ['tags', [1, 5]],
    ['$not(tags)', [2, 3]],
    ['$exists(tags)', [1, 2, 3, 5]],
    ['"b\\"c" in tags', [1]],
    ['"a" in tags', [1]],
    ['"A" in tags', []],
    ['"" in tags', [3]],
    ['"back\\\\slash" in tags', [5]],
    ['"sl/ash" in tags', [5]],
    ['"tab\\t" in tags', [5]],
    ['"\\u2028" in tags', [5]],
    ['lead.`it\'s: odd` = "x"', [1]],
    ['"x" in lead.`odd [list]`', [1]],
    ['lead.`odd [list]` ? true : false', [1]],
    ['city < name', [7]],
    ['name > city', [7]],
    ['city < "😀"', [1, 2, 3, 5]],
    ['city >= "\\uff5e"', [6]],
    ['city > "Z"', [2, 5, 6, 7]],
    ['age + n2 > 1e299', [5, 8]],
    ['age + n2 = 2', []],
    ['-age - n2 < 0', [5, 7, 8]],
    ['age - n2 = 0', [5]],
    ['age * n2 > 1', [5, 8]],
    ['age * n2 = 0', [6]],
    ['age * 0.5 = 0', [2, 6]],
    ['age * 1e10 > 1e308', [5, 8]],
    ['age / n2 > 1e200', [8]],
    ['n2 / age > 0', [5, 8]],
    ['n2 / score > 0', [3, 5, 8]],
    ['n2 / score < 0', [6, 7]],
    ['age / score > 1e300', [5, 6, 7, 8]],
    ['age / score = 6', [1]],
    ['$not(age / score > 5)', [2]],
    ['age / score != 6', [2, 5, 6, 7, 8]],
    ['$exists(age / score)', [1, 2, 5, 6, 7, 8]],
    ['(age / score) ? true : false', [1, 5, 6, 7, 8]],
    ['n2 / (score * -1) > 0', [6, 7]],
    ['age % n2 = 2.25', [7]],
    ['age % score >= 0', [1]],
    ['n2 % 2 = -0.5', [7]],
    ['age % 7 = 2', [1]],
    ['n2 % 0.1 < -0.05', [7]],
    ['age % n2 = 1', [8]],
    ['age / 1e300 = 1', [8]],
    ['1 / age > 1e308', [2, 6]],
    ['1e-300 / age = 0', [5, 8]],
    ['1e-300 * n2 = 0', [6]],
    ['age in [30, 0]', [1, 2]],
    ['$not(age in [30, 0])', [3, 4, 5, 6, 7, 8]],
    ['age / n2 in [1, -2.9]', [5, 7]],
    ['vip = true', [1]],
    ['vip != true', [2]],
    ['$not(vip = true)', [2, 3, 4, 5, 6, 7, 8]],
    ['$not(vip)', [2]],
    ['signup = $millis()', [1]],
    ['signup > today()', [1]],
    ['signup > $toMillis("2026-06-15") and signup < "2026-06-16"', [1]],
    ['$length(city) = 1', [6, 7]],
    ['$length(city) * 2 = 8', [1]],
    ['$startsWith(city, "ro")', [2]],
    ['$endsWith(city, "e ")', [2]],
    ['$endsWith(city, "")', [1, 2, 3, 5, 6, 7]],
    ['$startsWith(city, "")', [1, 2, 3, 5, 6, 7]],
    ['$endsWith(city, "xxxxxxxxxxRome")', []],
    ['$contains(city, "O")', [5]],
    ['$contains(city, "%")', []],
    ['city & country = "RomeUS"', [1]],
    ['vip & "!" = "true!"', [1]],
    ['vip & "!" = "!"', [3, 4, 5, 6, 7, 8]],
    ['(vip ? "yes" : "no") = "no"', [2, 3, 4, 5, 6, 7, 8]],
    ['(vip ? city) = "Rome"', [1]],
    ['(city ?? country) = "Rome"', [1]],
    ['(city ?: country) = "US "', [3]],
    ['$now() > city', [3]],
    ['"a" in (vip ? tags : lead.`odd [list]`)', [1]],
    ['$exists(vip ? tags)', [1]],
    ['$boolean(vip ? tags)', [1]],
    ['true', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['1', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['""', []],
    ['"US" = "us"', []],
    ['"a " = "a"', []],
    ['campaign.data.region = country', [1]],
    ['country in campaign.data.regions', [1, 3]],
    ['country in (vip ? campaign.data.regions : tags)', [1]],
    ['$exists(vip ? campaign.data.regions)', [1]],
    ['$boolean(vip ? campaign.data.regions : tags)', [1, 5]],
    ['$not(country in campaign.data.regions)', [2, 4, 5, 6, 7, 8]],
    ['$lowercase(campaign.data.region) = "us"', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['campaign.data.regions', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['$exists(campaign.data.regions)', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['$exists(campaign.name)', []],
    ['campaign.name = country', []],
    ['campaign.data.budget / age > 3', [1, 2, 6, 7]],
    ['campaign.data.budget / campaign.data.budget = 1 and campaign.data.open', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['campaign.data.budget - 100 > age', []],
    ['1 / (campaign.data.budget - 100) > age', [1, 2, 5, 6, 7, 8]],
  ];
  const constants = {
    campaign: { key: 'spring', data: { region: 'US', regions: ['US', 'US '], budget: 100, open: true } },
  };

  for (const [source, expected] of cases) {
    it(`${source} is true of ${expected.join(', ') || 'nobody'}`, async () => {
      const condition = compile(source);
      for (const stored of leads) {
        const { country, name, score, created_at: createdAt, id } = stored;
        const view = { id, score, createdAt, ...stored.attributes, ...(country && { country }), ...(name && { name }) };
        const answer = condition.test({ lead: view, now: NOW, ...constants });
        assert.equal(answer, expected.includes(id), `closure, lead ${id}`);
      }
      for (const database of databases) {
        const { text, values } = condition.toSql(database.target, { alias: 'l', prefix: 'c0_', now: NOW, constants });
        const rows = await database.rows(`SELECT l.id FROM marketing_leads l WHERE ${text} ORDER BY l.id`, values);
        assert.deepEqual(
          rows.map(([id]) => Number(id)),
          expected,
          `${database.label}: ${text}`,
        );
      }
    });
  }

  it('fails no INSERT … SELECT, where MariaDB takes warnings for errors', async () => {
    const mariadb = databases.find(({ label }) => label === 'MariaDB');
    await mariadb?.rows('CREATE TEMPORARY TABLE picked (id BIGINT)', {});
    for (const [source] of cases) {
      const { text, values } = compile(source).toSql(MARIADB, { alias: 'l', prefix: 'c0_', now: NOW, constants });
      await mariadb?.rows(`INSERT INTO picked SELECT l.id FROM marketing_leads l WHERE ${text}`, values);
    }
    assert.ok(cases.length > 80);
  });

  it('negates with IS NOT TRUE', async () => {
    const condition = compile('age > 5');
    for (const database of databases) {
      const { text, values } = condition.toSql(database.target, { alias: 'l', prefix: 'c0_', now: NOW });
      const rows = await database.rows(
        `SELECT l.id FROM marketing_leads l WHERE (${text}) IS NOT TRUE ORDER BY l.id`,
        values,
      );
      assert.deepEqual(
        rows.map(([id]) => Number(id)),
        [2, 3, 4, 6],
        database.label,
      );
    }
  });

  it('runs patterns and Unicode case on SQLite through its own functions', async () => {
    const [sqlite] = databases;
    for (const [source, expected] of [
      ['$matches(city, "(?i)^rome\\\\s?$")', [1, 2]],
      ['$matches(city, "^$")', [3]],
      ['$matches(country, "U")', [1, 3]],
      ['$lowercase(city) = "école"', [5]],
      ['$uppercase(city) = "ROME"', [1]],
    ] as const) {
      const condition = compile(source);
      const { text, values } = condition.toSql(SQLITE, { alias: 'l', prefix: 'c0_', now: NOW });
      const rows = (await sqlite?.rows(`SELECT l.id FROM marketing_leads l WHERE ${text} ORDER BY l.id`, values)) ?? [];
      assert.deepEqual(
        rows.map(([id]) => Number(id)),
        expected,
        source,
      );
    }
  });

  it('offers its SQLite functions with fixed numbers of arguments, NULL for NULL', () => {
    for (const { name, fn, deterministic } of sqliteFunctions) {
      // Not "marketing_…": the store takes that for a tenant table.
      assert.match(name, /^nm_/);
      assert.ok(deterministic && fn.length >= 1);
      assert.equal(fn(null, null), null);
    }
  });
});
