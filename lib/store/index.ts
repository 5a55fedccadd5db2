/** The store: one narrow door to SQLite, PostgreSQL and MariaDB/MySQL, always scoped to a tenant. */
export type { Dialect, DialectName, RowColumn, Scope, Sql, SqlValue, SqlValues, Store } from './types';
export { openStore, parseDatabaseUrl, redactUrl, type StoreOptions } from './open';
export type { SqliteExtension, SqliteFunction } from './sqlite-functions';
export { parseJson } from './json';
export { storable } from './text';
