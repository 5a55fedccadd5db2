import assert from 'node:assert/strict';
import { assertScoped, bindValues, compileStatement } from '../../lib/store/statement';

describe('a statement', () => {
  const sqlite = (source: string): string => compileStatement(source, 'sqlite').text;
  const names = (source: string): readonly string[] => compileStatement(source, 'sqlite').names;

  it('gets the placeholders of its database, and remembers which value goes where', () => {
    const source = 'SELECT a FROM t WHERE b = :b AND c IN (:c, :b)';
    assert.deepEqual(compileStatement(source, 'sqlite'), {
      text: 'SELECT a FROM t WHERE b = ? AND c IN (?, ?)',
      names: ['b', 'c', 'b'],
    });
    assert.equal(compileStatement(source, 'mysql').text, 'SELECT a FROM t WHERE b = ? AND c IN (?, ?)');
    assert.deepEqual(compileStatement(source, 'postgres'), {
      text: 'SELECT a FROM t WHERE b = $1 AND c IN ($2, $3)',
      names: ['b', 'c', 'b'],
    });
  });

  it('leaves quoted text and types alone', () => {
    const source = `SELECT ':a', 'it''s :b', ":c", \`:d\`, x::bigint, (:e)::json, json ->> '$."f:g"' FROM t`;
    const { text, names: found } = compileStatement(source, 'postgres');
    assert.equal(text, source.replace(':e', '$1'));
    assert.deepEqual(found, ['e']);
    assert.equal(sqlite("SELECT 'never closed :a"), "SELECT 'never closed :a");
  });

  it('takes dashes and asterisks in quotes for what they are', () => {
    const source = `SELECT '-- :a', "/* :b", :c, '*/' FROM t`;
    assert.deepEqual(compileStatement(source, 'sqlite'), { text: source.replace(':c', '?'), names: ['c'] });
    assert.equal(sqlite('SELECT :a - :b * :c / :d'), 'SELECT ? - ? * ? / ?');
  });

  it('leaves comments out, with the names, quotes and question marks in them', () => {
    assert.equal(sqlite("SELECT :a -- isn't :b ?\n FROM t WHERE c = :c"), 'SELECT ?  \n FROM t WHERE c = ?');
    assert.deepEqual(names("SELECT :a -- isn't :b ?\n FROM t WHERE c = :c"), ['a', 'c']);
    assert.equal(sqlite('SELECT/* "one"\n :two */:a/**/FROM t'), 'SELECT ? FROM t');
    assert.deepEqual(names('SELECT 1 -- the last line: :a'), []);
    assert.deepEqual(names('SELECT 1 /* never closed :a'), []);
    assert.deepEqual(names("/* -- */ SELECT :a -- /*\n, :b, '--' /* ' */, :c"), ['a', 'b', 'c']);
  });

  it('takes its values by name, null among them, and refuses to run without one of them', () => {
    const statement = compileStatement('SELECT :b, :a, :b', 'sqlite');
    assert.deepEqual(bindValues(statement, { a: null, b: 2, c: 'not asked for' }), [2, null, 2]);
    assert.throws(() => bindValues(statement, { a: 1 }), { code: 'E_SQL_VALUE', message: /":b"/ });
  });
});

describe('the look for the tenant', () => {
  const refused: Readonly<Record<string, string>> = {
    'a select': 'SELECT id FROM marketing_leads WHERE id = :id',
    'a select that compares the tenant with a text': "SELECT id FROM marketing_leads WHERE tenant_id = 'acme'",
    'a select that only says so in a comment': 'SELECT id FROM marketing_leads -- WHERE tenant_id = :tenant',
    'a select that only says so in a text': "SELECT 'tenant_id = :tenant' FROM marketing_leads",
    'a join of which only one side is scoped':
      'SELECT l.id FROM marketing_leads l JOIN marketing_consents c ON c.lead_id = l.id WHERE l.tenant_id = :tenant',
    'a join of a table with itself':
      'SELECT a.id FROM marketing_steps a JOIN marketing_steps b ON b.parent_id = a.id WHERE a.tenant_id = :tenant',
    'an insert': 'INSERT INTO marketing_attributes (name, type) VALUES (:name, :type)',
    'an insert from an unscoped select':
      'INSERT INTO marketing_segment_members (tenant_id, lead_id) SELECT :tenant, l.id FROM marketing_leads l',
    'an update': 'UPDATE marketing_leads SET score = 0',
    'an update by id alone': 'UPDATE marketing_leads SET score = 0 WHERE id = :id',
    'a delete': 'DELETE FROM marketing_leads',
    'a sub-query':
      'SELECT id FROM marketing_leads WHERE tenant_id = :tenant AND id IN (SELECT lead_id FROM marketing_consents)',
    'a table whose name is quoted': 'SELECT id FROM "marketing_leads"',
    'an unscoped part of a union':
      'SELECT id FROM marketing_leads WHERE tenant_id = :tenant UNION SELECT lead_id FROM marketing_messages',
  };
  for (const [what, source] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => assertScoped(source), { code: 'E_UNSCOPED' });
    });
  }

  const accepted: Readonly<Record<string, string>> = {
    'a select': 'SELECT id FROM marketing_leads WHERE tenant_id = :tenant',
    'a join':
      'SELECT l.id FROM marketing_leads l JOIN marketing_consents c ON c.tenant_id = :tenant AND c.lead_id = l.id WHERE l.tenant_id = :tenant',
    'an insert': 'INSERT INTO marketing_attributes (tenant_id, name) VALUES (:tenant, :name)',
    'an insert from a select':
      'INSERT INTO marketing_segment_members (tenant_id, lead_id) SELECT :tenant, l.id FROM marketing_leads l WHERE l.tenant_id = :tenant',
    'an upsert that names the table before a column':
      'INSERT INTO marketing_consents (tenant_id, lead_id, state) VALUES (:tenant, :lead, :state) ON CONFLICT (tenant_id, lead_id) DO UPDATE SET state = COALESCE(excluded.state, marketing_consents.state)',
    'an update': 'UPDATE marketing_leads SET score = 0 WHERE tenant_id = :tenant AND id = :id',
    'a delete': 'DELETE FROM marketing_leads WHERE tenant_id = :tenant',
    'a sub-query':
      'SELECT id FROM marketing_leads WHERE tenant_id = :tenant AND id IN (SELECT lead_id FROM marketing_consents WHERE tenant_id = :tenant)',
    'a table of its own': 'SELECT lead_id FROM nm_fresh',
    'no table at all': 'SELECT 1',
    'the list of migrations': 'SELECT name FROM marketing_migrations',
    'a table in a comment or a text': "SELECT 'marketing_leads' /* not marketing_leads */",
  };
  for (const [what, source] of Object.entries(accepted)) {
    it(`lets through ${what}, rightly scoped`, () => {
      assert.doesNotThrow(() => assertScoped(source));
    });
  }
});
