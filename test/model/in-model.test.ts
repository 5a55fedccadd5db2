import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { ConflictError, InputError, NotFoundError } from '../../lib/errors';
import { HasMarketing, useMarketing, type MarketingDeclaration, type ModelCampaign } from '../../lib/model';

const START = Date.UTC(2026, 0, 5, 9);

/** The requirement's first example: "in-model configuration". */
class Product extends HasMarketing(Object) {
  marketing_data?: unknown;
  price = 10;

  marketingConfig(): MarketingDeclaration {
    return {
      campaigns: {
        product_launch: {
          name: 'Product Launch Campaign',
          channels: ['email', 'social'],
          budget: 5000,
        },
      },
    };
  }
}

/** A product whose class says more. */
function productWith(more: Partial<MarketingDeclaration>): Product {
  class Careful extends Product {
    override marketingConfig(): MarketingDeclaration {
      return { ...super.marketingConfig(), ...more };
    }
  }
  return new Careful();
}

describe('HasMarketing without a database', () => {
  const clock = new VirtualClock(START);
  before(() => useMarketing(undefined, { clock }));
  after(() => useMarketing(undefined));

  it('US-001: adds marketing(), the same one every time', () => {
    const product = new Product();
    assert.equal(typeof product.marketing, 'function');
    assert.equal(product.marketing(), product.marketing());
    assert.notEqual(new Product().marketing(), product.marketing());
  });

  it('US-003: launches a campaign that the class declares', async () => {
    const product = new Product();
    const startDate = new Date(clock.now() + 7 * 86_400_000);

    const campaign = await product.marketing().launchCampaign('product_launch', {
      target_segment: 'early_adopters',
      start_date: startDate,
    });

    const active = await product.marketing().activeCampaigns();
    assert.equal(active.length, 1);
    assert.deepEqual(active, [campaign]);
    assert.equal(campaign.title, 'Product Launch Campaign');
    assert.equal(campaign.state, 'active');
    assert.equal(campaign.budget, 5000);
    assert.deepEqual(campaign.channels, ['email', 'social']);
    assert.deepEqual(campaign.data, { target_segment: 'early_adopters', start_date: startDate.toISOString() });
    assert.equal(campaign.startedAt, START);
  });

  it('US-002: keeps everything as JSON on the model, which another object can be made of', async () => {
    const product = new Product();
    await product.marketing().launchCampaign('product_launch', { target_segment: 'early_adopters' });
    const copy = new Product();
    copy.marketing_data = JSON.parse(JSON.stringify(product.marketing_data));
    assert.deepEqual(await copy.marketing().activeCampaigns(), await product.marketing().activeCampaigns());
    assert.deepEqual(await copy.marketing().history(), await product.marketing().history());
  });

  it('keeps text where the column holds text', async () => {
    const product = new Product();
    product.marketing_data = '{"version":1,"campaigns":{},"history":[]}';
    await product.marketing().launchCampaign('product_launch');
    assert.equal(typeof product.marketing_data, 'string');
    assert.equal((await product.marketing().activeCampaigns()).length, 1);
  });

  it('US-004: can() answers and changes nothing', async () => {
    const product = new Product();
    assert.equal(await product.marketing().can('launch'), true);
    assert.equal(await product.marketing().can('pause'), false);
    assert.equal(product.marketing_data, undefined);
    await product.marketing().launchCampaign('product_launch');
    const { marketing_data: kept } = product;
    assert.equal(await product.marketing().can('pause', 'product_launch'), true);
    assert.equal(await product.marketing().can('launch', 'product_launch'), false);
    assert.equal(await product.marketing().can('edit', 'product_launch'), false);
    assert.equal(product.marketing_data, kept);
    assert.match((await product.marketing().check('launch', 'product_launch')).reason ?? '', /is active/);
  });

  it('US-005: history() tells what was done, when and by whom', async () => {
    const product = new Product();
    await product.marketing().launchCampaign('product_launch', {}, { actor: 'ann' });
    await product.marketing().pauseCampaign('product_launch', { actor: 'bob', reason: 'price check' });
    await product.marketing().resumeCampaign('product_launch');
    assert.deepEqual(await product.marketing().history(), [
      {
        at: START,
        event: 'campaign.launched',
        campaign: 'product_launch',
        actor: 'ann',
        before: { stage: 'draft', state: 'draft' },
        after: { stage: 'active', state: 'active' },
      },
      {
        at: START,
        event: 'campaign.paused',
        campaign: 'product_launch',
        actor: 'bob',
        before: { stage: 'active', state: 'active' },
        after: { stage: 'paused', state: 'paused' },
        metadata: { reason: 'price check' },
      },
      {
        at: START,
        event: 'campaign.resumed',
        campaign: 'product_launch',
        actor: 'system',
        before: { stage: 'paused', state: 'paused' },
        after: { stage: 'active', state: 'active' },
      },
    ]);
  });

  it('US-006: a guard decides, with its reason', async () => {
    const product = productWith({
      guards: {
        launch: (campaign) => (campaign.budget ?? 0) > 0,
        pause: () => 'the board has to agree',
      },
    });
    assert.equal(await product.marketing().can('launch'), true);
    await assert.rejects(product.marketing().launchCampaign('product_launch', { budget: 0 }), (error: unknown) => {
      assert.ok(error instanceof ConflictError);
      assert.equal(error.code, 'E_GUARD');
      return true;
    });
    assert.equal(product.marketing_data, undefined);
    await product.marketing().launchCampaign('product_launch');
    await assert.rejects(product.marketing().pauseCampaign('product_launch'), /the board has to agree/);
    assert.equal((await product.marketing().activeCampaigns()).length, 1);
  });

  it('US-007: hooks run before and after, and what one throws takes everything back', async () => {
    const heard: string[] = [];
    const tell =
      (what: string) =>
      ({ state }: ModelCampaign): void =>
        void heard.push(`${what} ${state}`);
    const product = productWith({ hooks: { beforeLaunch: tell('before'), afterLaunch: tell('after') } });
    await product.marketing().launchCampaign('product_launch');
    assert.deepEqual(heard, ['before draft', 'after active']);

    const broken = productWith({
      hooks: {
        afterLaunch: () => {
          throw new Error('the printer is on fire');
        },
      },
    });
    await assert.rejects(broken.marketing().launchCampaign('product_launch'), /the printer is on fire/);
    assert.equal(broken.marketing_data, undefined);
    assert.deepEqual(await broken.marketing().history(), []);
  });

  it('takes everything back when the model cannot be saved', async () => {
    class Stored extends Product {
      broken = false;
      saves = 0;
      save(): Promise<void> {
        if (this.broken) return Promise.reject(new Error('the disk is full'));
        this.saves++;
        return Promise.resolve();
      }
    }
    const product = new Stored();
    await product.marketing().launchCampaign('product_launch');
    assert.equal(product.saves, 1);
    product.broken = true;
    await assert.rejects(product.marketing().pauseCampaign('product_launch'), /the disk is full/);
    assert.equal((await product.marketing().activeCampaigns()).length, 1);
    assert.equal((await product.marketing().history()).length, 1);
  });

  it('US-017, FR-P1-008: checks data against its schema and validator, and names the paths', async () => {
    const product = productWith({
      campaigns: {
        drip: {
          dataSchema: {
            subscriber_email: { type: 'string', required: true },
            subscription_date: { type: 'date', required: true },
            emails: { type: 'number' },
          },
          validate: ({ emails }) => emails !== 13 || 'thirteen is bad luck',
        },
      },
    });
    await assert.rejects(product.marketing().launchCampaign('drip', { emails: 'many' }), (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.equal(error.code, 'E_CAMPAIGN_DATA');
      const paths = (error.details['problems'] as { path: string }[]).map(({ path }) => path).sort();
      assert.deepEqual(paths, ['/emails', '/subscriber_email', '/subscription_date']);
      return true;
    });
    const data = { subscriber_email: 'ann@example.com', subscription_date: '2026-01-01' };
    await assert.rejects(product.marketing().launchCampaign('drip', { ...data, emails: 13 }), /bad luck/);
    await product.marketing().launchCampaign('drip', data);
    assert.equal((await product.marketing().activeCampaigns()).length, 1);
  });

  it('follows declared stages and transitions, conditions included', async () => {
    const product = productWith({
      campaigns: {
        funnel: {
          stages: ['plan', 'active', 'closed'],
          transitions: {
            activate: { from: 'plan', to: 'active', condition: 'data.segment > 100' },
            close: { from: 'active', to: 'closed' },
          },
        },
      },
    });
    const marketing = product.marketing();
    assert.equal((await marketing.campaign('funnel')).stage, 'plan');
    assert.equal(await marketing.can('activate', 'funnel'), false);
    await assert.rejects(marketing.act('funnel', 'activate'), /data\.segment > 100/);
    await marketing.editCampaign('funnel', { segment: 101 });
    assert.equal(await marketing.can('activate', 'funnel'), true);
    assert.equal((await marketing.act('funnel', 'activate')).stage, 'active');
    assert.equal((await marketing.act('funnel', 'close')).stage, 'closed');
    assert.deepEqual(
      (await marketing.history()).map(({ event }) => event),
      ['campaign.updated', 'campaign.launched', 'campaign.completed'],
    );
  });

  it('does what is asked at the same moment one after another', async () => {
    const product = new Product();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => product.marketing().launchCampaign('product_launch')),
    );
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal((await product.marketing().history()).length, 1);
  });

  it('says what is wrong: an unknown campaign, no declaration, an attribute with something else in it', async () => {
    const product = new Product();
    await assert.rejects(product.marketing().launchCampaign('black_friday'), (error: unknown) => {
      assert.ok(error instanceof NotFoundError);
      assert.match(error.message, /it declares: product_launch/);
      return true;
    });
    class Bare extends HasMarketing(Object) {}
    await assert.rejects(new Bare().marketing().activeCampaigns(), /marketingConfig/);
    product.marketing_data = { some: 'thing' };
    await assert.rejects(product.marketing().launchCampaign('product_launch'), /E_MODEL_STATE|does not hold campaigns/);
    assert.deepEqual(product.marketing_data, { some: 'thing' });
  });
});
