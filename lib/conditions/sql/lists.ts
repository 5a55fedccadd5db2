import type { Expression } from '../expression';
import { attributeJson, constantOf, exactCollation, jsonPath } from './fields';
import { compareTexts, text } from './strings';
import { either, FALSE, TRUE, type Compiler, type Fragment } from './writer';

/* Lists are JSON arrays of text. A list that is the same for all leads (`campaign.data.regions`) becomes comparisons. */

/** The entries of a list that is the same for all leads; undefined when it is absent. */
function constantList(compiler: Compiler, expression: Expression): readonly string[] | undefined {
  if (expression.kind !== 'field') return undefined;
  const value = constantOf(compiler.writer, expression.field);
  return typeof value === 'object' ? value : undefined;
}

/** The list as rows: what to put after FROM, and the name of the entry's column. */
function rows(compiler: Compiler, field: Expression & { kind: 'field' }): { from: string; entry: string } {
  const { writer } = compiler;
  const alias = writer.alias('e');
  const json = writer.column('attributes');
  const path = jsonPath(field.field);
  switch (writer.family) {
    case 'sqlite':
      return { from: `json_each(${json}, ${writer.bind(path)}) AS ${alias}`, entry: `${alias}.value` };
    case 'postgres':
      return {
        from: `jsonb_array_elements_text(${attributeJson(writer, field.field)}) AS ${alias}(v)`,
        entry: `${alias}.v`,
      };
    case 'mariadb':
    case 'mysql': {
      // JSON_TABLE takes no bound path. The name was checked (no double quote, no backslash); the quote is doubled here.
      const literal = `'${path.replaceAll("'", "''")}[*]'`;
      return {
        from: `JSON_TABLE(${json}, ${literal} COLUMNS (v LONGTEXT CHARACTER SET utf8mb4 PATH '$')) AS ${alias}`,
        entry: `${alias}.v COLLATE ${exactCollation(writer)}`,
      };
    }
  }
}

/** `item in list`: whether a text is among the entries. Never NULL where that matters: NULL means no. */
export function contains(compiler: Compiler, item: Expression, list: Expression): Fragment {
  const { writer } = compiler;
  if (list.kind === 'choice') {
    const otherwise = list.otherwise ? contains(compiler, item, list.otherwise) : FALSE;
    const chosen = either(compiler.truth(list.test), contains(compiler, item, list.then), otherwise);
    return { ...chosen, sql: `(${chosen.sql})` };
  }
  if (list.kind !== 'field') return FALSE;
  if (list.field.root !== 'lead') return anyEqual(compiler, item, list);
  const sought = text(compiler, item);
  switch (writer.family) {
    case 'postgres':
      return { sql: `${attributeJson(writer, list.field)} @> to_jsonb(${sought.sql})`, nullable: true };
    case 'mysql':
      return {
        sql: `JSON_CONTAINS(${writer.column('attributes')}, JSON_QUOTE(${sought.sql}), ${writer.bind(jsonPath(list.field))})`,
        nullable: true,
      };
    case 'mariadb':
      // MariaDB compares JSON text as it is written; that is exact only for text that needs no escapes.
      if (sought.constant !== undefined && !/["\\/\p{Cc}\u2028\u2029]/u.test(sought.constant)) {
        const json = writer.bind(JSON.stringify(sought.constant));
        return {
          sql: `JSON_CONTAINS(${writer.column('attributes')}, ${json}, ${writer.bind(jsonPath(list.field))})`,
          nullable: true,
        };
      }
      break;
    case 'sqlite':
      break;
  }
  const { from, entry } = rows(compiler, list);
  return { sql: `EXISTS (SELECT 1 FROM ${from} WHERE ${entry} = ${sought.sql})`, nullable: false };
}

/** `item in list` for a list that is the same for all leads. */
function anyEqual(compiler: Compiler, item: Expression, list: Expression): Fragment {
  const { place } = list;
  const terms = (constantList(compiler, list) ?? []).map((value) =>
    compareTexts(compiler, '=', item, { kind: 'constant', type: 'string', value, place }),
  );
  if (terms.length === 0) return FALSE;
  return { sql: `(${terms.map(({ sql }) => sql).join(' OR ')})`, nullable: terms.some(({ nullable }) => nullable) };
}

/** Whether a list is there, empty or not. */
export function listExists(compiler: Compiler, list: Expression): Fragment {
  if (list.kind === 'choice') {
    const otherwise = list.otherwise ? listExists(compiler, list.otherwise) : FALSE;
    const chosen = either(compiler.truth(list.test), listExists(compiler, list.then), otherwise);
    return { ...chosen, sql: `(${chosen.sql})` };
  }
  if (list.kind !== 'field') return FALSE;
  if (list.field.root !== 'lead') return constantList(compiler, list) ? TRUE : FALSE;
  return { sql: `${attributeJson(compiler.writer, list.field)} IS NOT NULL`, nullable: false };
}

/** Whether a list counts as true: any entry that is not empty. NULL when absent. */
export function listTruth(compiler: Compiler, list: Expression): Fragment {
  if (list.kind === 'choice') {
    const otherwise = list.otherwise ? listTruth(compiler, list.otherwise) : { sql: 'NULL', nullable: true };
    const chosen = either(compiler.truth(list.test), listTruth(compiler, list.then), otherwise);
    return { ...chosen, sql: `(${chosen.sql})` };
  }
  if (list.kind !== 'field') return FALSE;
  if (list.field.root !== 'lead') {
    const entries = constantList(compiler, list);
    if (!entries) return { sql: 'NULL', nullable: true };
    return entries.some((entry) => entry !== '') ? TRUE : FALSE;
  }
  const { from, entry } = rows(compiler, list);
  const any = `EXISTS (SELECT 1 FROM ${from} WHERE ${entry} <> '')`;
  return { sql: `CASE WHEN ${attributeJson(compiler.writer, list.field)} IS NOT NULL THEN ${any} END`, nullable: true };
}
