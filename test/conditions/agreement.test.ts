import assert from 'node:assert/strict';
import { compileCondition, ConditionError, type Condition } from '../../lib/conditions';
import { isYes, openAll, type LeadDatabase, type StoredLead } from './helpers/databases';
import { ExpressionGenerator, NOW, onTheWire, Random, randomLead, SCHEMA } from './helpers/generator';
import { Oracle } from './helpers/oracle';

/** How many random expressions; each meets every row. `MARKETING_FUZZ=100000` for a long night. */
const EXPRESSIONS = Number(process.env.MARKETING_FUZZ ?? 5_000);
const ROWS = 100;
const SEED = Number(process.env.MARKETING_SEED ?? 20_260_101);
/** Expressions per statement. */
const BATCH = 50;

interface Case {
  readonly source: string;
  readonly condition: Condition;
  readonly closure: readonly boolean[];
}

describe('conditions: closure, SQL and JSONata agree', function () {
  this.timeout(Math.max(120_000, EXPRESSIONS * 40));
  const random = new Random(SEED);
  const leads: StoredLead[] = Array.from({ length: ROWS }, (_, index) => randomLead(random, index + 1));
  const wire = leads.map(onTheWire);
  const cases: Case[] = [];
  let databases: LeadDatabase[] = [];

  before(async () => {
    console.log(`      seed ${SEED}, ${EXPRESSIONS} expressions × ${ROWS} rows (MARKETING_SEED, MARKETING_FUZZ)`);
    databases = await openAll();
    for (const database of databases) await database.fill(leads);
    const generator = new ExpressionGenerator(random);
    while (cases.length < EXPRESSIONS) {
      const source = generator.condition();
      const condition = tryCompile(source);
      if (condition) cases.push({ source, condition, closure: wire.map((lead) => condition.test({ lead, now: NOW })) });
    }
  });
  after(async () => {
    for (const database of databases) await database.close();
  });

  it('closure = JSONata for every cell', async () => {
    const wrong: string[] = [];
    let failing = 0;
    for (const { source, closure } of cases) {
      const oracle = new Oracle(source, NOW);
      for (const [index, lead] of wire.entries()) {
        const verdict = await oracle.judge({ lead });
        // JSONata gives up on numbers that are not finite inside a calculation; there, the SQL test below decides.
        if ('error' in verdict) {
          assert.ok(['D1001', 'D1002', 'T2001', 'T2002'].includes(verdict.error), `${source}: ${verdict.error}`);
          failing++;
        } else if (verdict.truth !== closure[index])
          wrong.push(`${source}\n  ${JSON.stringify(lead)}: JSONata ${verdict.truth}`);
      }
    }
    console.log(`      ${cases.length * ROWS} cells, ${failing} where JSONata fails on infinity or NaN`);
    assert.ok(wrong.length === 0, `${wrong.length} cells differ:\n${wrong.slice(0, 3).join('\n')}`);
    assert.ok(failing < cases.length * ROWS * 0.1);
  });

  it('the normalised text means the same and is stable', async () => {
    for (const { source, condition, closure } of cases.slice(0, 1_000)) {
      const again = compileCondition(condition.normalised, SCHEMA);
      assert.equal(again.normalised, condition.normalised, source);
      assert.deepEqual(
        wire.map((lead) => again.test({ lead, now: NOW })),
        closure,
        source,
      );
    }
  });

  for (const label of ['SQLite', 'PostgreSQL', 'MariaDB']) {
    it(`SQL on ${label} = closure for every cell`, async function () {
      const database = databases.find((candidate) => candidate.label === label);
      if (!database) return this.skip();
      const exact = cases.filter(({ condition }) => condition.sqlExactOn(database.target));
      const wrong: string[] = [];
      for (let start = 0; start < exact.length; start += BATCH) {
        wrong.push(...(await differences(database, exact.slice(start, start + BATCH))));
      }
      console.log(`      ${exact.length} of ${cases.length} expressions as SQL, ${exact.length * ROWS} cells`);
      assert.ok(wrong.length === 0, `${wrong.length} cells differ:\n${wrong.slice(0, 3).join('\n')}`);
      assert.ok(exact.length >= cases.length * 0.8);
    });
  }

  async function differences(database: LeadDatabase, batch: readonly Case[]): Promise<string[]> {
    const values = {};
    const columns = batch.map(({ condition }, index) => {
      const predicate = condition.toSql(database.target, { alias: 'l', prefix: `c${index}_`, now: NOW });
      Object.assign(values, predicate.values);
      return `(${predicate.text})`;
    });
    let rows: unknown[][];
    try {
      rows = await database.rows(`SELECT ${columns.join(', ')} FROM marketing_leads l ORDER BY l.id`, values);
    } catch (error) {
      const [only, ...more] = batch;
      if (only && more.length === 0)
        return [`${only.source}: ${String(error)}\n  ${columns.join()} ${JSON.stringify(values)}`];
      const found: string[] = [];
      for (const one of batch) found.push(...(await differences(database, [one])));
      return found;
    }
    return batch.flatMap(({ source, closure }, column) =>
      rows.flatMap((row, index) =>
        isYes(row[column]) === closure[index]
          ? []
          : [
              `${source}\n  ${JSON.stringify(wire[index])}: SQL ${String(row[column])}, closure ${closure[index]}\n  ${columns[column]}`,
            ],
      ),
    );
  }
});

/** Generated text may break a limit, or fold to something that is refused for good reason; those are drawn again. */
function tryCompile(source: string): Condition | undefined {
  try {
    return compileCondition(source, SCHEMA);
  } catch (error) {
    assert.ok(error instanceof ConditionError, `${source}: ${String(error)}`);
    const expected =
      error.code === 'E_CONDITION_LIMIT' || /divides by zero|too large|white space|end/.test(error.message);
    assert.ok(expected, `${source}: ${error.code} ${error.message}`);
    return undefined;
  }
}
