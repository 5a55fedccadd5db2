import { adding } from './additions';

/** Experiments: variants, who saw which, what came of it. */
export const experiments = adding('006-experiments', {
  tables: {
    marketing_experiments: (c, t) => {
      c.id();
      c.tenant();
      c.int('campaign_id').notNullable();
      // The split node (definition/step), or what somebody named it.
      c.text('experiment_key', 255).notNullable();
      c.text('name', 255).notNullable();
      c.text('source', 16).notNullable();
      c.text('state', 16).notNullable();
      c.text('metric', 16).notNullable();
      c.json('settings').notNullable();
      // Which buckets belong to which variant. All processes divide people by this.
      c.json('ranges').notNullable();
      c.text('salt', 32).notNullable();
      // Hash of the node's configuration that was last applied.
      c.text('declared', 64);
      // Running minima of always-valid p-values; what was found and not decided yet.
      c.json('looks').notNullable();
      c.text('winner', 32);
      c.json('decision');
      c.text('conversion_type', 96);
      c.int('window_ms').notNullable();
      // The campaign's run whose audience was looked at.
      c.int('run').notNullable().defaultTo(0);
      c.int('version').notNullable().defaultTo(1);
      c.text('created_by', 128);
      c.int('created_at').notNullable();
      c.int('updated_at').notNullable();
      c.int('started_at');
      c.int('ended_at');
      t.unique(['campaign_id', 'experiment_key']);
      t.index(['tenant_id', 'state']);
    },
    // Variants with their counters: an evaluation reads these rows and nothing else.
    marketing_variants: (c, t) => {
      c.id();
      c.tenant();
      c.int('experiment_id').notNullable();
      c.text('variant_key', 32).notNullable();
      c.text('name', 255).notNullable();
      c.small('place').notNullable();
      c.flag('is_control');
      c.json('content');
      c.int('exposed').notNullable().defaultTo(0);
      c.int('opened').notNullable().defaultTo(0);
      c.int('clicked').notNullable().defaultTo(0);
      c.int('converted').notNullable().defaultTo(0);
      c.int('revenue_micros').notNullable().defaultTo(0);
      // Sum of the squares of what each person brought, in units of the currency.
      c.real('revenue_squares').notNullable().defaultTo(0);
      // How many of those exposed were meant for it, by the allocation of that moment.
      c.real('expected').notNullable().defaultTo(0);
      t.unique(['experiment_id', 'variant_key']);
    },
    // Who was shown which variant. The first exposure counts; the row keeps the variant for good.
    marketing_exposures: (c, t) => {
      c.id();
      c.tenant();
      c.int('experiment_id').notNullable();
      c.int('campaign_id').notNullable();
      c.int('lead_id').notNullable();
      c.text('variant_key', 32).notNullable();
      c.small('bucket').notNullable();
      c.int('exposed_at').notNullable();
      c.int('opened_at');
      c.int('clicked_at');
      c.int('converted_at');
      c.int('revenue_micros').notNullable().defaultTo(0);
      t.unique(['experiment_id', 'lead_id']);
      t.index(['lead_id', 'campaign_id']);
      t.index(['campaign_id']);
    },
  },
});
