import assert from 'node:assert/strict';
import fc from 'fast-check';
import { VirtualClock } from '../../lib/clock';
import { optOut } from '../../lib/http';
import { createLeads, type Leads } from '../../lib/leads';
import { createMetrics } from '../../lib/metrics';
import type { Scope } from '../../lib/store';
import { campaignRow } from '../kit/campaign-rows';
import { eachDatabase } from '../kit/databases';
import { Sender } from './sender';

const PEOPLE = 6;
const person = fc.nat(PEOPLE - 1);
const some = fc.array(person, { minLength: 1, maxLength: PEOPLE });
const channel = fc.constantFrom('email', 'sms');
const variant = fc.constantFrom('', 'B');

/** What may happen to a campaign. */
const operation = fc.oneof(
  fc.record({
    do: fc.constant('send' as const),
    who: some,
    channel,
    variant,
    end: fc.constantFrom('sent', 'failed', 'unknown', 'deferred'),
    cost: fc.nat(300),
  }),
  fc.record({ do: fc.constant('die' as const), who: some, channel, variant }),
  fc.record({ do: fc.constant('reconcile' as const), who: some }),
  fc.record({
    do: fc.constant('engage' as const),
    // Few ids: most come more than once, some in the same call.
    events: fc.array(
      fc.record({
        who: person,
        id: fc.nat(8),
        type: fc.constantFrom('email_opened', 'sms_delivered', 'purchase', 'visited', 'email_bounced', 'clicked'),
        value: fc.option(fc.integer({ min: -5, max: 9_999 })),
        counted: fc.boolean(),
        hoursAgo: fc.nat(50),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  fc.record({ do: fc.constant('unsubscribe' as const), who: person, channel }),
  fc.record({ do: fc.constant('remove' as const), who: person }),
  fc.record({ do: fc.constant('wait' as const), minutes: fc.nat(200) }),
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

eachDatabase((db) =>
  describe('counters after anything that may happen', function () {
    this.timeout(120_000);

    it('are what the rows say', async () => {
      const store = await db.open({ clock: new VirtualClock() });
      const clock = store.clock as VirtualClock;
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 3, maxLength: 14 }), async (operations) => {
          // A tenant per round is as good as a database.
          const scope = store.tenant(`t${++round}`);
          const world = await open(scope);
          for (const one of operations) await happen(world, clock, one);
          const metrics = createMetrics(scope);
          assert.deepEqual(await metrics.differences(), []);
          const { figures, groups } = await metrics.of(world.campaign, { by: 'hour' });
          const total = (await metrics.of(world.campaign)).figures;
          assert.deepEqual(figures, total, 'the hours add up to the total');
          assert.ok(
            Object.values(total).every((amount) => amount >= 0),
            JSON.stringify(total),
          );
          assert.ok(groups.every(({ figures: hour }) => Object.values(hour).every((amount) => amount >= 0)));
          const sent = await scope.get<{ n: number; cost: number | null }>(
            `SELECT COUNT(*) AS n, SUM(cost_micros) AS cost FROM marketing_messages WHERE tenant_id = :tenant AND state = 'sent'`,
          );
          assert.deepEqual([total.sent, total.cost], [Number(sent?.n), Number(sent?.cost ?? 0) / 1e6]);
        }),
        { numRuns: db.name === 'sqlite' ? 40 : 12 },
      );
    });
  }),
);

interface World {
  readonly campaign: number;
  readonly people: readonly number[];
  readonly leads: Leads;
  readonly sender: Sender;
  readonly tenant: string;
}

async function open(scope: Scope): Promise<World> {
  const leads = createLeads(scope);
  const campaign = await campaignRow(scope, { key: 'spring' });
  const sender = new Sender(scope, campaign);
  const results = await leads.upsertAll(
    Array.from({ length: PEOPLE }, (_, index) => ({ email: `p${index}@example.org` })),
  );
  const people = results.flatMap((result) => ('id' in result ? [result.id] : []));
  for (const lead of people) await sender.enter(lead);
  return { campaign, people, leads, sender, tenant: scope.tenant };
}

async function happen(
  { campaign, people, leads, sender, tenant }: World,
  clock: VirtualClock,
  one: Operation,
): Promise<void> {
  const lead = (who: number): number => people[who] ?? 0;
  switch (one.do) {
    case 'send': {
      const { who, channel: on, variant: of, end, cost } = one;
      const steps = await sender.begin(who, { channel: on, variant: of });
      await sender.settle(steps, { state: end, variant: of, cost: cost / 100 }, on);
      break;
    }
    case 'die':
      await sender.begin(one.who, { channel: one.channel, variant: one.variant });
      await clock.advance(1_000_000);
      await sender.die();
      break;
    case 'reconcile':
      await sender.reconcile(one.who);
      break;
    case 'engage':
      await leads.engage(
        one.events.map(({ who, id, type, value, counted, hoursAgo }) => ({
          leadId: lead(who),
          type,
          eventId: `event ${id}`,
          at: clock.now() - hoursAgo * 3_600_000,
          ...(counted ? { campaignId: campaign } : {}),
          ...(value === null ? {} : { metadata: { value: value / 100 } }),
        })),
      );
      break;
    case 'unsubscribe':
      await optOut(leads, { tenant, lead: lead(one.who), campaign, channel: one.channel });
      break;
    case 'remove':
      await leads.remove(lead(one.who));
      break;
    case 'wait':
      await clock.advance(one.minutes * 60_000);
      break;
  }
}
