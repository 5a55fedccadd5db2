import type { Field } from '../schema';
import { LEAD_COLUMNS } from '../schema';
import { typed, type Value } from '../fields';
import type { Fragment, Writer } from './writer';

/** The collation that compares by code point and does not pad with spaces. */
export function exactCollation(writer: Writer): string {
  return writer.family === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
}

/** The value of a field that is the same for all leads (`campaign.key`); undefined when it is absent. */
export function constantOf(writer: Writer, { root, path, type }: Field): Value {
  let holder: unknown = writer.placement.constants;
  for (const name of [root, ...path]) {
    const isHolder = typeof holder === 'object' && holder !== null && Object.hasOwn(holder, name);
    holder = isHolder ? (holder as Record<string, unknown>)[name] : undefined;
  }
  return typed(holder, type);
}

/** The column of a built-in field. */
export function columnOf(field: Field): { column: string; nullable: boolean } | undefined {
  const name = field.path[0] ?? '';
  return Object.hasOwn(LEAD_COLUMNS, name) ? LEAD_COLUMNS[name] : undefined;
}

/** `$."name"`; names were checked, so nothing in them needs escaping. */
export function jsonPath(field: Field): string {
  return `$."${field.path[0] ?? ''}"`;
}

/** A declared attribute of the lead as text (SQLite: in the type that JSON gives it). */
export function attribute(writer: Writer, field: Field): Fragment {
  const json = writer.column('attributes');
  switch (writer.family) {
    case 'sqlite':
      return { sql: `(${json} ->> ${writer.bind(jsonPath(field))})`, nullable: true };
    case 'postgres':
      return { sql: `(${json} ->> CAST(${writer.bind(field.path[0] ?? '')} AS text))`, nullable: true };
    case 'mariadb':
      return { sql: `JSON_VALUE(${json}, ${writer.bind(jsonPath(field))})`, nullable: true };
    case 'mysql':
      return { sql: `JSON_UNQUOTE(JSON_EXTRACT(${json}, ${writer.bind(jsonPath(field))}))`, nullable: true };
  }
}

/** A declared attribute as JSON, NULL when it is not there. */
export function attributeJson(writer: Writer, field: Field): string {
  const json = writer.column('attributes');
  switch (writer.family) {
    case 'sqlite':
      return `(${json} -> ${writer.bind(jsonPath(field))})`;
    case 'postgres':
      return `(${json} -> CAST(${writer.bind(field.path[0] ?? '')} AS text))`;
    case 'mariadb':
    case 'mysql':
      return `JSON_EXTRACT(${json}, ${writer.bind(jsonPath(field))})`;
  }
}

/** A yes-or-no attribute. */
export function booleanAttribute(writer: Writer, field: Field): Fragment {
  const text = attribute(writer, field);
  switch (writer.family) {
    case 'sqlite':
      return text;
    case 'postgres':
      return { sql: `CAST(${text.sql} AS boolean)`, nullable: true };
    case 'mariadb':
      return { sql: `(${text.sql} = '1')`, nullable: true };
    case 'mysql':
      return { sql: `(${text.sql} = 'true')`, nullable: true };
  }
}
