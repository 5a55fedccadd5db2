import { adding } from './additions';

/** What people wait for: events, conditions, moments. */
export const waiting = adding('004-waiting', {
  columns: {
    marketing_stations: (c) => {
      // What the node says about itself that others need: how people enter, what a join waits for …
      c.json('config');
    },
  },
  tables: {
    // A row per step whose person waits until something happens. Gone as soon as they go on.
    marketing_waits: (c, t) => {
      c.id();
      c.tenant();
      c.int('step_id').notNullable();
      // Where the step was: somebody who was moved elsewhere waits for nothing any more.
      c.int('station_id').notNullable();
      c.int('campaign_id').notNullable();
      c.int('lead_id').notNullable();
      c.text('kind', 16).notNullable();
      c.text('event', 96);
      // What happened before this moment does not count; for events.
      c.int('since').notNullable();
      // What is waited for, and what is to be heeded then, as JSON: the flow may have changed since.
      c.longText('spec').notNullable();
      c.int('created_at').notNullable();
      t.unique(['step_id']);
      t.index(['lead_id', 'kind', 'event']);
      t.index(['tenant_id', 'id']);
    },
  },
});
