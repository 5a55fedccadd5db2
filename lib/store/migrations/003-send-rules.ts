import { adding } from './additions';

/** How fast and when messages may leave, and how many one person gets. */
export const sendRules = adding('003-send-rules', {
  columns: {
    marketing_campaigns: (c) => {
      c.json('send_rules');
      // Out of the rules, so that messages can be counted by it.
      c.text('message_category', 32);
    },
  },
  tables: {
    marketing_paces: (c, t) => {
      c.tenant();
      // 0: shared by all campaigns; `pace_key` says what it is about (a channel, an account, everything).
      c.int('campaign_id').notNullable();
      c.text('pace_key', 160).notNullable();
      // Ms since 1970, with fractions: an interval rarely is a whole number of milliseconds.
      c.real('next_at').notNullable();
      c.real('line_end').notNullable();
      t.primary(['tenant_id', 'campaign_id', 'pace_key']);
    },
  },
});
