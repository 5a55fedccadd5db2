import assert from 'node:assert/strict';
import { nameOf } from '../../lib/access';
import { VirtualClock } from '../../lib/clock';
import { ConflictError, InputError } from '../../lib/errors';
import { openMarketing, type Marketing } from '../../lib/marketing';
import { HasMarketing, useMarketing, type MarketingDeclaration, type ModelCampaign } from '../../lib/model';
import { eachDatabase } from '../kit/databases';

const START = Date.UTC(2026, 0, 5, 9);

class Product extends HasMarketing(Object) {
  marketing_data?: unknown;
  price = 10;

  constructor(readonly id: number) {
    super();
  }

  marketingConfig(): MarketingDeclaration {
    return {
      campaigns: {
        product_launch: { name: 'Product Launch Campaign', channels: ['email', 'social'], budget: 5000 },
        funnel: {
          stages: ['plan', 'active', 'closed'],
          transitions: { activate: { from: 'plan', to: 'active', condition: 'data.segment > 100' } },
        },
      },
    };
  }
}

/** What a program does with its models, whatever they are kept in. */
async function programme(product: Product): Promise<{ active: ModelCampaign[]; events: string[]; can: boolean[] }> {
  const marketing = product.marketing();
  const can = [await marketing.can('launch', 'product_launch')];
  await marketing.launchCampaign('product_launch', { target_segment: 'early_adopters' }, { actor: 'ann' });
  can.push(await marketing.can('launch', 'product_launch'), await marketing.can('pause', 'product_launch'));
  await marketing.pauseCampaign('product_launch', { actor: 'bob', reason: 'price check' });
  await marketing.resumeCampaign('product_launch');
  await assert.rejects(marketing.act('funnel', 'activate'), /data\.segment > 100/);
  const history = await marketing.history('product_launch');
  return {
    active: await marketing.activeCampaigns(),
    events: history.map(({ event, actor }) => `${event} by ${actor}`),
    can,
  };
}

eachDatabase((db) => {
  describe('HasMarketing with a store', () => {
    const clock = new VirtualClock(START);
    let marketing: Marketing;

    beforeEach(async () => {
      // An empty database of its own for each test.
      await (await db.open({ clock })).close();
      marketing = await openMarketing({ database: { url: db.url() }, clock, work: false });
      useMarketing(marketing);
    });
    afterEach(async () => {
      useMarketing(undefined);
      await marketing.close();
    });

    it('US-010, BR-006: does the same as without one, with nothing else changed', async () => {
      const stored = await programme(new Product(7));
      useMarketing(undefined, { clock });
      const kept = await programme(new Product(7));
      assert.deepEqual(stored.active, kept.active);
      assert.deepEqual(stored.can, kept.can);
      for (const event of kept.events) assert.ok(stored.events.includes(event), `${event} is missing in the database`);
    });

    it('keeps campaigns in the database, where the dashboards and the API find them', async () => {
      const product = new Product(7);
      await product.marketing().launchCampaign('product_launch', { target_segment: 'early_adopters' });
      assert.equal(product.marketing_data, undefined);
      const { items } = await marketing.campaigns.list({ subject: { type: 'Product', id: '7' } });
      assert.equal(items.length, 1);
      assert.equal(items[0]?.state, 'active');
      assert.deepEqual(items[0]?.data, { target_segment: 'early_adopters' });
      assert.deepEqual([...(items[0]?.channels ?? [])].sort(), ['email', 'social']);
      assert.equal((await new Product(7).marketing().activeCampaigns()).length, 1);
      assert.equal((await new Product(8).marketing().activeCampaigns()).length, 0);
    });

    it('takes over what the model had kept itself, once', async () => {
      useMarketing(undefined, { clock });
      const product = new Product(7);
      await product.marketing().launchCampaign('product_launch', { target_segment: 'early_adopters' });
      await product.marketing().pauseCampaign('product_launch');
      useMarketing(marketing);
      const [campaign] = await product.marketing().campaigns();
      assert.equal(campaign?.state, 'paused');
      assert.deepEqual(campaign?.data, { target_segment: 'early_adopters' });
      await product.marketing().resumeCampaign('product_launch');
      const again = new Product(7);
      again.marketing_data = product.marketing_data;
      assert.equal((await again.marketing().activeCampaigns()).length, 1);
      const events = (await again.marketing().history()).map(({ event }) => event);
      assert.deepEqual(events.slice(0, 2), ['campaign.launched', 'campaign.paused']);
      assert.equal(events.at(-1), 'campaign.resumed');
    });

    it('asks the guards and runs the hooks of each of two simultaneous calls for that call alone', async () => {
      const told: string[] = [];
      class Watched extends Product {
        override marketingConfig(): MarketingDeclaration {
          return {
            ...super.marketingConfig(),
            guards: { pause: (_campaign, { actor }) => actor !== 'eve' || 'not eve' },
            hooks: {
              beforePause: (_one, { actor }) => void told.push(`before ${nameOf(actor)}`),
              afterPause: (_one, { actor }) => void told.push(`after ${nameOf(actor)}`),
            },
          };
        }
      }
      const [one, other] = [new Watched(7), new Watched(7)];
      await one.marketing().launchCampaign('product_launch');
      const [ann, eve] = await Promise.allSettled([
        one.marketing().pauseCampaign('product_launch', { actor: 'ann' }),
        other.marketing().pauseCampaign('product_launch', { actor: 'eve' }),
      ]);
      assert.deepEqual([ann.status, eve.status], ['fulfilled', 'rejected']);
      assert.deepEqual(told, ['before ann', 'after ann']);
    });

    it('takes an edit back when its hook throws', async () => {
      class Strict extends Product {
        override marketingConfig(): MarketingDeclaration {
          return {
            ...super.marketingConfig(),
            hooks: {
              afterEdit: () => {
                throw new Error('the shop says no');
              },
            },
          };
        }
      }
      const marketed = new Strict(7).marketing();
      await marketed.launchCampaign('product_launch', { a: 1 });
      await marketed.pauseCampaign('product_launch');
      await assert.rejects(marketed.editCampaign('product_launch', { a: 2 }), /the shop says no/);
      assert.deepEqual((await marketed.campaign('product_launch')).data, { a: 1 });
    });

    it('never takes the campaign of another model for its own', async () => {
      class Named extends HasMarketing(Object) {
        constructor(readonly id: string) {
          super();
        }
        marketingConfig(): MarketingDeclaration {
          return { campaigns: { c: {}, 'b.c': {} } };
        }
      }
      await new Named('1').marketing().launchCampaign('b.c');
      await assert.rejects(new Named('1.b').marketing().launchCampaign('c'), { code: 'E_CAMPAIGN_EXISTS' });
    });

    it('takes everything back, data included, when a hook throws', async () => {
      class Broken extends Product {
        override marketingConfig(): MarketingDeclaration {
          return {
            ...super.marketingConfig(),
            hooks: {
              afterLaunch: () => {
                throw new Error('the printer is on fire');
              },
            },
          };
        }
      }
      const product = new Broken(7);
      await assert.rejects(product.marketing().launchCampaign('product_launch', { a: 1 }), /the printer is on fire/);
      const { items } = await marketing.campaigns.list({});
      assert.deepEqual(
        items.map(({ state, data }) => ({ state, data })),
        [{ state: 'draft', data: {} }],
      );
      assert.deepEqual(await product.marketing().activeCampaigns(), []);
    });

    it('asks guards with the reason of the model', async () => {
      class Guarded extends Product {
        override marketingConfig(): MarketingDeclaration {
          return {
            ...super.marketingConfig(),
            guards: { launch: ({ budget = 0 }) => budget > 9_000 || 'too small a budget' },
          };
        }
      }
      const product = new Guarded(7);
      assert.equal(await product.marketing().can('launch', 'product_launch'), false);
      await assert.rejects(product.marketing().launchCampaign('product_launch'), (error: unknown) => {
        assert.ok(error instanceof ConflictError);
        assert.equal(error.code, 'E_GUARD');
        assert.match(error.message, /too small a budget/);
        return true;
      });
    });

    it('runs what a document of the same name says, which comes before the class (FR-P2-001)', async () => {
      await marketing.documents.save({ id: 'product_launch', stages: ['plan', 'active', 'closed'] });
      const product = new Product(7);
      await product.marketing().launchCampaign('product_launch');
      assert.equal((await product.marketing().act('product_launch', 'close')).stage, 'closed');
    });

    it('says that a model needs an id', async () => {
      class Nameless extends HasMarketing(Object) {
        marketingConfig(): MarketingDeclaration {
          return { campaigns: { product_launch: {} } };
        }
      }
      await assert.rejects(new Nameless().marketing().launchCampaign('product_launch'), (error: unknown) => {
        assert.ok(error instanceof InputError);
        assert.equal(error.code, 'E_MODEL_ID');
        return true;
      });
    });
  });
});
