import type { Knex } from 'knex';
import type { Migration } from '../migrate';
import type { Dialect } from '../types';
import { createTable, type Columns } from './columns';

type Define = (columns: Columns, table: Knex.CreateTableBuilder) => void;

/** The tables of the first release, in the order in which they are created. Words as in the glossary (lib/types.ts). */
const TABLES: Readonly<Record<string, Define>> = {
  // A process that works on this database. Its lease covers everything that it holds: rows name it as their owner.
  marketing_runtimes: (c, t) => {
    c.text('id', 64).primary();
    c.tenant();
    c.text('host', 191).notNullable();
    c.int('pid').notNullable();
    c.int('started_at').notNullable();
    c.int('lease_until').notNullable();
    c.int('stopped_at');
    t.index(['tenant_id', 'lease_until']);
  },
  marketing_settings: (c, t) => {
    c.tenant();
    c.text('name', 128).notNullable();
    c.longText('value').notNullable();
    c.int('updated_at').notNullable();
    t.primary(['tenant_id', 'name']);
  },
  marketing_attributes: (c, t) => {
    c.id();
    c.tenant();
    c.text('name', 128).notNullable();
    c.text('type', 16).notNullable();
    c.int('created_at').notNullable();
    t.unique(['tenant_id', 'name']);
  },
  marketing_leads: (c, t) => {
    c.id();
    c.tenant();
    c.text('external_id', 191);
    c.text('email', 254);
    c.text('name', 255);
    c.text('phone', 32);
    c.text('country', 2);
    c.text('time_zone', 64);
    c.real('score').notNullable().defaultTo(0);
    c.json('attributes').notNullable();
    c.int('created_at').notNullable();
    c.int('updated_at').notNullable();
    t.unique(['tenant_id', 'email']);
    t.unique(['tenant_id', 'external_id']);
  },
  marketing_segments: (c, t) => {
    c.id();
    c.tenant();
    c.text('segment_key', 128).notNullable();
    c.text('name', 255).notNullable();
    c.text('kind', 16).notNullable();
    c.longText('definition').notNullable();
    c.json('reads').notNullable();
    c.int('lead_count').notNullable().defaultTo(0);
    c.int('refreshed_at');
    c.small('version').notNullable().defaultTo(1);
    c.int('created_at').notNullable();
    c.int('updated_at').notNullable();
    t.unique(['tenant_id', 'segment_key']);
  },
  marketing_segment_members: (c, t) => {
    c.tenant();
    c.int('segment_id').notNullable();
    c.int('lead_id').notNullable();
    c.int('entered_at').notNullable();
    t.primary(['segment_id', 'lead_id']);
    t.index(['lead_id']);
  },
  // What a lead allows and forbids now, per channel ('*' is every channel). How it came about is in the history.
  marketing_consents: (c, t) => {
    c.id();
    c.tenant();
    c.int('lead_id').notNullable();
    c.text('channel', 32).notNullable();
    c.text('state', 16).notNullable();
    c.text('source', 128);
    c.int('granted_at');
    c.int('revoked_at');
    c.int('updated_at').notNullable();
    t.unique(['lead_id', 'channel']);
  },
  // Addresses that nobody may send to, whoever they belong to and even when the lead is gone.
  marketing_suppressions: (c, t) => {
    c.id();
    c.tenant();
    c.text('channel', 32).notNullable();
    c.text('address', 254).notNullable();
    c.text('reason', 64).notNullable();
    c.text('source', 128);
    c.int('suppressed_at').notNullable();
    t.unique(['tenant_id', 'address', 'channel']);
  },
  marketing_definitions: (c, t) => {
    c.id();
    c.tenant();
    c.text('definition_key', 128).notNullable();
    c.text('name', 255).notNullable();
    c.text('source', 191).notNullable();
    c.text('hash', 64).notNullable();
    c.small('version').notNullable();
    c.flag('deployed');
    c.longText('body').notNullable();
    c.int('created_at').notNullable();
    c.int('updated_at').notNullable();
    t.unique(['tenant_id', 'definition_key', 'version']);
    t.index(['tenant_id', 'source']);
  },
  marketing_stations: (c, t) => {
    c.id();
    c.tenant();
    c.text('definition_key', 128).notNullable();
    c.text('step', 128).notNullable();
    c.text('kind', 32).notNullable();
    c.text('node', 128).notNullable();
    c.text('hash', 64).notNullable();
    c.flag('forks');
    c.text('on_unknown', 16);
    // The event that enters people here; only on triggers that listen to one.
    c.text('entry_event', 96);
    c.text('state', 16).notNullable();
    c.int('created_at').notNullable();
    c.int('updated_at').notNullable();
    t.unique(['tenant_id', 'definition_key', 'step']);
    t.index(['tenant_id', 'entry_event']);
  },
  marketing_campaigns: (c, t) => {
    c.id();
    c.tenant();
    c.text('campaign_key', 128).notNullable();
    c.text('name', 255).notNullable();
    c.text('definition_key', 128).notNullable();
    c.text('segment_key', 128);
    // Whether segment and policy are the campaign's own; else they follow what the trigger node says.
    c.flag('own_segment');
    c.flag('own_policy');
    c.json('data').notNullable();
    c.text('state', 16).notNullable();
    c.text('on_unknown', 16).notNullable();
    // Why an active campaign stands still without anybody having paused it (a mail server that is down).
    c.text('hold_reason', 255);
    c.int('hold_since');
    c.small('run').notNullable().defaultTo(0);
    // How far the audience of the current run has been written: the last lead id, NULL once all are in.
    c.int('expanding_from');
    c.int('expand_station_id');
    // People still have to be parked, called back or ended: what was decided about the campaign is not done yet.
    c.flag('parking');
    c.small('version').notNullable().defaultTo(1);
    c.int('created_at').notNullable();
    c.int('updated_at').notNullable();
    c.int('started_at');
    c.int('ended_at');
    t.unique(['tenant_id', 'campaign_key']);
    t.index(['tenant_id', 'state']);
    t.index(['tenant_id', 'definition_key']);
  },
  marketing_history: (c, t) => {
    c.id();
    c.tenant();
    c.int('campaign_id');
    c.text('event', 64).notNullable();
    c.json('before');
    c.json('after');
    c.text('actor', 128).notNullable();
    c.json('payload');
    c.int('at').notNullable();
    t.index(['tenant_id', 'campaign_id', 'id']);
  },
  marketing_enrollments: (c, t) => {
    c.id();
    c.tenant();
    c.int('campaign_id').notNullable();
    c.int('lead_id').notNullable();
    c.small('run').notNullable();
    // What brought the lead in: "run:2" or "event:<id>". Entering twice for the same cause is entering once.
    c.text('entry_key', 96).notNullable();
    c.text('state', 16).notNullable();
    c.text('reason', 191);
    c.int('entered_at').notNullable();
    c.int('ended_at');
    t.unique(['campaign_id', 'lead_id', 'entry_key']);
    t.index(['campaign_id', 'state', 'run']);
    t.index(['lead_id']);
  },
  marketing_steps: (c, t) => {
    c.id();
    c.tenant();
    c.int('campaign_id').notNullable();
    c.int('enrollment_id').notNullable();
    c.int('lead_id').notNullable();
    c.int('station_id').notNullable();
    // The step that sent the person here; 0 for the first one.
    c.int('parent_id').notNullable();
    c.text('state', 12).notNullable();
    c.small('port');
    c.int('due_at').notNullable();
    c.int('released_at');
    c.text('lease_owner', 64);
    c.small('attempt').notNullable().defaultTo(0);
    c.small('crashes').notNullable().defaultTo(0);
    c.text('reason', 191);
    c.longText('trail');
    c.longText('outcome');
    c.int('created_at').notNullable();
    c.int('updated_at').notNullable();
    // A second arrival from the same parent at the same station is the same arrival.
    t.unique(['enrollment_id', 'parent_id', 'station_id']);
    t.index(['station_id', 'state', 'due_at', 'id']);
  },
  marketing_contents: (c, t) => {
    c.id();
    c.tenant();
    c.text('hash', 64).notNullable();
    c.longText('body').notNullable();
    c.int('created_at').notNullable();
    t.unique(['tenant_id', 'hash']);
  },
  marketing_messages: (c, t) => {
    c.id();
    c.tenant();
    c.int('step_id').notNullable();
    c.int('campaign_id').notNullable();
    c.int('enrollment_id').notNullable();
    c.int('lead_id').notNullable();
    c.text('channel', 32).notNullable();
    c.text('account', 128).notNullable();
    c.text('address', 254);
    c.text('message_key', 191).notNullable();
    c.int('content_id').notNullable();
    c.text('state', 12).notNullable();
    c.small('attempt').notNullable();
    c.flag('in_doubt');
    c.text('provider_id', 255);
    c.text('reason', 255);
    c.int('sending_at').notNullable();
    c.int('settled_at');
    t.unique(['step_id']);
    t.index(['lead_id', 'channel', 'settled_at']);
  },
  marketing_counters: (c, t) => {
    c.tenant();
    c.int('campaign_id').notNullable();
    c.int('station_id').notNullable();
    c.text('name', 32).notNullable();
    c.int('count').notNullable();
    t.primary(['campaign_id', 'station_id', 'name']);
  },
  marketing_engagements: (c, t) => {
    c.id();
    c.tenant();
    c.int('lead_id').notNullable();
    c.int('campaign_id');
    c.text('type', 96).notNullable();
    c.text('channel', 32);
    c.text('event_id', 128).notNullable();
    c.json('metadata').notNullable();
    c.int('tracked_at').notNullable();
    t.unique(['tenant_id', 'event_id']);
    t.index(['lead_id', 'type', 'tracked_at']);
  },
  marketing_timers: (c, t) => {
    c.id();
    c.tenant();
    c.text('name', 128).notNullable();
    c.text('kind', 64);
    c.text('timer_key', 191);
    c.longText('data');
    c.small('priority').notNullable().defaultTo(0);
    c.int('next_run_at');
    c.int('last_run_at');
    c.int('last_finished_at');
    c.int('locked_at');
    c.int('failed_at');
    c.small('fail_count').notNullable().defaultTo(0);
    c.longText('fail_reason');
    c.longText('repeat_rule');
    c.text('time_zone', 64);
    c.text('type', 16).notNullable().defaultTo('normal');
    c.flag('disabled');
    c.text('unique_key', 191);
    c.longText('extra');
    c.int('created_at');
    c.int('updated_at');
    t.unique(['tenant_id', 'unique_key']);
    t.index(['tenant_id', 'name', 'next_run_at']);
    t.index(['tenant_id', 'locked_at']);
  },
};

/** The schema of the first release. */
export const spine: Migration = {
  name: '001-spine',
  async up(knex: Knex, dialect: Dialect) {
    for (const [name, define] of Object.entries(TABLES)) await createTable(knex, dialect, name, define);
  },
  async down(knex: Knex) {
    for (const name of Object.keys(TABLES).reverse()) await knex.schema.dropTableIfExists(name);
  },
};
