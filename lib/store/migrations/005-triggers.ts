import { adding } from './additions';

/** What lets people in, and how often. */
export const triggers = adding('005-triggers', {
  columns: {
    marketing_stations: (c, t) => {
      // What a trigger listens to besides events (those stand in entry_event): segment, score, date or custom …
      c.text('entry_on', 16);
      // … and which one: the segment's key, the attribute, the name of the contract.
      c.text('entry_what', 128);
      t.index(['tenant_id', 'entry_on', 'entry_what']);
    },
  },
  tables: {
    // Whom a trigger has not let in, and why: one row for a lead and a reason, however often it came.
    marketing_trigger_refusals: (c, t) => {
      c.tenant();
      c.int('campaign_id').notNullable();
      c.int('station_id').notNullable();
      c.int('lead_id').notNullable();
      c.text('reason', 24).notNullable();
      c.int('times').notNullable();
      // What would have been the entry key the last time.
      c.text('cause', 96).notNullable();
      // The values that its condition looked at the last time.
      c.longText('saw');
      c.int('first_at').notNullable();
      c.int('last_at').notNullable();
      t.primary(['campaign_id', 'lead_id', 'station_id', 'reason']);
      t.index(['lead_id']);
    },
    // What a trigger remembers of a campaign.
    marketing_trigger_marks: (c, t) => {
      c.tenant();
      c.int('campaign_id').notNullable();
      c.int('station_id').notNullable();
      // When it last let somebody in: kept where the whole campaign has a cooldown.
      c.int('entered_at');
      // Moments up to here have been looked through for a date.
      c.int('scanned_until');
      t.primary(['campaign_id', 'station_id']);
    },
  },
});
