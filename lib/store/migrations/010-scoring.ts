import { adding } from './additions';

/** Rules of scores with the points that they gave, conversions and the touches that they are attributed to. */
export const scoring = adding('010-scoring', {
  columns: {
    marketing_campaigns: (c) => {
      // Which events are its conversions, and how they are attributed.
      c.json('conversion');
    },
  },
  tables: {
    marketing_score_rules: (c, t) => {
      c.id();
      c.tenant();
      c.text('rule_key', 191).notNullable();
      c.text('name', 255).notNullable();
      // event, or lead.
      c.text('kind', 8).notNullable();
      c.json('body').notNullable();
      c.flag('active');
      c.small('version').notNullable();
      // How far the points that it gave have been counted again: the last lead id, NULL when nothing is to be done.
      c.int('recounting_from');
      c.int('deleted_at');
      c.text('created_by', 128).notNullable();
      c.int('created_at').notNullable();
      c.int('updated_at').notNullable();
      t.unique(['tenant_id', 'rule_key']);
    },
    marketing_score_rule_versions: (c, t) => {
      c.id();
      c.tenant();
      c.int('rule_id').notNullable();
      c.small('version').notNullable();
      c.longText('body').notNullable();
      c.text('created_by', 128).notNullable();
      c.int('created_at').notNullable();
      t.unique(['rule_id', 'version']);
    },
    // What moved a score: points of a rule, of a node, and scores that somebody set (rule 0).
    marketing_score_points: (c, t) => {
      c.id();
      c.tenant();
      c.int('lead_id').notNullable();
      c.int('rule_id').notNullable();
      c.small('rule_version').notNullable();
      c.text('event_id', 128).notNullable();
      // The type of the event, or `lead`, `node`, `set`.
      c.text('event', 96).notNullable();
      // Who gave them, where it was no rule.
      c.text('source', 128);
      c.real('given').notNullable();
      // What of them is still in the score and may go away again.
      c.real('live').notNullable();
      c.int('at').notNullable();
      // expire or halve, after how long, and when next; NULL when they stay as they are.
      c.text('decay', 8);
      c.int('decay_ms');
      c.int('due_at');
      t.unique(['tenant_id', 'rule_id', 'event_id']);
      t.index(['lead_id', 'rule_id', 'at']);
      t.index(['tenant_id', 'due_at', 'id']);
    },
    // The events that campaigns count as conversions: `conversion` of their rows, by event.
    marketing_conversion_events: (c, t) => {
      c.tenant();
      c.int('campaign_id').notNullable();
      c.text('event', 96).notNullable();
      c.int('window_ms').notNullable();
      c.text('model', 8).notNullable();
      c.text('touch', 8).notNullable();
      c.text('value_property', 64);
      c.int('value_micros');
      t.primary(['tenant_id', 'event', 'campaign_id']);
      t.index(['campaign_id']);
    },
    // What share of a conversion each touch gets, by each model. What a row adds to the campaign's figures is in `counted`
    // and `counted_micros`: other rows are there to be compared.
    marketing_conversions: (c, t) => {
      c.id();
      c.tenant();
      c.int('campaign_id').notNullable();
      c.int('lead_id').notNullable();
      c.text('event_id', 128).notNullable();
      c.text('event', 96).notNullable();
      c.text('model', 8).notNullable();
      // True where it is the model that the campaign goes by.
      c.flag('chosen');
      c.text('variant', 32).notNullable();
      c.text('channel', 32).notNullable();
      // sent, clicked, or named: the event itself said whose it is.
      c.text('touch', 8).notNullable();
      c.int('touch_id').notNullable();
      c.int('touch_at');
      // Millionths of the conversion, and of the campaign's currency.
      c.int('share').notNullable();
      c.int('value_micros').notNullable();
      c.small('counted').notNullable();
      c.int('counted_micros').notNullable();
      c.int('converted_at').notNullable();
      // Named, because the names made of so many columns are longer than a database takes.
      t.unique(['tenant_id', 'event_id', 'model', 'campaign_id', 'touch', 'touch_id'], {
        indexName: 'marketing_conversions_share_unique',
      });
      t.index(['tenant_id', 'campaign_id', 'converted_at', 'id'], 'marketing_conversions_campaign_index');
      t.index(['lead_id']);
    },
  },
});
