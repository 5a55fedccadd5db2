import assert from 'node:assert/strict';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { ianaZone, nextLocalTime } from '../../lib/calendar';
import { migrations } from '../../nodes/delay/migrations';
import { readConfig } from '../../nodes/kit/config';
import { migrateConfig } from '../../nodes/kit/migrate';
import { planOf, recomputeOf } from '../../nodes/delay/plan';
import { eventually } from '../kit/eventually';
import { bench } from '../kit/helper';

const TAB = { id: 'tab', type: 'tab', label: 'Tab' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store' };
const CATCH = { id: 'catch', type: 'catch', z: 'tab', x: 1, y: 1, scope: null, wires: [['caught']] };
const sink = (id: string): object => ({ id, type: 'helper', z: 'tab', x: 1, y: 1, wires: [] });
const drawn = (id: string, type: string, wires: string[][], properties: Record<string, unknown> = {}): object => {
  return { id, type, z: 'tab', x: 1, y: 1, name: id, store: 'store', wires, ...properties };
};

const plan = (config: Record<string, unknown>): ReturnType<typeof planOf> =>
  planOf(readConfig(migrateConfig({ configVersion: 2, ...migrateConfig({}, migrations), ...config }, migrations)));

describe("a delay node's configuration", () => {
  it('of an earlier release means what it meant', () => {
    const saved = { configVersion: 1, mode: 'duration', amount: '2', unit: 'hours', onChange: 'keep', step: 'x' };
    const { mode, amount, unit, hold, outputs, configVersion } = migrateConfig(saved, migrations);
    assert.deepEqual([mode, amount, unit, hold, outputs, configVersion], ['duration', '2', 'hours', 'none', 1, 2]);
    assert.deepEqual(planOf(readConfig(migrateConfig(saved, migrations))), {
      kind: 'moment',
      plan: { until: { kind: 'duration', ms: 7_200_000 } },
      whenMissing: 'continue',
      attribute: '',
    });
  });

  it('says what is waited for, and until when at the latest', () => {
    assert.deepEqual(plan({ mode: 'event', event: 'purchase', eventCondition: 'event.value > 5', timeout: '90' }), {
      kind: 'wait',
      spec: { for: { kind: 'event', event: 'purchase', since: 'entry', condition: 'event.value > 5' } },
      patience: { until: { kind: 'duration', ms: 90 * 3_600_000 } },
    });
    const attribute = { mode: 'attribute', attribute: 'renewal', shift: '7', direction: 'before', hold: 'tenant' };
    assert.deepEqual(plan(attribute), {
      kind: 'moment',
      plan: {
        until: { kind: 'attribute', attribute: 'renewal', shift: { amount: -7, unit: 'days' }, time: '09:00' },
        hold: { calendar: 'tenant', releaseMinutes: 30 },
      },
      whenMissing: 'continue',
      attribute: 'renewal',
    });
    const own = { mode: 'weekday', weekdays: '5,1', time: '18:30', hold: 'own', weekends: true, holidays: '12-25' };
    assert.deepEqual(plan(own), {
      kind: 'moment',
      plan: {
        until: { kind: 'time', time: '18:30', weekdays: [1, 5] },
        hold: {
          calendar: { quietHours: { from: '22:00', to: '08:00' }, excludeWeekends: true, holidays: ['12-25'] },
          releaseMinutes: 30,
        },
      },
      whenMissing: 'continue',
      attribute: '',
    });
  });

  it('is refused where it makes no sense, with the property', () => {
    for (const [wrong, code] of [
      [{ mode: 'event', event: '' }, 'E_CONFIG'],
      [{ mode: 'event', event: 'purchase', timeout: '' }, 'E_CONFIG'],
      [{ mode: 'condition' }, 'E_CONFIG'],
      [{ mode: 'segment' }, 'E_CONFIG'],
      [{ mode: 'attribute' }, 'E_CONFIG'],
      [{ mode: 'hour', time: '25:00' }, 'E_CONFIG'],
      [{ mode: 'weekday', weekdays: '' }, 'E_CONFIG'],
      [{ mode: 'weekday', weekdays: '0,8' }, 'E_CONFIG'],
      [{ hold: 'own', quietFrom: '22:00', quietTo: '' }, 'E_CALENDAR'],
      [{ hold: 'own', holidays: 'Christmas' }, 'E_CALENDAR'],
      [{ mode: 'never' }, 'E_CONFIG'],
    ] as const) {
      assert.throws(() => plan(wrong), { code }, JSON.stringify(wrong));
      assert.deepEqual(recomputeOf({ ...wrong, onChange: 'recompute' }), {});
    }
  });

  it('works out anew for each person what hangs on the person, when it is told to', () => {
    const hour = { mode: 'hour', time: '09:00', onChange: 'recompute' };
    assert.deepEqual(recomputeOf(hour), { recomputeBy: { until: { kind: 'time', time: '09:00' } } });
    assert.deepEqual(recomputeOf({ ...hour, onChange: 'keep' }), {});
    const event = { mode: 'event', event: 'purchase', timeout: '2', timeoutUnit: 'days', onChange: 'recompute' };
    assert.deepEqual(recomputeOf(event), { recomputeMs: 2 * 86_400_000 });
  });
});

describe('a delay node in Node-RED', function () {
  this.timeout(30_000);
  const red = bench();
  let marketing: Marketing | undefined;

  async function look(): Promise<Marketing> {
    marketing ??= await openMarketing({
      database: { url: `sqlite:${path.join(red.userDir, 'marketing.sqlite')}` },
      work: false,
    });
    return marketing;
  }
  afterEach(async () => {
    await marketing?.close();
    marketing = undefined;
  });

  async function withLeads(...flow: object[]): Promise<Marketing> {
    await red.load([TAB, STORE, CATCH, sink('caught'), ...flow]);
    const data = await look();
    await eventually(async () => assert.ok((await data.definitions.list()).length > 0));
    await data.leads.declare('renewal', 'date');
    await data.leads.upsertAll([
      { email: 'ada@example.org', name: 'Ada', timeZone: 'America/New_York', attributes: { renewal: '2099-05-04' } },
      { email: 'ben@example.org', name: 'Ben', country: 'DE' },
    ]);
    return data;
  }
  const names = (id: string): string[] => red.received(id).map(({ payload }) => (payload as { name: string }).name);
  async function dueOf(data: Marketing, step: string): Promise<Record<string, number>> {
    const rows = await data.scope.all<{ name: string; due_at: number }>(
      `SELECT l.name, s.due_at FROM marketing_stations t
       JOIN marketing_steps s ON s.station_id = t.id AND s.tenant_id = :tenant AND s.state = 'waiting'
       JOIN marketing_leads l ON l.id = s.lead_id AND l.tenant_id = :tenant WHERE t.tenant_id = :tenant AND t.step = :step`,
      { step },
    );
    return Object.fromEntries(rows.map(({ name, due_at }) => [name, due_at]));
  }

  it('lets people go on when they do something, with what they did; the others when time runs out', async () => {
    const wait = {
      mode: 'event',
      event: 'purchase',
      eventCondition: 'event.value > 5',
      timeout: '400',
      timeoutUnit: 'days',
    };
    const data = await withLeads(
      drawn('go', 'marketing-trigger', [['wait', 'hurry']]),
      drawn('wait', 'marketing-delay', [['bought'], ['late']], wait),
      drawn('hurry', 'marketing-delay', [['bought'], ['late']], { ...wait, timeout: '0' }),
      ...['bought', 'late'].map(sink),
    );
    red.node('go').receive({});
    await eventually(() => assert.deepEqual(names('late').sort(), ['Ada', 'Ben']));
    await eventually(() => assert.equal(red.badges('wait').at(-1), 'yellow 2 waiting'));
    for (const value of [5, 6]) {
      await data.events.record({ type: 'purchase', lead: 'ada@example.org', metadata: { value } });
    }
    await eventually(() => assert.deepEqual(names('bought'), ['Ada']));
    const [{ event } = {}] = red.received('bought') as { event?: { type: string; value: number } }[];
    assert.deepEqual([event?.type, event?.value], ['purchase', 6]);
    // The node becomes a plain delay: whoever waits for the time-out leaves by the only output.
    await red.deploy(
      [
        TAB,
        STORE,
        drawn('go', 'marketing-trigger', [['wait']]),
        drawn('wait', 'marketing-delay', [['bought']], { amount: '1', unit: 'seconds', onChange: 'recompute' }),
        sink('bought'),
      ],
      'full',
    );
    await eventually(() => assert.deepEqual(names('bought').at(-1), 'Ben'));
  });

  it('waits for a date of the lead; who has none goes on, ends the journey or leaves by the second output', async () => {
    const date = { mode: 'attribute', attribute: 'renewal', shift: '1', direction: 'before', time: '08:00' };
    const data = await withLeads(
      drawn('go', 'marketing-trigger', [['going', 'ending', 'other']]),
      drawn('going', 'marketing-delay', [['on']], { ...date, missing: 'continue' }),
      drawn('ending', 'marketing-delay', [['on']], { ...date, missing: 'end' }),
      drawn('other', 'marketing-delay', [['on'], ['none']], { ...date, missing: 'output' }),
      ...['on', 'none'].map(sink),
    );
    red.node('go').receive({});
    await eventually(() => assert.deepEqual([names('on'), names('none')], [['Ben'], ['Ben']]));
    for (const step of ['going', 'ending', 'other']) {
      assert.deepEqual(await dueOf(data, step), { Ada: Date.UTC(2099, 4, 3, 12) }, step);
    }
    const story = await data.campaigns.why('go', 'ben@example.org');
    assert.ok(
      story.some(({ text }) => text.includes('no date in renewal')),
      JSON.stringify(story),
    );
  });

  it("waits until an hour of each lead's day, and works it out again for those who wait when it was changed", async () => {
    const flow = (time: string): object[] => [
      drawn('go', 'marketing-trigger', [['morning']]),
      drawn('morning', 'marketing-delay', [['on']], { mode: 'hour', time, onChange: 'recompute' }),
      sink('on'),
    ];
    // Far from now wherever they are, so that nobody is through before it is looked at.
    const hour = (shift: number): string => `${String((new Date().getUTCHours() + shift) % 24).padStart(2, '0')}:30`;
    const expected = (time: string): Record<string, number> => {
      const at = (zone: string): number => nextLocalTime(Date.now(), ianaZone(zone) ?? assert.fail(), time);
      return { Ada: at('America/New_York'), Ben: at('Europe/Berlin') };
    };
    const data = await withLeads(...flow(hour(8)));
    red.node('go').receive({});
    await eventually(async () => assert.deepEqual(await dueOf(data, 'morning'), expected(hour(8))));
    await red.deploy([TAB, STORE, CATCH, sink('caught'), ...flow(hour(12))], 'full');
    await eventually(async () => assert.deepEqual(await dueOf(data, 'morning'), expected(hour(12))));
  });

  it('says that what it waits for cannot be asked, and lets nobody into the journey until it can', async () => {
    await withLeads(
      drawn('go', 'marketing-trigger', [['wait']]),
      drawn('wait', 'marketing-delay', [['on'], ['on']], { mode: 'condition', condition: 'lead.shoe_size > 40' }),
      sink('on'),
    );
    red.node('go').receive({});
    const { error } = (await red.next('caught')) as unknown as { error: { code?: string } };
    assert.equal(error.code, 'E_UNKNOWN_ATTRIBUTE');
  });
});
