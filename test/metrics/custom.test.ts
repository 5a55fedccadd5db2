import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { ConditionError } from '../../lib/conditions';
import { DefinitionCatalogue } from '../../lib/definitions';
import { CustomMetrics, noFigures, registerMetric, type Figures } from '../../lib/metrics';
import type { Scope, Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';

const FIGURES: Figures = { ...noFigures(), sent: 2_000, opened: 500, clicked: 100, revenue: 250.5, cost: 10 };
const PER_MILLE = { title: 'Revenue per thousand', kind: 'money', formula: 'revenue / sent * 1000' } as const;

eachDatabase((db) =>
  describe('custom metrics', function () {
    this.timeout(30_000);
    let store: Store;
    let scope: Scope;
    let metrics: CustomMetrics;

    beforeEach(async () => {
      store = await db.open({ clock: new VirtualClock() });
      scope = store.tenant('test');
      metrics = new CustomMetrics(scope);
    });
    const values = async (figures = FIGURES): Promise<Record<string, number | undefined>> =>
      Object.fromEntries((await metrics.valuesOf(figures)).map(({ name, value }) => [name, value]));

    it('are formulas over figures and rates, in force at once', async () => {
      await metrics.set('per_mille', PER_MILLE);
      await metrics.set('click_to_open', { title: 'Click to open', kind: 'rate', formula: 'clicked / opened' });
      await metrics.set('margin', { title: 'Margin', kind: 'number', formula: 'roi > 10 ? revenue - cost : 0 - 1' });
      assert.deepEqual(await values(), { click_to_open: 0.2, margin: 240.5, per_mille: 125.25 });
      assert.deepEqual(
        (await metrics.valuesOf(noFigures())).map(({ name, value }) => [name, value]),
        [
          ['click_to_open', undefined],
          ['margin', -1],
          ['per_mille', undefined],
        ],
        'what is divided by zero has no value',
      );
    });

    it('keep their versions, and tell a lost race', async () => {
      const first = await metrics.set('per_mille', PER_MILLE, { actor: 'ann' });
      assert.equal((await metrics.set('per_mille', PER_MILLE)).version, 1, 'what changes nothing makes no version');
      const second = await metrics.set(
        'per_mille',
        { ...PER_MILLE, formula: 'revenue / queued * 1000' },
        { version: 1 },
      );
      assert.deepEqual([first.version, second.version, first.createdBy], [1, 2, 'ann']);
      await assert.rejects(metrics.set('per_mille', PER_MILLE, { version: 1 }), { code: 'E_CONFLICT' });
      await assert.rejects(metrics.set('per_mille', PER_MILLE, { must: 'new' }), { code: 'E_METRIC_EXISTS' });
      await assert.rejects(metrics.set('other', PER_MILLE, { must: 'exist' }), { code: 'E_UNKNOWN_METRIC' });
      await metrics.remove('per_mille');
      assert.deepEqual(await metrics.list(), []);
      await assert.rejects(metrics.get('per_mille'), { code: 'E_UNKNOWN_METRIC' });
      assert.equal((await metrics.set('per_mille', PER_MILLE)).version, 3);
      assert.deepEqual(
        (await metrics.versions('per_mille')).map(({ version, formula }) => [version, formula]),
        [
          [3, PER_MILLE.formula],
          [2, 'revenue / queued * 1000'],
          [1, PER_MILLE.formula],
        ],
      );
      assert.deepEqual(await new CustomMetrics(store.tenant('other')).list(), []);
    });

    it('are computed by programs, too; what a program gets wrong harms nobody', async () => {
      await metrics.set('per_mille', PER_MILLE);
      const forget = [
        registerMetric({ name: 'net', title: 'Net', kind: 'money', calculate: ({ revenue, cost }) => revenue - cost }),
        registerMetric({
          name: 'broken',
          title: 'Broken',
          kind: 'number',
          calculate: () => {
            throw new Error('no');
          },
        }),
      ];
      try {
        assert.deepEqual(await values(), { broken: undefined, net: 240.5, per_mille: 125.25 });
        await assert.rejects(metrics.set('net', PER_MILLE), { code: 'E_METRIC_EXISTS' });
        assert.throws(() => registerMetric({ name: 'net', title: 'x', kind: 'number', calculate: () => 1 }), {
          code: 'E_METRIC_EXISTS',
        });
      } finally {
        for (const one of forget) one();
      }
      assert.deepEqual(await values(), { per_mille: 125.25 });
    });

    it('are read by conditions of definitions', async () => {
      await metrics.set('per_mille', PER_MILLE);
      let read = 0;
      const figures = (): Promise<Figures> => Promise.resolve(((read += 1), FIGURES));
      const catalogue = new DefinitionCatalogue({
        flow: () => Promise.resolve(undefined),
        document: () => Promise.resolve(undefined),
      });
      const holds = (source: string, data: Record<string, unknown> = {}): Promise<boolean> =>
        catalogue.holds('spring', source, {
          campaign: { data },
          now: 0,
          customFacts: (names) => metrics.named(names, figures),
        });
      assert.equal(await holds('data.per_mille > 125'), true);
      assert.equal(await holds('data.per_mille > 126'), false);
      assert.equal(await holds('data.per_mille > 126', { per_mille: 200 }), true, 'own data wins');
      assert.equal(read, 2);
      assert.equal(await holds('data.unheard_of > 1'), false);
      assert.equal(read, 2, 'figures are read only where a metric is');
    });

    it('take nothing that is no number, reads a lead or the time, or is code', async () => {
      for (const formula of [
        'revenue >',
        'opened > 5',
        '"text"',
        'score + 1',
        'lead.score + 1',
        'nobody / sent',
        'sent + $millis()',
        '$did("email_opened") ? 1 : 2',
        '$eval("1")',
        'process.exit(1)',
        'constructor + 1',
        `sent${' + sent'.repeat(500)}`,
      ]) {
        await assert.rejects(metrics.set('wrong', { ...PER_MILLE, formula }), ConditionError, formula);
      }
      await assert.rejects(metrics.set('Per mille', PER_MILLE), { code: 'E_METRIC_NAME' });
      await assert.rejects(metrics.set('revenue', PER_MILLE), { code: 'E_METRIC_NAME' });
      assert.deepEqual(await metrics.list(), []);
    });
  }),
);
