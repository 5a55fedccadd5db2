import type { Knex } from 'knex';
import type { Migration } from '../migrate';
import type { Dialect } from '../types';
import { Columns, createTable } from './columns';

type Define = (columns: Columns, table: Knex.CreateTableBuilder) => void;

/** What a migration defines, by the name of the table: in this order, and taken back in the reverse one. */
export type Additions = Readonly<Record<string, Define>>;

/** A migration that only adds: columns (and indexes) to tables that are there, and tables of its own. */
export function adding(name: string, what: { columns?: Additions; tables?: Additions }): Migration {
  const { columns = {}, tables = {} } = what;
  return {
    name,
    async up(knex, dialect) {
      await addColumns(knex, dialect, columns);
      await createTables(knex, dialect, tables);
    },
    async down(knex, dialect) {
      await dropTables(knex, tables);
      await takeBackColumns(knex, dialect, columns);
    },
  };
}

/** Adds columns and indexes. */
export async function addColumns(knex: Knex, dialect: Dialect, added: Additions): Promise<void> {
  for (const [name, define] of Object.entries(added)) {
    await knex.schema.alterTable(name, (table) => define(new Columns(table, dialect), table));
  }
}

export async function createTables(knex: Knex, dialect: Dialect, tables: Additions): Promise<void> {
  for (const [name, define] of Object.entries(tables)) await createTable(knex, dialect, name, define);
}

export async function dropTables(knex: Knex, tables: Additions): Promise<void> {
  for (const name of Object.keys(tables).reverse()) await knex.schema.dropTableIfExists(name);
}

/** Drops what {@link addColumns} added. */
export async function takeBackColumns(knex: Knex, dialect: Dialect, added: Additions): Promise<void> {
  for (const [name, define] of Object.entries(added).reverse()) await takeBack(knex, dialect, name, define);
}

/** Drops the columns and indexes that `define` added: it is run once more, and what it asks for is written down. */
async function takeBack(knex: Knex, dialect: Dialect, name: string, define: Define): Promise<void> {
  const columns: string[] = [];
  const indexes: [kind: 'index' | 'unique', columns: string[]][] = [];
  const told = (kind: 'index' | 'unique') => (of: string[]) => void indexes.push([kind, of]);
  await knex.schema.alterTable(name, (table) => {
    const recorder = new Columns(
      recorderOf((column) => columns.push(column)),
      dialect,
    );
    define(recorder, { index: told('index'), unique: told('unique') } as unknown as Knex.CreateTableBuilder);
    for (const [kind, of] of indexes) {
      if (kind === 'unique') table.dropUnique(of);
      else table.dropIndex(of);
    }
  });
  await knex.schema.alterTable(name, (table) => table.dropColumns(...columns));
}

/** Answers to everything that a column builder answers to, and tells the names of the columns. */
function recorderOf(told: (column: string) => void): Knex.CreateTableBuilder {
  const chain: object = new Proxy({}, { get: () => () => chain });
  return new Proxy({} as Knex.CreateTableBuilder, {
    get: () => (column: string) => {
      told(column);
      return chain;
    },
  });
}
