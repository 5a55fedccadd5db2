import assert from 'node:assert/strict';
import path from 'node:path';
import type { Lab } from '../lab';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** `examples/13`: whoever leaves a cart behind is reminded after four hours, unless they buy meanwhile. */
export async function abandonedCart(lab: Lab): Promise<void> {
  await lab.load(path.join(__dirname, '..', '..', '..', 'examples', '13 - Abandoned cart.json'));
  const { events, campaigns } = lab.marketing;
  const leaves = async (name: string): Promise<void> => {
    const lead = { email: `${name}@cart.example`, name, country: 'US' };
    await events.record({ type: 'cart_abandoned', lead });
    await lab.rest();
  };
  const reminded = (name: string): number => lab.subjectsTo(`${name}@cart.example`).length;
  for (const name of ['ada', 'bob', 'cyd']) await leaves(name);
  await lab.pass(HOUR, 30 * MINUTE);
  await events.record({ type: 'purchase', lead: 'bob@cart.example', metadata: { value: 42 } });
  await lab.rest();
  await lab.pass(2 * HOUR, 30 * MINUTE);
  // What happens while the campaign stands still is kept.
  await campaigns.pause('abandoned-cart');
  await events.record({ type: 'purchase', lead: 'cyd@cart.example' });
  await campaigns.resume('abandoned-cart');
  assert.deepEqual(['ada', 'bob', 'cyd'].map(reminded), [0, 0, 0]);
  await lab.pass(HOUR + 5 * MINUTE, 5 * MINUTE);
  assert.deepEqual(['ada', 'bob', 'cyd'].map(reminded), [1, 0, 0]);
  // Another cart is another journey.
  await leaves('bob');
  await lab.pass(4 * HOUR + 5 * MINUTE, 30 * MINUTE);
  assert.equal(reminded('bob'), 1);
}
