import { adding } from './additions';

/** What can be undone, in which order, and joins. */
export const compensation = adding('009-compensation', {
  columns: {
    marketing_steps: (c) => {
      // Of a fork: the places at which branches have ended, as JSON. Those that arrive somewhere are rows.
      c.longText('exits');
    },
  },
  tables: {
    marketing_undo_runs: (c, t) => {
      c.id();
      c.tenant();
      c.int('campaign_id').notNullable();
      // 0: of the campaign as a whole.
      c.int('enrollment_id').notNullable();
      c.int('lead_id').notNullable();
      // The step that waits at a compensate station; 0: nobody waits for it.
      c.int('step_id').notNullable();
      // What it was opened for: the same cause opens one run.
      c.text('run_key', 96).notNullable();
      c.text('cause', 16).notNullable();
      c.text('actor', 128).notNullable();
      c.text('state', 12).notNullable();
      // Of one that opens a run for each person: the enrollment after which it goes on.
      c.int('spread_after').notNullable().defaultTo(0);
      c.int('due_at').notNullable();
      c.text('lease_owner', 64);
      c.small('fence').notNullable().defaultTo(0);
      c.int('opened_at').notNullable();
      c.int('closed_at');
      t.unique(['tenant_id', 'run_key']);
      t.index(['tenant_id', 'state', 'due_at']);
      t.index(['campaign_id', 'enrollment_id', 'id']);
      t.index(['step_id']);
    },
    marketing_undos: (c, t) => {
      c.id();
      c.tenant();
      c.int('campaign_id').notNullable();
      c.int('enrollment_id').notNullable();
      c.int('lead_id').notNullable();
      c.int('step_id').notNullable();
      // The order in which effects were begun, per enrollment (or campaign, with enrollment 0).
      c.int('seq').notNullable();
      c.text('kind', 32).notNullable();
      // Names the effect: registering it twice is registering it once, and the outside sees it as idempotency key.
      c.text('undo_key', 160).notNullable();
      c.longText('params');
      c.text('state', 12).notNullable();
      c.small('attempt').notNullable().defaultTo(0);
      c.int('due_at').notNullable();
      c.int('run_id');
      c.text('reason', 255);
      c.text('note', 255);
      c.int('created_at').notNullable();
      c.int('updated_at').notNullable();
      t.unique(['tenant_id', 'undo_key']);
      t.index(['campaign_id', 'enrollment_id', 'seq']);
      t.index(['run_id']);
      t.index(['tenant_id', 'state', 'id']);
    },
  },
});
