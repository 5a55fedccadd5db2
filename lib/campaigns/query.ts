import { Problems, isRecord } from './problems';
import { readCursor, type Place, type Sort } from './cursor';
import { DEFAULT_STAGES } from './stages';
import { PURGED } from './rows';
import { CAMPAIGN_TYPES, type CampaignQuery } from './types';
import type { Scope, SqlValue } from '../store';

const DEFAULT_LIMIT = 20;
const MOST = 100;
const LAST_PAGE = 1_000_000;
/** Sorts behind everything that begins with the same. */
const BEHIND = '\u{10FFFF}';

const SORTS: Readonly<Record<string, string>> = {
  createdAt: 'c.created_at',
  updatedAt: 'c.updated_at',
  name: 'c.search_name',
  nextRunAt: 'c.next_run_at',
};

/** A query that was looked at: texts of a statement over `marketing_campaigns c`, and their values. */
export interface CompiledQuery {
  readonly where: string;
  readonly order: string;
  readonly values: Readonly<Record<string, SqlValue>>;
  readonly sort: Sort;
  readonly limit: number;
  /** Set when pages are asked for by number. */
  readonly page?: number;
}

/**
 * Filters that few campaigns pass. These are read first, the others are looked at in the order of the list until a page is
 * full: no planner knows which is which, SQLite's keeps no statistics at all.
 */
export interface Narrow {
  readonly channel?: boolean;
  readonly search?: boolean;
}

/** How many campaigns are few. */
const FEW = 1_000;

/** Finds out which of a query's filters are narrow. */
export async function narrowOf(scope: Scope, { channel, search }: CampaignQuery): Promise<Narrow> {
  const few = async (from: string, values: Readonly<Record<string, string>>): Promise<boolean> => {
    const row = await scope.get<{ found: number }>(
      `SELECT COUNT(*) AS found FROM (${from} LIMIT ${FEW + 1}) AS f`,
      values,
    );
    return Number(row?.found ?? 0) <= FEW;
  };
  return {
    ...(channel === undefined
      ? {}
      : {
          channel: await few(
            `SELECT h.campaign_id FROM marketing_campaign_channels h WHERE h.tenant_id = :tenant AND h.channel = :channel`,
            { channel },
          ),
        }),
    ...(search === undefined
      ? {}
      : {
          search: await few(
            `SELECT s.id FROM marketing_campaigns s WHERE s.tenant_id = :tenant AND s.search_name >= :from AND s.search_name < :to`,
            { from: search.toLowerCase(), to: search.toLowerCase() + BEHIND },
          ),
        }),
  };
}

/**
 * Looks at a query and writes its statement. What comes from outside is bound, never written.
 * @throws InputError `E_QUERY` with the paths of what is wrong, `E_CURSOR`
 */
export function compileQuery(query: CampaignQuery, narrow: Narrow = {}): CompiledQuery {
  const problems = new Problems();
  const { sort = '-createdAt', limit = DEFAULT_LIMIT, page, cursor } = query;
  if (!Object.hasOwn(SORTS, String(sort).replace(/^-/, ''))) {
    problems.add('/sort', `is one of ${Object.keys(SORTS).join(', ')}, with "-" before it for falling order`);
  }
  whole(limit, '/limit', MOST, problems);
  if (page !== undefined) whole(page, '/page', LAST_PAGE, problems);
  if (page !== undefined && cursor !== undefined) problems.add('/cursor', 'cannot be given together with page');
  const filter = new Filter(problems, narrow);
  addFilters(filter, query);
  problems.refuse('E_QUERY', 'Campaigns cannot be listed like this');
  const place = cursor === undefined ? undefined : readCursor(cursor, sort);
  return {
    where: [...filter.parts, ...(place ? [beyond(sort, place, filter)] : [])].join('\n AND '),
    order: orderOf(sort),
    values: filter.values,
    sort,
    limit,
    ...(page === undefined ? {} : { page }),
  };
}

/** The value by which a row is sorted. */
export function placeOf(sort: Sort, row: PlacedRow): Place {
  const { search_name: name, created_at: createdAt, updated_at: updatedAt, next_run_at: nextRunAt } = row;
  const values: Record<string, string | number | null> = { createdAt, updatedAt, name: name ?? '', nextRunAt };
  return { value: values[sort.replace(/^-/, '')] ?? null, id: row.id };
}

interface PlacedRow {
  readonly id: number;
  readonly search_name: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly next_run_at: number | null;
}

function addFilters(filter: Filter, query: CampaignQuery): void {
  const { deleted = 'none', search, subject, createdFrom, createdTo } = query;
  if (deleted === 'none') filter.parts.push('c.deleted_at IS NULL');
  else if (deleted === 'only') filter.parts.push(`c.deleted_at > ${PURGED}`);
  else if (deleted === 'all') filter.parts.push(`(c.deleted_at IS NULL OR c.deleted_at > ${PURGED})`);
  else filter.problems.add('/deleted', 'is none, only or all');
  filter.anyOf('state', query.state, DEFAULT_STAGES);
  filter.anyOf('type', query.type, CAMPAIGN_TYPES);
  filter.equal('definition_key', '/definition', query.definition);
  filter.equal('owner', '/owner', query.owner);
  filter.equal('team', '/team', query.team);
  const stage = filter.text('/stage', query.stage);
  if (stage) filter.parts.push(`(c.stage = ${stage} OR (c.stage IS NULL AND c.state = ${stage}))`);
  if (subject !== undefined) {
    if (!isRecord(subject)) filter.problems.add('/subject', 'must be an object with type, and id if you like');
    else {
      filter.equal('subject_type', '/subject/type', subject.type, true);
      filter.equal('subject_id', '/subject/id', subject.id);
    }
  }
  filter.has('marketing_campaign_channels', 'h.channel', filter.text('/channel', query.channel), filter.narrow.channel);
  // Nobody has more on their desk than can be read first.
  filter.has('marketing_assignments', `h.kind = 'user' AND h.assignee`, filter.text('/assignee', query.assignee), true);
  filter.bound('c.created_at >=', '/createdFrom', createdFrom);
  filter.bound('c.created_at <=', '/createdTo', createdTo);
  if (search !== undefined && search !== '') filter.begins(search);
}

class Filter {
  readonly parts: string[] = ['c.tenant_id = :tenant'];
  readonly values: Record<string, SqlValue> = {};

  constructor(
    readonly problems: Problems,
    readonly narrow: Narrow,
  ) {}

  bind(value: SqlValue): string {
    const name = `q${Object.keys(this.values).length}`;
    this.values[name] = value;
    return `:${name}`;
  }

  /** The placeholder of a text, or undefined when there is none, or it is no text. */
  text(path: string, value: unknown, needed = false): string | undefined {
    if (value === undefined && !needed) return undefined;
    if (typeof value === 'string' && value !== '' && value.length <= 255 && !/\0|\p{Cs}/u.test(value)) {
      return this.bind(value);
    }
    this.problems.add(path, 'must be a text of 1 to 255 characters');
    return undefined;
  }

  equal(column: string, path: string, value: unknown, needed = false): void {
    const name = this.text(path, value, needed);
    if (name) this.parts.push(`c.${column} = ${name}`);
  }

  anyOf(column: string, given: unknown, known: readonly string[]): void {
    if (given === undefined) return;
    const values: readonly unknown[] = Array.isArray(given) ? given : [given];
    if (values.length === 0 || !values.every((value) => known.includes(value as string))) {
      this.problems.add(`/${column}`, `is one of ${known.join(', ')}, or a list of these`);
      return;
    }
    const names = [...new Set(values as string[])].map((value) => this.bind(value));
    this.parts.push(names.length === 1 ? `c.${column} = ${names[0]}` : `c.${column} IN (${names.join(', ')})`);
  }

  /** Campaigns of which another table says something. */
  has(table: string, column: string, name: string | undefined, narrow = false): void {
    if (name === undefined) return;
    const from = `FROM ${table} h WHERE h.tenant_id = :tenant AND ${column} = ${name}`;
    this.parts.push(
      narrow ? `c.id IN (SELECT h.campaign_id ${from})` : `EXISTS (SELECT 1 ${from} AND h.campaign_id = c.id)`,
    );
  }

  bound(comparison: string, path: string, value: unknown): void {
    if (value === undefined) return;
    if (!Number.isSafeInteger(value)) this.problems.add(path, 'must be a moment in ms since 1970');
    else this.parts.push(`${comparison} ${this.bind(value as number)}`);
  }

  /** Names, and keys, that begin with a text, whatever the case: a range that an index can answer, no pattern. */
  begins(search: unknown): void {
    if (this.text('/search', search) === undefined) return;
    const lower = (search as string).toLowerCase();
    const range = (column: string, prefix: string): string =>
      `(${column} >= ${this.bind(prefix)} AND ${column} < ${this.bind(prefix + BEHIND)})`;
    const keys = [...new Set([lower, search as string])];
    if (this.narrow.search !== true) {
      this.parts.push(
        `(${[range('c.search_name', lower), ...keys.map((prefix) => range('c.campaign_key', prefix))].join(' OR ')})`,
      );
      return;
    }
    const found = [range('s.search_name', lower), ...keys.map((prefix) => range('s.campaign_key', prefix))];
    this.parts.push(
      `c.id IN (SELECT f.id FROM (${found.map((those) => `SELECT s.id FROM marketing_campaigns s WHERE s.tenant_id = :tenant AND ${those}`).join(' UNION ')}) AS f)`,
    );
  }
}

function whole(value: unknown, path: string, most: number, problems: Problems): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > most) {
    problems.add(path, `is a whole number from 1 to ${most}`);
  }
}

/** What comes behind a place. */
function beyond(sort: Sort, { value, id }: Place, filter: Filter): string {
  const column = SORTS[sort.replace(/^-/, '')] ?? 'c.id';
  const than = sort.startsWith('-') ? '<' : '>';
  const idName = filter.bind(id);
  if (value === null) return `(${column} IS NULL AND c.id ${than} ${idName})`;
  const name = filter.bind(value);
  const behind = `(${column} ${than}= ${name} AND (${column} ${than} ${name} OR (${column} = ${name} AND c.id ${than} ${idName})))`;
  return column === SORTS['nextRunAt'] ? `(${behind} OR ${column} IS NULL)` : behind;
}

/** Whoever has no next run comes last, whichever way it goes. */
function orderOf(sort: Sort): string {
  const column = SORTS[sort.replace(/^-/, '')] ?? 'c.id';
  const way = sort.startsWith('-') ? 'DESC' : 'ASC';
  const missing = column === SORTS['nextRunAt'] ? `CASE WHEN ${column} IS NULL THEN 1 ELSE 0 END, ` : '';
  return `${missing}${column} ${way}, c.id ${way}`;
}
