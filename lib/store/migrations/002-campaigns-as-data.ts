import type { Knex } from 'knex';
import type { Migration } from '../migrate';
import type { Dialect } from '../types';
import { addColumns, createTables, dropTables, takeBackColumns, type Additions } from './additions';
import { guardHistory, unguardHistory } from './history-guard';

/** Columns that the tables of the first release get. */
const ADDED: Additions = {
  marketing_campaigns: (c, t) => {
    // Where it stands in the words of its definition; `state` is what the engine makes of it.
    c.text('stage', 64);
    // The name in lower case: what a search by prefix and the order by name go by.
    c.text('search_name', 255);
    c.text('type', 32).notNullable().defaultTo('scheduled');
    c.longText('description');
    c.text('objective', 500);
    c.json('kpi');
    c.text('owner', 128);
    c.text('team', 128);
    // The model that a mixin's campaign belongs to.
    c.text('subject_type', 128);
    c.text('subject_id', 128);
    c.real('budget');
    c.text('currency', 3);
    c.int('starts_on');
    c.int('ends_on');
    c.json('channels');
    c.json('content');
    c.json('audience');
    c.json('schedule');
    c.int('next_run_at');
    // "Pause until action": the action that ends the waiting.
    c.text('awaiting', 64);
    c.text('created_by', 128);
    c.int('deleted_at');
    t.index(['tenant_id', 'deleted_at', 'id']);
    t.index(['tenant_id', 'created_at', 'id']);
    t.index(['tenant_id', 'state', 'created_at', 'id']);
    t.index(['tenant_id', 'type', 'created_at', 'id']);
    t.index(['tenant_id', 'updated_at', 'id']);
    t.index(['tenant_id', 'search_name', 'id']);
    t.index(['tenant_id', 'owner', 'state', 'id']);
    t.index(['tenant_id', 'next_run_at']);
    // Those whose audience is being written, and those whose people still have to be told: few of many.
    t.index(['tenant_id', 'expanding_from']);
    t.index(['tenant_id', 'parking']);
    // Those that stand still by themselves.
    t.index(['tenant_id', 'hold_since']);
    t.index(['tenant_id', 'subject_type', 'subject_id']);
  },
  marketing_definitions: (c) => {
    // The flow as it was drawn, to be imported again; NULL for versions of before.
    c.longText('drawing');
  },
  marketing_contents: (c) => {
    // The template version that it came from; NULL when the words stand in a node or a campaign.
    c.text('template_key', 128);
    c.small('template_version');
  },
  marketing_messages: (c, t) => {
    c.text('variant', 32).notNullable().defaultTo('');
    // What it cost, in millionths of the currency's unit: sums stay exact.
    c.int('cost_micros').notNullable().defaultTo(0);
    t.index(['tenant_id', 'campaign_id', 'id']);
  },
  marketing_engagements: (c, t) => {
    c.text('variant', 32).notNullable().defaultTo('');
    // Money that it brought, in millionths of the campaign's currency.
    c.int('value_micros').notNullable().defaultTo(0);
    t.index(['tenant_id', 'campaign_id', 'tracked_at', 'id']);
    t.index(['tenant_id', 'tracked_at', 'id']);
  },
  marketing_history: (c, t) => {
    // Its place in the tenant's chain; NULL until it is sealed (see lib/history).
    c.int('seq');
    c.text('previous_hash', 64);
    c.text('hash', 64);
    t.unique(['tenant_id', 'seq']);
    t.index(['tenant_id', 'id']);
  },
};

/** New tables, in the order in which they are created. */
const TABLES: Additions = {
  marketing_campaign_channels: (c, t) => {
    c.tenant();
    c.int('campaign_id').notNullable();
    c.text('channel', 32).notNullable();
    t.primary(['tenant_id', 'campaign_id', 'channel']);
    t.index(['tenant_id', 'channel', 'campaign_id']);
  },
  marketing_assignments: (c, t) => {
    c.id();
    c.tenant();
    c.int('campaign_id').notNullable();
    // user, role or team, and whose.
    c.text('kind', 8).notNullable();
    c.text('assignee', 128).notNullable();
    c.text('assigned_by', 128).notNullable();
    c.int('assigned_at').notNullable();
    t.unique(['tenant_id', 'campaign_id', 'kind', 'assignee']);
    t.index(['tenant_id', 'kind', 'assignee', 'campaign_id']);
  },
  marketing_comments: (c, t) => {
    c.id();
    c.tenant();
    // campaign or engagement, and which.
    c.text('entity', 16).notNullable();
    c.int('entity_id').notNullable();
    c.text('author', 128).notNullable();
    c.longText('body').notNullable();
    c.int('created_at').notNullable();
    t.index(['tenant_id', 'entity', 'entity_id', 'id']);
  },
  marketing_attachments: (c, t) => {
    c.id();
    c.tenant();
    c.text('entity', 16).notNullable();
    c.int('entity_id').notNullable();
    c.text('name', 255).notNullable();
    c.text('media_type', 127).notNullable();
    c.int('size').notNullable();
    c.text('sha256', 64).notNullable();
    // Base64.
    c.longText('body').notNullable();
    c.text('created_by', 128).notNullable();
    c.int('created_at').notNullable();
    t.index(['tenant_id', 'entity', 'entity_id', 'id']);
  },
  marketing_schedule_runs: (c, t) => {
    c.id();
    c.tenant();
    c.int('campaign_id').notNullable();
    c.int('planned_at').notNullable();
    // started, late, missed, skipped or failed.
    c.text('outcome', 16).notNullable();
    c.small('run');
    c.text('reason', 255);
    c.int('at').notNullable();
    t.unique(['campaign_id', 'planned_at']);
    t.index(['tenant_id', 'campaign_id', 'id']);
  },
  // Rules of definitions that have acted on a campaign's run: once each.
  marketing_escalations: (c, t) => {
    c.id();
    c.tenant();
    c.int('campaign_id').notNullable();
    c.small('run').notNullable();
    // Its place in the definition's list.
    c.small('rule').notNullable();
    c.text('action', 128).notNullable();
    // done, told (nothing but the announcement was asked for), refused, or idle (its condition did not hold).
    c.text('outcome', 16).notNullable();
    c.text('reason', 255);
    c.int('at').notNullable();
    t.unique(['campaign_id', 'run', 'rule']);
    t.index(['tenant_id', 'campaign_id', 'id']);
  },
  // Definitions as JSON documents, every version; what is deployed from them stands in marketing_definitions.
  marketing_documents: (c, t) => {
    c.id();
    c.tenant();
    c.text('definition_key', 128).notNullable();
    c.small('version').notNullable();
    c.text('hash', 64).notNullable();
    c.flag('active');
    c.longText('body').notNullable();
    c.text('note', 255);
    c.text('created_by', 128).notNullable();
    c.int('created_at').notNullable();
    t.unique(['tenant_id', 'definition_key', 'version']);
  },
  marketing_templates: (c, t) => {
    c.id();
    c.tenant();
    c.text('template_key', 128).notNullable();
    c.text('name', 255).notNullable();
    // In lower case: what people search and sort by.
    c.text('search_name', 255).notNullable();
    c.text('type', 32).notNullable();
    // Grows with every change; the content is that of content_version.
    c.small('version').notNullable();
    c.small('content_version').notNullable();
    c.text('created_by', 128).notNullable();
    c.int('created_at').notNullable();
    c.int('updated_at').notNullable();
    t.unique(['tenant_id', 'template_key']);
    t.index(['tenant_id', 'search_name', 'id']);
  },
  marketing_template_versions: (c, t) => {
    c.id();
    c.tenant();
    c.int('template_id').notNullable();
    c.small('version').notNullable();
    c.text('hash', 64).notNullable();
    c.longText('content').notNullable();
    c.json('variables').notNullable();
    c.text('created_by', 128).notNullable();
    c.int('created_at').notNullable();
    t.unique(['template_id', 'version']);
  },
  // Counters per campaign, variant, channel and hour (-1: all hours together); `amount` is a count, or millionths of the
  // currency's unit for revenue and cost.
  marketing_metrics: (c, t) => {
    c.tenant();
    c.int('campaign_id').notNullable();
    c.text('variant', 32).notNullable();
    c.text('channel', 32).notNullable();
    c.int('hour').notNullable();
    c.text('name', 24).notNullable();
    c.int('amount').notNullable();
    c.int('updated_at').notNullable();
    t.primary(['tenant_id', 'campaign_id', 'hour', 'name', 'variant', 'channel']);
    t.index(['tenant_id', 'hour']);
  },
  // Whoever is to be told of events: signed webhooks, and event nodes in flows.
  marketing_subscriptions: (c, t) => {
    c.id();
    c.tenant();
    c.text('kind', 8).notNullable();
    c.text('subscription_key', 128).notNullable();
    c.text('name', 255);
    c.text('url', 2048);
    c.json('events').notNullable();
    c.json('secrets');
    c.flag('enabled');
    c.text('disabled_reason', 255);
    // Since when nothing has reached it; NULL while all is well.
    c.int('failing_since');
    c.small('version').notNullable().defaultTo(1);
    c.text('created_by', 128).notNullable();
    c.int('created_at').notNullable();
    c.int('updated_at').notNullable();
    t.unique(['tenant_id', 'kind', 'subscription_key']);
  },
  marketing_outbox: (c, t) => {
    c.id();
    c.tenant();
    c.int('subscription_id').notNullable();
    c.text('event_id', 64).notNullable();
    c.text('type', 96).notNullable();
    c.longText('body').notNullable();
    // waiting, sending, delivered or dead.
    c.text('state', 12).notNullable();
    c.small('attempt').notNullable().defaultTo(0);
    c.int('due_at').notNullable();
    c.text('lease_owner', 64);
    c.int('lease_until');
    c.small('status');
    c.text('reason', 255);
    c.int('created_at').notNullable();
    c.int('settled_at');
    t.index(['tenant_id', 'state', 'settled_at', 'id']);
    t.index(['tenant_id', 'subscription_id', 'id']);
    t.index(['subscription_id', 'state', 'due_at', 'id']);
  },
  marketing_tokens: (c, t) => {
    c.id();
    c.tenant();
    c.text('prefix', 24).notNullable();
    c.text('hash', 64).notNullable();
    c.text('name', 255).notNullable();
    c.text('owner', 128).notNullable();
    c.json('roles').notNullable();
    c.json('scopes');
    c.json('teams');
    c.text('created_by', 128).notNullable();
    c.int('created_at').notNullable();
    c.int('expires_at');
    c.int('last_used_at');
    c.int('revoked_at');
    t.unique(['hash']);
    t.index(['tenant_id', 'id']);
  },
  // Requests in windows of time, for processes that share their rate limits. Of no tenant: an address is counted before it is known whose it is.
  marketing_rate_limits: (c, t) => {
    c.text('limit_key', 191).notNullable().primary();
    c.int('hits').notNullable();
    c.int('reset_at').notNullable();
    t.index(['reset_at']);
  },
  marketing_idempotency: (c, t) => {
    c.tenant();
    c.text('idempotency_key', 255).notNullable();
    c.text('actor', 128).notNullable();
    c.text('fingerprint', 64).notNullable();
    // NULL while the first request is being worked.
    c.small('status');
    c.json('headers');
    c.longText('body');
    c.int('created_at').notNullable();
    t.primary(['tenant_id', 'actor', 'idempotency_key']);
    t.index(['tenant_id', 'created_at']);
  },
  marketing_promotions: (c, t) => {
    c.id();
    c.tenant();
    c.int('campaign_id').notNullable();
    c.text('promotion_key', 128).notNullable();
    c.text('name', 255).notNullable();
    c.json('rule').notNullable();
    c.small('priority').notNullable().defaultTo(0);
    c.int('starts_on');
    c.int('ends_on');
    c.flag('active');
    c.small('version').notNullable().defaultTo(1);
    c.int('created_at').notNullable();
    c.int('updated_at').notNullable();
    t.unique(['tenant_id', 'promotion_key']);
    t.index(['tenant_id', 'campaign_id']);
  },
  marketing_coupons: (c, t) => {
    c.id();
    c.tenant();
    c.int('promotion_id').notNullable();
    c.text('code', 64).notNullable();
    c.int('max_uses');
    c.int('max_uses_per_customer');
    c.int('uses').notNullable().defaultTo(0);
    c.int('expires_at');
    c.int('created_at').notNullable();
    t.unique(['tenant_id', 'code']);
    t.index(['promotion_id']);
  },
  marketing_redemptions: (c, t) => {
    c.id();
    c.tenant();
    c.int('coupon_id').notNullable();
    c.text('customer', 191).notNullable();
    c.text('order_key', 191).notNullable();
    c.real('discount').notNullable();
    c.int('redeemed_at').notNullable();
    t.unique(['coupon_id', 'order_key']);
    t.index(['coupon_id', 'customer']);
    t.index(['tenant_id', 'order_key']);
  },
};

/** Campaigns as data: their full domain, templates, metrics, tokens, subscriptions and their outbox, promotions. */
export const campaignsAsData: Migration = {
  name: '002-campaigns-as-data',
  async up(knex: Knex, dialect: Dialect) {
    await addColumns(knex, dialect, ADDED);
    await knex('marketing_campaigns').update({ stage: knex.ref('state'), search_name: knex.raw('LOWER(name)') });
    await createTables(knex, dialect, TABLES);
    await guardHistory(knex, dialect);
  },
  async down(knex: Knex, dialect: Dialect) {
    await unguardHistory(knex, dialect);
    await dropTables(knex, TABLES);
    await takeBackColumns(knex, dialect, ADDED);
  },
};
