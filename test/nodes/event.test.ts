import assert from 'node:assert/strict';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { ANNOUNCEMENTS, checkPatterns } from '../../lib/outbox';
import { EVENT_CHOICES } from '../../nodes/kit/editor/event-choices';
import { eventually } from '../kit/eventually';
import { bench } from '../kit/helper';

const TAB = { id: 'tab', type: 'tab', label: 'Tab' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store' };
const HEARD = { id: 'heard', type: 'helper', z: 'tab', x: 1, y: 1, wires: [] };
const LEAD = { id: 'lead', type: 'marketing-lead', z: 'tab', x: 1, y: 1, store: 'store', wires: [[]] };

function event(id: string, properties: Record<string, unknown> = {}): object {
  return {
    id,
    type: 'marketing-event',
    z: 'tab',
    x: 1,
    y: 1,
    name: id,
    store: 'store',
    wires: [['heard']],
    ...properties,
  };
}

interface Heard {
  topic: string;
  payload: Record<string, unknown>;
  event: { id: string; type: string; at: number };
}

describe('the event node', function () {
  this.timeout(60_000);
  const red = bench();
  let marketing: Marketing | undefined;

  /** Another program on the same database. */
  async function elsewhere(): Promise<Marketing> {
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
  const heard = (): Heard[] => red.received('heard') as unknown as Heard[];
  const subscriptions = async (): Promise<number> => {
    const rows = await (
      await elsewhere()
    ).scope.all(`SELECT id FROM marketing_subscriptions WHERE tenant_id = :tenant AND kind = 'flow'`);
    return rows.length;
  };
  const listening = (count = 1): Promise<void> => eventually(async () => assert.equal(await subscriptions(), count));
  const save = async (email: string): Promise<number> => {
    const saved = await (await elsewhere()).leads.upsert({ email });
    return saved.outcome === 'rejected' ? assert.fail() : saved.id;
  };

  it('sends what was chosen into the flow, from this runtime and from other programs', async () => {
    await red.load([TAB, STORE, LEAD, HEARD, event('events', { events: 'marketing.lead.created,marketing.roi.*' })]);
    await listening();
    red.node('lead').receive({ payload: { email: 'ada@example.org' } });
    await eventually(() => assert.equal(heard().length, 1));
    const [first] = heard();
    assert.deepEqual([first?.topic, first?.event.type], ['marketing.lead.created', 'marketing.lead.created']);
    assert.match(first?.event.id ?? '', /^msg_/);
    const id = await save('grace@example.org');
    await (await elsewhere()).leads.upsert({ email: 'grace@example.org', name: 'Grace' });
    await eventually(() => assert.equal(heard().length, 2));
    assert.deepEqual(heard()[1]?.payload, { lead: id });
    await eventually(() => assert.equal(red.badges('events').at(-1), 'green 2 events'));
  });

  it('sends when it starts what happened while the flow was stopped', async () => {
    const { outbox } = await elsewhere();
    const chosen = { key: 'events', node: 'events', events: ['marketing.lead.*'], deliver: () => assert.fail() };
    // The flow has run before.
    await (await outbox.read(chosen)).close();
    const id = await save('ada@example.org');
    await red.load([TAB, STORE, HEARD, event('events', { events: 'marketing.lead.*' })]);
    await eventually(() =>
      assert.deepEqual(
        heard().map(({ payload }) => payload),
        [{ lead: id }],
      ),
    );
  });

  it('goes on after a deploy, and is forgotten when it is deleted or told to keep nothing', async () => {
    const flow = [TAB, STORE, LEAD, HEARD];
    let people = 0;
    await red.load([...flow, event('events', { events: 'marketing.lead.*' })]);
    await listening();
    await red.deploy([...flow, event('events', { events: 'marketing.lead.*', step: 'renamed' })], 'full');
    await eventually(async () => {
      await save(`a${people++}@example.org`);
      assert.ok(heard().length >= 1);
    });
    await listening(1);
    await red.deploy([...flow, event('events', { durable: false })], 'nodes');
    await listening(0);
    await red.deploy([...flow, event('events')], 'full');
    await listening(1);
    await red.deploy(flow, 'full');
    await listening(0);
  });

  it('keeps nothing when it is told not to', async () => {
    let people = 0;
    await red.load([TAB, STORE, LEAD, HEARD, event('events', { events: '*', durable: false })]);
    await eventually(() => {
      red.node('lead').receive({ payload: { email: `a${people++}@example.org` } });
      assert.ok(heard().length > 0);
    });
    assert.equal(await subscriptions(), 0);
  });

  it('says so when two nodes have the same key, or nothing or nonsense was chosen', async () => {
    await red.load([
      ...[TAB, STORE, HEARD, event('one', { step: 'same' })],
      ...[
        event('two', { step: 'same' }),
        event('none', { events: '' }),
        event('wrong', { events: 'marketing.nothing.*' }),
      ],
    ]);
    await eventually(() => {
      const last = ['one', 'two'].map((id) => red.badges(id).at(-1));
      assert.deepEqual(last.sort(), ['grey idle', 'red duplicate step name']);
      for (const id of ['none', 'wrong']) assert.equal(red.badges(id).at(-1), 'red not complete', id);
    });
  });

  it('offers in the editor every event that there is, and groups that stand for some', () => {
    const types = new Set<string>(ANNOUNCEMENTS);
    assert.deepEqual(EVENT_CHOICES.filter((choice) => !choice.endsWith('*')).sort(), [...types].sort());
    assert.deepEqual(checkPatterns(EVENT_CHOICES), [...EVENT_CHOICES]);
  });
});
