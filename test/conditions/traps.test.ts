import assert from 'node:assert/strict';
import { compileCondition, ConditionError, type Condition, type ConditionSchema } from '../../lib/conditions';
import { isYes, openAll, type LeadDatabase, type StoredLead } from './helpers/databases';
import { truthOf } from './helpers/oracle';
import traps from './jsonata-traps.json';

interface TrapCase {
  readonly name: string;
  readonly expr: string;
  readonly result: string;
  /** It belongs to the small data. */
  readonly small: boolean;
}
/** The trap data's fields as somebody would declare them; what is no flat typed value (nested, obj, nul …) cannot be. */
const SCHEMA: ConditionSchema = {
  lead: {
    age: 'number',
    ageStr: 'string',
    missing: 'number',
    alsoMissing: 'number',
    empty: 'string',
    zero: 'number',
    f: 'boolean',
    tags: 'string[]',
    one: 'string[]',
    none: 'string[]',
    big: 'number',
    created: 'string',
    created2: 'string',
    'weird key': 'number',
    nan: 'string',
    neg: 'number',
    str0: 'string',
    accented: 'string',
  },
};
/** The same field under another type: a missing one is used now as a number, now as text. */
const TEXT_SCHEMA: ConditionSchema = { lead: { ...SCHEMA.lead, missing: 'string' } };

/** Why a case is not in the subset. */
const REASONS: readonly [RegExp, string][] = [
  [/\bnull\b|lead\.nul\b/, 'null: absent is the only "nothing"'],
  [/lead\.(obj|nested|nums|dup)\b|\{\}|\.k\b/, 'objects, nested and mixed arrays'],
  [/\$(type|fromMillis|count|max)\b/, 'functions outside the allow-list'],
  [/\[(-?\d|\$)|\.\*/, 'filters, indexes, wildcards'],
  [/= ?\['|^\['/, 'lists compared as a whole'],
  [
    /\/ex|\$toMillis\((lead|'yesterday'|'2026-02-30')/,
    'regular expressions; $toMillis of anything but a valid literal',
  ],
];

/** Spelled as marketers do: JSONata fails on it, we read it as what was meant. */
const SPELLED: Readonly<Record<string, boolean>> = { 'AND upper': true };

/** The truth that the file promises: undefined when JSONata fails. */
function promised({ name, result }: TrapCase): boolean | undefined {
  if (result.startsWith('ERROR')) return SPELLED[name];
  if (result === 'Infinity') return true;
  return result === '(undefined)' ? false : truthOf(JSON.parse(result));
}

describe('conditions: the traps of JSONata', () => {
  const cases: readonly TrapCase[] = traps.cases.map(({ name, expr, result, ...rest }) => ({
    name,
    expr,
    result,
    small: 'data' in rest,
  }));
  const inSubset: { trap: TrapCase; condition: Condition }[] = [];
  const refused: { trap: TrapCase; error: ConditionError }[] = [];
  const failing: { trap: TrapCase; error: ConditionError }[] = [];
  let databases: LeadDatabase[] = [];

  const compileTrap = (expr: string): Condition => {
    try {
      return compileCondition(expr, SCHEMA);
    } catch (error) {
      if (!/missing/.test(expr)) throw error;
      return compileCondition(expr, TEXT_SCHEMA);
    }
  };

  before(async () => {
    for (const trap of cases) {
      try {
        inSubset.push({ trap, condition: compileTrap(trap.expr) });
      } catch (error) {
        assert.ok(error instanceof ConditionError, `${trap.expr}: ${String(error)}`);
        (promised(trap) === undefined ? failing : refused).push({ trap, error });
      }
    }
    databases = await openAll();
    for (const database of databases)
      await database.fill([stored(traps.data_main.lead, 1), stored(traps.data_small.lead, 2)]);
    console.log(
      `      ${inSubset.length} cases in the subset, ${refused.length} refused, ${failing.length} fail in JSONata itself and are refused`,
    );
  });
  after(async () => {
    for (const database of databases) await database.close();
  });

  /** A lead of the trap data as the store would keep it: null is absent, what has no declared type is not kept. */
  function stored(lead: Record<string, unknown>, id: number): StoredLead {
    const declared = Object.entries(lead).filter(([name, value]) => name in SCHEMA.lead && value !== null);
    const text = (name: string): string | null => (typeof lead[name] === 'string' ? lead[name] : null);
    return {
      id,
      email: text('email'),
      name: text('name'),
      phone: null,
      country: text('country'),
      time_zone: null,
      external_id: null,
      score: 0,
      created_at: 0,
      attributes: Object.fromEntries(declared),
    };
  }

  it('has a case in each group', () => {
    assert.equal(inSubset.length + refused.length + failing.length, cases.length);
    assert.ok(inSubset.length >= 43, `${inSubset.length}`);
  });

  it('closure: every case in the subset has the truth that JSONata gives', () => {
    for (const { trap, condition } of inSubset) {
      const lead = trap.small ? traps.data_small.lead : traps.data_main.lead;
      assert.equal(
        condition.test({ lead, now: 0 }),
        promised(trap) ?? assert.fail(`${trap.expr} fails in JSONata`),
        `${trap.name}: ${trap.expr}`,
      );
    }
  });

  for (const label of ['SQLite', 'PostgreSQL', 'MariaDB']) {
    it(`SQL on ${label}: every case in the subset has the truth that JSONata gives`, async function () {
      const database = databases.find((candidate) => candidate.label === label);
      if (!database) return this.skip();
      let tested = 0;
      for (const { trap, condition } of inSubset) {
        if (!condition.sqlExactOn(database.target)) {
          assert.match(trap.expr, /\$lowercase/, trap.expr);
          continue;
        }
        const { text, values } = condition.toSql(database.target, { alias: 'l', prefix: 'c0_', now: 0 });
        const rows = await database.rows(`SELECT l.id, (${text}) FROM marketing_leads l ORDER BY l.id`, values);
        assert.equal(isYes(rows[trap.small ? 1 : 0]?.[1]), promised(trap), `${trap.name}: ${trap.expr}: ${text}`);
        tested++;
      }
      assert.ok(tested >= inSubset.length - 1);
    });
  }

  it('refuses every other case with a message and a position inside the text', () => {
    for (const { trap, error } of [...refused, ...failing]) {
      assert.match(error.code, /^E_(CONDITION_(SYNTAX|REFUSED|TYPE)|UNKNOWN_ATTRIBUTE)$/, trap.expr);
      assert.ok(error.position !== undefined && error.position >= 0 && error.position <= trap.expr.length, trap.expr);
      assert.ok(error.message.length > 20 && /[.?]$/.test(error.message), `${trap.expr}: ${error.message}`);
    }
  });

  it('refuses only for a reason that the documentation gives', () => {
    for (const { trap, error } of refused) {
      const known = REASONS.some(([pattern]) => pattern.test(trap.expr)) || error.code === 'E_CONDITION_TYPE';
      assert.ok(known, `${trap.expr}: ${error.message}`);
    }
  });
});
