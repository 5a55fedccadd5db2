import type { Knex } from 'knex';
import { exactCollation } from '../dialect';
import type { Dialect } from '../types';

type Table = Knex.CreateTableBuilder;
type Column = Knex.ColumnBuilder;

/** Column types that mean the same on all three families. */
export class Columns {
  constructor(
    readonly table: Table,
    private readonly dialect: Dialect,
  ) {}

  /** A generated number, the primary key. */
  id(): Column {
    return this.table.bigIncrements('id');
  }
  tenant(): Column {
    return this.text('tenant_id', 64).notNullable();
  }
  /** Text compared by code point, at most `length` characters. */
  text(name: string, length: number): Column {
    const column = this.table.string(name, length);
    if (this.dialect.name === 'mysql') column.collate(exactCollation(this.dialect.mariadb));
    if (this.dialect.name === 'postgres') column.collate('C');
    return column;
  }
  /** Text of any length. */
  longText(name: string): Column {
    return this.table.text(name, 'longtext');
  }
  /** A whole number up to 2^53: ids, counts, milliseconds since 1970. */
  int(name: string): Column {
    return this.table.bigInteger(name);
  }
  small(name: string): Column {
    return this.table.integer(name);
  }
  /** 0 or 1. */
  flag(name: string): Column {
    return this.table.smallint(name).notNullable().defaultTo(0);
  }
  real(name: string): Column {
    return this.dialect.name === 'mysql' ? this.table.specificType(name, 'DOUBLE') : this.table.double(name);
  }
  /** JSON: JSONB on PostgreSQL, checked text elsewhere. */
  json(name: string): Column {
    if (this.dialect.name === 'postgres') return this.table.jsonb(name);
    if (this.dialect.name === 'mysql') return this.table.specificType(name, 'JSON');
    return this.table.text(name);
  }
}

/** Creates a table of this package: engine, character set and row format where a family wants them named. */
export async function createTable(
  knex: Knex,
  dialect: Dialect,
  name: string,
  define: (columns: Columns, table: Table) => void,
): Promise<void> {
  await knex.schema.createTable(name, (table) => {
    if (dialect.name === 'mysql') {
      table.engine('InnoDB');
      table.charset('utf8mb4');
      table.collate(exactCollation(dialect.mariadb));
    }
    define(new Columns(table, dialect), table);
  });
}
