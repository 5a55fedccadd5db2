import type { Page } from '../campaigns/types';
import { InputError } from '../errors';
import type { Scope, SqlValues } from '../store';
import { summaryOf, TEMPLATE_COLUMNS, type TemplateRow } from './rows';
import type { TemplateQuery, TemplateSummary } from './types';

const MOST = 100;
const USUAL = 20;

const SORTS = {
  name: { column: 'search_name', falling: false },
  '-name': { column: 'search_name', falling: true },
  createdAt: { column: 'created_at', falling: false },
  '-createdAt': { column: 'created_at', falling: true },
  updatedAt: { column: 'updated_at', falling: false },
  '-updatedAt': { column: 'updated_at', falling: true },
} as const;

type Sort = keyof typeof SORTS;

/** Where a page ended: the sort, the last row's value and its id. */
type Place = readonly [sort: string, value: string | number, id: number];

/** A page of templates. @throws InputError `E_LIMIT`, `E_PAGE`, `E_SORT`, `E_CURSOR` */
export async function listTemplates(scope: Scope, query: TemplateQuery): Promise<Page<TemplateSummary>> {
  const { limit, sort, page } = checked(query);
  const { column, falling } = SORTS[sort];
  const place = query.cursor === undefined ? undefined : readCursor(query.cursor, sort);
  const { where, values } = filtersOf(query);
  const onwards =
    place === undefined
      ? ''
      : ` AND (t.${column} ${falling ? '<' : '>'} :last_value OR (t.${column} = :last_value AND t.id ${falling ? '<' : '>'} :last_id))`;
  const rows = await scope.all<TemplateRow>(
    `SELECT ${TEMPLATE_COLUMNS} FROM marketing_templates t WHERE t.tenant_id = :tenant${where}${onwards}
      ORDER BY t.${column} ${falling ? 'DESC' : 'ASC'}, t.id ${falling ? 'DESC' : 'ASC'}
      LIMIT ${limit + 1} OFFSET ${page === undefined ? 0 : (page - 1) * limit}`,
    { ...values, ...(place === undefined ? {} : { last_value: place[1], last_id: place[2] }) },
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(summaryOf),
    ...(rows.length > limit && last ? { cursor: cursorOf([sort, last[column], last.id]) } : {}),
    ...(page === undefined ? {} : { total: await countOf(scope, where, values) }),
  };
}

async function countOf(scope: Scope, where: string, values: SqlValues): Promise<number> {
  const row = await scope.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM marketing_templates t WHERE t.tenant_id = :tenant${where}`,
    values,
  );
  return Number(row?.n ?? 0);
}

function filtersOf({ type, search }: TemplateQuery): { where: string; values: SqlValues } {
  const begins = search?.trim().toLowerCase() ?? '';
  return {
    where:
      (type === undefined ? '' : ' AND t.type = :type') +
      (begins === ''
        ? ''
        : ` AND (t.search_name LIKE :begins ESCAPE '!' OR LOWER(t.template_key) LIKE :begins ESCAPE '!')`),
    values: {
      ...(type === undefined ? {} : { type }),
      ...(begins === '' ? {} : { begins: `${begins.replace(/[!%_]/g, '!$&')}%` }),
    },
  };
}

function checked({ limit = USUAL, sort = 'name', page, cursor }: TemplateQuery): {
  limit: number;
  sort: Sort;
  page: number | undefined;
} {
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST)
    throw new InputError('E_LIMIT', `A page has 1 to ${MOST} templates, not ${limit}.`);
  if (!Object.hasOwn(SORTS, sort))
    throw new InputError('E_SORT', `Templates can be sorted by ${Object.keys(SORTS).join(', ')}.`);
  if (page !== undefined && (!Number.isInteger(page) || page < 1 || page > 1_000_000))
    throw new InputError('E_PAGE', 'Pages are numbered 1, 2, 3 and so on.');
  if (page !== undefined && cursor !== undefined)
    throw new InputError('E_PAGE', 'Ask by page or by cursor, not by both.');
  return { limit, sort, page };
}

function cursorOf(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function readCursor(cursor: string, sort: Sort): Place {
  const place = parsed(cursor);
  const wanted = SORTS[sort].column === 'search_name' ? 'string' : 'number';
  if (!place || place[0] !== sort || typeof place[1] !== wanted || !Number.isSafeInteger(place[2])) {
    throw new InputError(
      'E_CURSOR',
      'This cursor is not one that this list of templates has given out: start without one.',
    );
  }
  return place;
}

function parsed(cursor: string): Place | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(place) && place.length === 3 ? (place as unknown as Place) : undefined;
  } catch {
    return undefined;
  }
}
