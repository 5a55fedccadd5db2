import assert from 'node:assert/strict';
import { compileCondition, parseDuration } from '../../lib/conditions';

const infer = { infer: ['data'] } as const;

describe('conditions: fields that nobody has declared', () => {
  it('may be read where the caller says so, and only there', () => {
    assert.equal(compileCondition('data.x > 5', { lead: {} }, infer).normalised, 'campaign.data.x > 5');
    assert.throws(() => compileCondition('data.x > 5', { lead: {} }), { code: 'E_UNKNOWN_ATTRIBUTE' });
    assert.throws(() => compileCondition('lead.x > 5', { lead: {} }, infer), { code: 'E_UNKNOWN_ATTRIBUTE' });
    assert.throws(() => compileCondition('data.x.y > 5', { lead: {} }, infer), { code: 'E_UNKNOWN_ATTRIBUTE' });
    assert.equal(compileCondition('x > 5', { lead: {} }, { infer: ['lead'] }).test({ lead: { x: 6 }, now: 0 }), true);
  });

  it('keep the type that is declared', () => {
    assert.throws(() => compileCondition('data.x > 5', { lead: {}, campaign: { x: 'string' } }, infer), {
      code: 'E_CONDITION_TYPE',
    });
  });

  it('are nothing that a database can look at', () => {
    const condition = compileCondition('data.x > 5 and lead.score > 1', { lead: {} }, infer);
    assert.equal(condition.sqlExact, false);
    assert.throws(() => condition.toSql({ name: 'postgres', mariadb: false }, { alias: 'l', prefix: 'c_', now: 0 }), {
      code: 'E_NOT_SQL',
    });
  });

  it('are listed with everything else that is read', () => {
    const condition = compileCondition('data.x > 5 and score > 1 and data.x < 9', { lead: {} }, infer);
    assert.deepEqual(condition.reads, ['campaign.data.x', 'lead.score']);
    assert.deepEqual(condition.attributes, ['score']);
  });
});

describe('conditions: durations', () => {
  const written: Readonly<Record<string, number | undefined>> = {
    '24h': 86_400_000,
    '24 hours': 86_400_000,
    '2 hrs': 7_200_000,
    '30min': 1_800_000,
    '30 mins': 1_800_000,
    '7d': 604_800_000,
    '1w': 604_800_000,
    '10 sec': 10_000,
    '1.5 h': 5_400_000,
    '5m': undefined,
    '5 months': undefined,
    '-1 h': undefined,
    h: undefined,
    '0 h': undefined,
  };
  for (const [text, millis] of Object.entries(written))
    it(`"${text}" is ${millis ?? 'none'}`, () => assert.equal(parseDuration(text), millis));
});
