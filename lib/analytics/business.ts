import type { Principal } from '../access';
import { InputError } from '../errors';
import type { Scope, SqlValue } from '../store';
import type { DashboardQuery } from './types';

/** Whose campaigns; undefined: everybody's. */
export interface Whose {
  readonly user: string;
  readonly roles: readonly string[];
  readonly teams: readonly string[];
}

/** A user by name has no roles and teams that we know of; a principal brings them. */
export function whoseOf(user: string | Principal): Whose {
  return typeof user === 'string'
    ? { user, roles: [], teams: [] }
    : { user: user.id, roles: user.roles, teams: user.teams ?? [] };
}

/** Conditions over `marketing_campaigns c`, and their values. */
export interface Filter {
  readonly states: readonly string[];
  /** Without the state. */
  readonly where: readonly string[];
  readonly values: Readonly<Record<string, SqlValue>>;
}

const STATES = new Set(['draft', 'scheduled', 'queued', 'active', 'paused', 'completed', 'cancelled']);

/** @throws InputError `E_QUERY` */
export function filterOf({ status = 'active', stage, channel, from, to }: DashboardQuery): Filter {
  const states = [...new Set(typeof status === 'string' ? [status] : status)];
  if (states.length === 0 || !states.every((state) => STATES.has(state))) {
    throw new InputError('E_QUERY', `A status is one of ${[...STATES].join(', ')}, or a list of these.`);
  }
  const where = ['c.deleted_at IS NULL'];
  const values: Record<string, SqlValue> = {};
  const add = (part: string, name: string, value: SqlValue | undefined): void => {
    if (value === undefined) return;
    where.push(part);
    values[name] = value;
  };
  add('(c.stage = :stage OR (c.stage IS NULL AND c.state = :stage))', 'stage', stage);
  add('c.started_at >= :from', 'from', from);
  add('c.started_at < :to', 'to', to);
  add(
    `EXISTS (SELECT 1 FROM marketing_campaign_channels h
             WHERE h.tenant_id = :tenant AND h.campaign_id = c.id AND h.channel = :channel)`,
    'channel',
    channel,
  );
  return { states, where, values };
}

/** The states of a filter as a list in SQL; they were checked to be ours. */
export function statesIn({ states }: Filter): string {
  return `(${states.map((state) => `'${state}'`).join(', ')})`;
}

/** True of campaigns that are somebody's business. The values are `:user` and `:assigned`. */
export function isBusinessOf({ dialect }: Scope): string {
  return `(c.owner = :user OR EXISTS (
    SELECT 1 FROM ${dialect.rows('assigned', { of_kind: 'text', to_whom: 'text' }, 'r')}
    JOIN marketing_assignments a ON a.kind = r.of_kind AND a.assignee = r.to_whom
    WHERE a.tenant_id = :tenant AND a.campaign_id = c.id))`;
}

/** The values of {@link isBusinessOf}. */
export function businessValues(whose: Whose): Record<string, SqlValue> {
  return { user: whose.user, assigned: JSON.stringify(assignees(whose)) };
}

function assignees({ user, roles, teams }: Whose): [kind: string, assignee: string][] {
  return [
    ['user', user],
    ...roles.map((role): [string, string] => ['role', role]),
    ...teams.map((team): [string, string] => ['team', team]),
  ];
}

/** Where to begin, which way to go, and how far. */
export interface Walk {
  readonly way: 'ASC' | 'DESC';
  /** The last id of the page before. */
  readonly beyond?: number;
  readonly limit: number;
}

/**
 * Ids of somebody's campaigns, in the order of ids. Each reason why one may be somebody's business is asked for by itself,
 * along an index that is in this order: no more than `limit` are read of any, however many there are.
 */
export async function businessIds(db: Scope, whose: Whose, filter: Filter, walk: Walk): Promise<number[]> {
  const found = new Set<number>();
  const { way, beyond, limit } = walk;
  const behind = (column: string): string =>
    beyond === undefined ? '' : `AND ${column} ${way === 'ASC' ? '>' : '<'} :beyond`;
  const values = { ...filter.values, ...(beyond === undefined ? {} : { beyond }) };
  const collect = async (text: string, more: Record<string, SqlValue>): Promise<void> => {
    for (const { id } of await db.all<{ id: number }>(text, { ...values, ...more })) found.add(id);
  };
  for (const state of filter.states) {
    await collect(
      `SELECT c.id FROM marketing_campaigns c
       WHERE c.tenant_id = :tenant AND c.owner = :user AND c.state = :state ${behind('c.id')} AND ${filter.where.join(' AND ')}
       ORDER BY c.id ${way} LIMIT ${limit}`,
      { user: whose.user, state },
    );
  }
  for (const [kind, assignee] of assignees(whose)) {
    await collect(
      `SELECT a.campaign_id AS id FROM marketing_assignments a
       ${db.dialect.join} marketing_campaigns c ON c.id = a.campaign_id AND c.tenant_id = :tenant
       WHERE a.tenant_id = :tenant AND a.kind = :kind AND a.assignee = :assignee ${behind('a.campaign_id')}
         AND c.state IN ${statesIn(filter)} AND ${filter.where.join(' AND ')}
       ORDER BY a.campaign_id ${way} LIMIT ${limit}`,
      { kind, assignee },
    );
  }
  return [...found].sort((a, b) => (way === 'ASC' ? a - b : b - a)).slice(0, limit);
}
