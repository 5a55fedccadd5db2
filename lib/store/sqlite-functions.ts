import type BetterSqlite3 from 'better-sqlite3';

/** A function that SQL on SQLite may call (the other databases get the same by other means, or do without). */
export interface SqliteFunction {
  name: string;
  deterministic: boolean;
  fn: (...args: (string | number | bigint | Buffer | null)[]) => string | number | bigint | Buffer | null;
}

/** A module that brings SQL functions: `module.sqliteFunctions`. Named by file, so that worker threads can load it too. */
export interface SqliteExtension {
  sqliteFunctions: readonly SqliteFunction[];
}

/** Registers the functions of extension modules on a connection. */
export function loadExtensions(database: BetterSqlite3.Database, files: readonly string[]): void {
  for (const file of files) {
    const extension = require(file) as SqliteExtension;
    for (const { name, deterministic, fn } of extension.sqliteFunctions) {
      database.function(name, { deterministic }, fn as (...args: unknown[]) => unknown);
    }
  }
}
