import { adding } from './additions';

/** Budgets, and what of them is reserved and spent; metrics that people define. Money is whole millionths everywhere. */
export const money = adding('008-money', {
  columns: {},
  tables: {
    // One row per campaign whose money is watched.
    marketing_roi: (c, t) => {
      c.tenant();
      c.int('campaign_id').notNullable();
      // What the definition says; the campaign's own budget stands in marketing_campaigns and wins.
      c.int('budget_micros');
      c.int('target_micros');
      c.real('threshold');
      // What happens without money: words joined by a comma.
      c.text('breach', 64);
      // What was set for this campaign, over the definition's.
      c.json('own');
      c.int('reserved_micros').notNullable().defaultTo(0);
      // Of messages that were sent.
      c.int('spent_micros').notNullable().defaultTo(0);
      // Of costs that were entered or booked: the sum of marketing_costs.
      c.int('fixed_micros').notNullable().defaultTo(0);
      c.text('status', 16).notNullable().defaultTo('on_track');
      c.int('started_at');
      // When a message first found no money left; NULL while there is some.
      c.int('breach_at');
      // Quarters that were announced, and the budget and target that they are quarters of.
      c.small('told_budget').notNullable().defaultTo(0);
      c.int('told_budget_of');
      c.small('told_target').notNullable().defaultTo(0);
      c.int('told_target_of');
      // The run whose low return was announced.
      c.small('told_low');
      c.int('updated_at').notNullable();
      // By itself: updates of many accounts look each up by its campaign.
      t.primary(['campaign_id']);
      t.index(['tenant_id', 'campaign_id']);
    },
    // Money of messages under way: a row from the moment when one is marked `sending` until it is known what became of it.
    marketing_reservations: (c, t) => {
      c.tenant();
      c.int('step_id').notNullable();
      c.int('campaign_id').notNullable();
      c.int('micros').notNullable();
      c.int('at').notNullable();
      t.primary(['step_id']);
      t.index(['tenant_id', 'campaign_id', 'step_id']);
    },
    marketing_costs: (c, t) => {
      c.id();
      c.tenant();
      c.int('campaign_id').notNullable();
      // fixed: entered by somebody; booked: by a node, for one person.
      c.text('kind', 8).notNullable();
      c.text('label', 255).notNullable();
      c.int('micros').notNullable();
      // What makes writing it twice write it once.
      c.text('ref', 128).notNullable();
      c.text('created_by', 128).notNullable();
      c.int('created_at').notNullable();
      t.unique(['tenant_id', 'campaign_id', 'ref']);
      t.index(['tenant_id', 'campaign_id', 'kind', 'id']);
    },
    // Formulas over counts and money, every version.
    marketing_custom_metrics: (c, t) => {
      c.id();
      c.tenant();
      c.text('metric_name', 64).notNullable();
      c.small('version').notNullable();
      c.text('title', 255).notNullable();
      // rate, money or number.
      c.text('kind', 8).notNullable();
      c.longText('formula').notNullable();
      // The newest version of a name; 0 for older ones and for what was removed.
      c.flag('active');
      c.text('created_by', 128).notNullable();
      c.int('created_at').notNullable();
      t.unique(['tenant_id', 'metric_name', 'version']);
      t.index(['tenant_id', 'active', 'metric_name']);
    },
  },
});
