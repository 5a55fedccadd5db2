import { adding } from './additions';

/** Approvals and their votes, delegations, levels of escalations. */
export const approvals = adding('007-approvals', {
  columns: {
    marketing_campaigns: (c) => {
      // What was launched: the hash that an approval would be bound to. Whoever resumes something else needs one.
      c.text('launched_hash', 64);
    },
    marketing_escalations: (c) => {
      // Raised to a person (rule is minus the level then): from whom, to whom, by whom.
      c.small('level');
      c.text('from_assignee', 140);
      c.text('to_assignee', 140);
      c.text('actor', 128);
    },
    marketing_assignments: (c) => {
      // Whom it was meant for, where a delegation had it go to somebody else.
      c.text('on_behalf_of', 128);
    },
  },
  tables: {
    marketing_approvals: (c, t) => {
      c.id();
      c.tenant();
      c.int('campaign_id').notNullable();
      // What is asked for: 'launch', or 'station:<id>:<run>'. With it, which of the requests for it this is.
      c.text('subject', 40).notNullable();
      c.small('run').notNullable();
      c.small('round').notNullable();
      c.int('station_id');
      // pending, approved, rejected, expired, voided, withdrawn
      c.text('state', 16).notNullable();
      c.text('strategy', 64).notNullable();
      // How many have to approve, as it was asked for: '2/3', '2'.
      c.text('quorum', 16);
      // What was asked about: one hash of everything, and one of each part, to say what has changed.
      c.text('hash', 64).notNullable();
      c.json('parts');
      c.int('audience');
      c.text('requested_by', 128).notNullable();
      c.int('requested_at').notNullable();
      // Who owned the campaign when it was asked for: giving it away makes nobody an approver of it.
      c.text('owner', 128);
      c.longText('comment');
      c.int('due_at');
      c.int('remind_every');
      c.int('next_reminder_at');
      c.small('reminders').notNullable().defaultTo(0);
      c.flag('escalates');
      c.text('decided_by', 128);
      c.int('decided_at');
      c.text('reason', 500);
      // 1: decided, and people who wait for it have not all been sent on yet.
      c.flag('waking');
      c.small('version').notNullable().defaultTo(1);
      t.unique(['tenant_id', 'campaign_id', 'subject', 'round']);
      t.index(['tenant_id', 'state', 'id']);
      t.index(['tenant_id', 'waking', 'id']);
    },
    marketing_approval_seats: (c, t) => {
      c.id();
      c.tenant();
      c.int('approval_id').notNullable();
      c.small('seat').notNullable();
      // user, role or team, and whose; of a team's member: which team.
      c.text('kind', 8).notNullable();
      c.text('approver', 128).notNullable();
      c.text('team', 128);
      c.json('emails');
      // approve or reject, once somebody has voted.
      c.text('decision', 16);
      c.text('voted_by', 128);
      c.int('voted_at');
      c.longText('comment');
      c.small('version').notNullable().defaultTo(1);
      t.unique(['tenant_id', 'approval_id', 'seat']);
      t.index(['tenant_id', 'kind', 'approver']);
    },
    marketing_delegations: (c, t) => {
      c.id();
      c.tenant();
      c.text('delegator', 128).notNullable();
      c.text('delegatee', 128).notNullable();
      // all, approvals, campaigns; or campaign and team, and which.
      c.text('scope', 16).notNullable();
      c.text('scope_id', 128);
      c.int('starts_at').notNullable();
      c.int('ends_at');
      c.text('reason', 500);
      c.text('created_by', 128).notNullable();
      c.int('created_at').notNullable();
      c.int('revoked_at');
      t.index(['tenant_id', 'delegator', 'id']);
      t.index(['tenant_id', 'delegatee', 'id']);
    },
  },
});
