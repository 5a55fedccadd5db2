import assert from 'node:assert/strict';
import { ConflictError, InputError } from '../../lib/errors';
import {
  HasSalesMarketing,
  useMarketing,
  type SalesMarketingDeclaration,
  type SalesMarketingManager,
} from '../../lib/model';

class Product extends HasSalesMarketing(Object) {
  sm_data?: unknown;

  smConfig(): SalesMarketingDeclaration {
    return { entities: { campaign: { fields: ['name', 'budget'] } } };
  }
}

/** The requirement's example, word for word: the class declares under the name that its manager has. */
const Declared = class extends (HasSalesMarketing(Object) as new () => object) {
  sm(): unknown {
    return {
      entities: {
        campaign: { fields: ['name', 'budget'] },
      },
    };
  }
} as unknown as new () => { sm(): SalesMarketingManager };

describe('HasSalesMarketing without a database', () => {
  before(() => useMarketing(undefined));

  it('US-001, US-002: takes entities that a class declares in sm(), and answers there', async () => {
    const product = new Declared();
    await product.sm().launchCampaign({ name: 'Summer Sale', budget: 1000 });
    assert.equal((await product.sm().activeCampaigns()).length, 1);
    assert.equal(product.sm(), product.sm());
  });

  it('US-003: sm().launchCampaign() starts a promotion', async () => {
    const product = new Product();
    const campaign = await product.sm().launchCampaign({ name: 'Summer Sale', budget: 1000 });
    assert.equal(campaign.title, 'Summer Sale');
    assert.equal(campaign.budget, 1000);
    assert.equal(campaign.name, 'summer_sale');
    assert.deepEqual(await product.sm().activeCampaigns(), [campaign]);
  });

  it('runs several, and finds again those of an earlier process', async () => {
    const product = new Product();
    await product.sm().launchCampaign({ name: 'Summer Sale', budget: 1000 });
    await product.sm().launchCampaign({ name: 'Winter Sale', budget: 500 });
    const later = new Product();
    later.sm_data = JSON.parse(JSON.stringify(product.sm_data));
    assert.deepEqual(
      (await later.sm().activeCampaigns()).map(({ title, budget }) => [title, budget]),
      [
        ['Summer Sale', 1000],
        ['Winter Sale', 500],
      ],
    );
    assert.equal((await later.sm().act('Summer Sale', 'close')).state, 'completed');
    assert.equal((await later.sm().activeCampaigns()).length, 1);
  });

  it('US-004: can() asks the lifecycle and the guards', async () => {
    class Guarded extends Product {
      override smConfig(): SalesMarketingDeclaration {
        return { ...super.smConfig(), guards: { launch: ({ budget = 0 }) => budget > 0 || 'a sale needs a budget' } };
      }
    }
    const product = new Guarded();
    assert.equal(await product.sm().can('edit'), true);
    await assert.rejects(product.sm().launchCampaign({ name: 'Free Sale' }), (error: unknown) => {
      assert.ok(error instanceof ConflictError);
      assert.match(error.message, /a sale needs a budget/);
      return true;
    });
    await product.sm().launchCampaign({ name: 'Summer Sale', budget: 1 });
    assert.equal(await product.sm().can('pause', 'Summer Sale'), true);
    assert.equal(await product.sm().can('edit', 'Summer Sale'), false);
  });

  it('US-005: history() tells what was done', async () => {
    const product = new Product();
    await product.sm().launchCampaign({ name: 'Summer Sale', budget: 1000 }, { actor: 'ann' });
    const [entry] = await product.sm().history();
    assert.equal(entry?.event, 'campaign.launched');
    assert.equal(entry.actor, 'ann');
    assert.equal(entry.campaign, 'summer_sale');
  });

  it('refuses fields that the entity does not have, and a campaign without a name', async () => {
    const product = new Product();
    await assert.rejects(product.sm().launchCampaign({ name: 'Sale', colour: 'red' }), (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.deepEqual(error.details['problems'], [
        { path: '/colour', message: 'no such field; there are name, budget' },
      ]);
      return true;
    });
    await assert.rejects(product.sm().launchCampaign({ budget: 5 }), /\/name is missing/);
    await assert.rejects(product.sm().launchCampaign({ name: '???' }), /neither letters nor digits/);
    assert.equal(product.sm_data, undefined);
  });
});
