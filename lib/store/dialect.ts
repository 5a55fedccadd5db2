import type { Dialect, DialectName, RowColumn } from './types';

const COLLATION = { mariadb: 'utf8mb4_nopad_bin', mysql: 'utf8mb4_0900_bin' } as const;

/** The collation that compares text by code point and minds trailing spaces, on MariaDB or MySQL. */
export function exactCollation(mariadb: boolean): string {
  return mariadb ? COLLATION.mariadb : COLLATION.mysql;
}

/** The first and the last millisecond of the years that all databases can tell the date of: 1 to 9999. */
const FIRST_DAY = -62_135_596_800_000;
const LAST_DAY = 253_402_300_799_999;

interface DialectFacts {
  mariadb?: boolean;
  /** False when a virtual clock drives the program: then leases follow it too, not the database's clock. */
  databaseTime: boolean;
}

function columnsOf(
  set: readonly string[] | Readonly<Record<string, string>>,
  take: (column: string) => string,
): string {
  const entries = Array.isArray(set)
    ? (set as readonly string[]).map((column): [string, string] => [column, take(column)])
    : Object.entries(set);
  return entries.map(([column, expression]) => `${column} = ${expression}`).join(', ');
}

function sqlite(): Dialect {
  return {
    name: 'sqlite',
    mariadb: false,
    shared: false,
    join: 'CROSS JOIN',
    nowMs: ':now_ms',
    insertIgnore: 'INSERT OR IGNORE',
    ignoreTail: '',
    insertCounted: 'INSERT OR IGNORE',
    countedTail: '',
    skipLocked: '',
    forUpdate: '',
    updateReturning: true,
    rows: (binding, columns, alias) =>
      `(SELECT ${Object.keys(columns)
        .map((name, index) => `value ->> ${index} AS ${name}`)
        .join(', ')} FROM json_each(:${binding})) AS ${alias}`,
    upsertTail: (key, set) =>
      `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${columnsOf(set, (column) => `excluded.${column}`)}`,
    excluded: (column) => `excluded.${column}`,
    // The rows name those they mean by a key of their own. Left to itself, the planner goes through all of a tenant's for each of
    // them wherever an index begins with the tenant; the plus sign keeps it from using that index.
    updateFrom: (table, rows, set, where) =>
      `UPDATE ${table} SET ${set} FROM ${rows} WHERE ${where.replaceAll(/(?<![\w.+])tenant_id = :tenant/g, '+tenant_id = :tenant')}`,
    quote: (column) => `"${column}"`,
    jsonText: (column, key) => `json_extract(${column}, '$."${key}"')`,
    jsonNumber: (column, binding) =>
      `CASE WHEN json_type(${column}, :${binding}) IN ('integer', 'real') THEN json_extract(${column}, :${binding}) END`,
    jsonName: (name) => `$."${name}"`,
    dayOfYear: (ms) =>
      `CASE WHEN ${ms} BETWEEN ${FIRST_DAY} AND ${LAST_DAY} THEN strftime('%m-%d', ${ms} / 1000.0, 'unixepoch') END`,
  };
}

const POSTGRES_TYPES: Record<RowColumn, string> = { int: 'bigint', real: 'double precision', text: 'text' };

function postgres(facts: DialectFacts): Dialect {
  return {
    name: 'postgres',
    mariadb: false,
    shared: true,
    join: 'JOIN',
    nowMs: facts.databaseTime ? '(extract(epoch from clock_timestamp()) * 1000)::bigint' : '(:now_ms)::bigint',
    insertIgnore: 'INSERT',
    ignoreTail: 'ON CONFLICT DO NOTHING',
    insertCounted: 'INSERT',
    countedTail: 'ON CONFLICT DO NOTHING',
    skipLocked: 'FOR UPDATE SKIP LOCKED',
    forUpdate: 'FOR UPDATE',
    updateReturning: true,
    rows: (binding, columns, alias) =>
      `(SELECT ${Object.entries(columns)
        .map(([name, type], index) => `(value ->> ${index})::${POSTGRES_TYPES[type]} AS ${name}`)
        .join(', ')} FROM json_array_elements((:${binding})::json)) AS ${alias}`,
    upsertTail: (key, set) =>
      `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${columnsOf(set, (column) => `excluded.${column}`)}`,
    excluded: (column) => `excluded.${column}`,
    updateFrom: (table, rows, set, where) => `UPDATE ${table} SET ${set} FROM ${rows} WHERE ${where}`,
    quote: (column) => `"${column}"`,
    jsonText: (column, key) => `(${column} ->> '${key}')`,
    jsonNumber: (column, binding) =>
      `CASE WHEN jsonb_typeof(${column} -> CAST(:${binding} AS text)) = 'number' THEN CAST(${column} ->> CAST(:${binding} AS text) AS double precision) END`,
    jsonName: (name) => name,
    dayOfYear: (ms) =>
      `CASE WHEN ${ms} BETWEEN ${FIRST_DAY} AND ${LAST_DAY} THEN to_char(to_timestamp(${ms} / 1000.0) AT TIME ZONE 'UTC', 'MM-DD') END`,
  };
}

function mysql(facts: DialectFacts): Dialect {
  const mariadb = facts.mariadb ?? true;
  const types: Record<RowColumn, string> = {
    int: 'BIGINT',
    real: 'DOUBLE',
    text: `LONGTEXT CHARACTER SET utf8mb4 COLLATE ${exactCollation(mariadb)}`,
  };
  return {
    name: 'mysql',
    mariadb,
    shared: true,
    join: 'STRAIGHT_JOIN',
    nowMs: facts.databaseTime ? 'CAST(ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000) AS SIGNED)' : ':now_ms',
    // Not INSERT IGNORE: that would also turn real errors into warnings.
    insertIgnore: 'INSERT',
    ignoreTail: 'ON DUPLICATE KEY UPDATE tenant_id = VALUES(tenant_id)',
    insertCounted: 'INSERT IGNORE',
    countedTail: '',
    skipLocked: 'FOR UPDATE SKIP LOCKED',
    forUpdate: 'FOR UPDATE',
    updateReturning: false,
    rows: (binding, columns, alias) =>
      `JSON_TABLE(:${binding}, '$[*]' COLUMNS (${Object.entries(columns)
        .map(([name, type], index) => `${name} ${types[type]} PATH '$[${index}]'`)
        .join(', ')})) AS ${alias}`,
    upsertTail: (_key, set) => `ON DUPLICATE KEY UPDATE ${columnsOf(set, (column) => `VALUES(${column})`)}`,
    excluded: (column) => `VALUES(${column})`,
    updateFrom: (table, rows, set, where) => `UPDATE ${table} JOIN ${rows} SET ${set} WHERE ${where}`,
    quote: (column) => `\`${column}\``,
    jsonText: (column, key) => `JSON_VALUE(${column}, '$."${key}"')`,
    jsonNumber: (column, binding) =>
      `CASE WHEN JSON_TYPE(JSON_EXTRACT(${column}, :${binding})) IN ('INTEGER', 'DOUBLE', 'DECIMAL') THEN JSON_VALUE(${column}, :${binding}) + 0 END`,
    jsonName: (name) => `$."${name}"`,
    // Not FROM_UNIXTIME, which knows nothing before 1970.
    dayOfYear: (ms) =>
      `CASE WHEN ${ms} BETWEEN ${FIRST_DAY} AND ${LAST_DAY} THEN DATE_FORMAT(DATE_ADD('1970-01-01', INTERVAL FLOOR(${ms} / 1000) SECOND), '%m-%d') END`,
  };
}

/** The dialect of a family. All differences between the databases live here and in the drivers. */
export function dialectOf(name: DialectName, facts: DialectFacts): Dialect {
  switch (name) {
    case 'sqlite':
      return sqlite();
    case 'postgres':
      return postgres(facts);
    case 'mysql':
      return mysql(facts);
  }
}
