import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { createBadge } from '../../nodes/kit/badge';
import { shortCount, STATUS_TEXTS, statusText, type StatusText, type Translate } from '../../nodes/kit/texts';

const english: Translate = (key) => key;

describe('the badge under a node', () => {
  function board(): { badge: ReturnType<typeof createBadge>; shown: string[]; clock: VirtualClock } {
    const clock = new VirtualClock();
    const shown: string[] = [];
    const badge = createBadge(
      ({ fill, shape, text }) => shown.push([fill, shape, text].join(' ').trim()),
      english,
      clock,
    );
    return { badge, shown, clock };
  }

  it('shows the first change at once and then at most two a second, the last one included', async () => {
    const { badge, shown, clock } = board();
    for (let count = 1; count <= 1000; count++)
      badge.show({ fill: 'blue', text: 'sent', values: { shown: shortCount(count) } });
    assert.deepEqual(shown, ['blue dot 1 sent']);
    await clock.advance(500);
    assert.deepEqual(shown, ['blue dot 1 sent', 'blue dot 1,000 sent']);
    await clock.advance(5_000);
    assert.equal(shown.length, 2);
  });

  it('puts what is wrong over what holds it up, and that over the counts', async () => {
    const { badge, shown, clock } = board();
    const next = async (): Promise<string | undefined> => {
      await clock.advance(600);
      return shown.at(-1);
    };
    badge.show({ fill: 'green', text: 'sent', values: { shown: '5' } });
    badge.held({ fill: 'yellow', text: 'held' });
    assert.equal(await next(), 'yellow dot held: server down');
    badge.trouble({ fill: 'red', text: 'unreachable' });
    assert.equal(await next(), 'red ring database unreachable');
    badge.broken({ fill: 'red', text: 'template' });
    badge.invalid();
    assert.equal(await next(), 'red ring template error');
    badge.trouble(undefined);
    assert.equal(await next(), 'red ring template error');
  });

  it('goes back to what was under it', async () => {
    const { badge, shown, clock } = board();
    badge.show({ fill: 'green', text: 'sent', values: { shown: '5' } });
    badge.trouble({ fill: 'red', text: 'unreachable' });
    await clock.advance(600);
    badge.trouble(undefined);
    await clock.advance(600);
    assert.equal(shown.at(-1), 'green dot 5 sent');
  });

  it('is empty after the node has closed, whatever comes late', async () => {
    const { badge, shown, clock } = board();
    badge.show({ fill: 'blue', text: 'idle' });
    badge.show({ fill: 'blue', text: 'done' });
    badge.clear();
    badge.show({ fill: 'blue', text: 'error' });
    await clock.advance(2_000);
    assert.equal(shown.at(-1), '');
  });

  it('stays within 20 characters for every text and count', () => {
    const count = shortCount(999_949);
    for (const name of Object.keys(STATUS_TEXTS) as StatusText[]) {
      const text = statusText(english, name, {
        shown: count,
        sent: '999k',
        failed: '99',
        yes: '999k',
        no: '999k',
        votes: '10/20',
        refused: '999k',
      });
      assert.ok(text.length <= 20, `"${text}" has ${text.length} characters`);
      assert.ok(!text.includes('__'), text);
    }
  });

  it('writes counts short', () => {
    assert.deepEqual([0, 9_999, 10_000, 12_345, 99_949, 99_950, 999_949, 1_234_567].map(shortCount), [
      '0',
      '9,999',
      '10.0k',
      '12.3k',
      '99.9k',
      '100k',
      '1000k',
      '1.2M',
    ]);
  });

  it('uses the translation where there is one', () => {
    const german: Translate = (_key, { shown }) => `${shown} warten`;
    assert.equal(statusText(german, 'waiting', { shown: '3' }), '3 warten');
    assert.equal(
      statusText(() => undefined, 'waiting', { shown: '3' }),
      '3 waiting',
    );
  });
});
