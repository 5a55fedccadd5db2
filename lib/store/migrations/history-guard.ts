import type { Knex } from 'knex';
import type { Dialect } from '../types';

/*
 * The history is append-only, and the database sees to it: rows are never deleted, and the one change that is allowed is
 * to seal a row once (its place in the chain, lib/history). Whoever can drop a trigger can still change the table: then
 * the chain tells.
 */

const CONTENT = ['id', 'tenant_id', 'campaign_id', 'event', 'before', 'after', 'actor', 'payload', 'at'];
const SAY = 'marketing_history is append-only';

/** Puts the triggers in place. */
export async function guardHistory(knex: Knex, dialect: Dialect): Promise<void> {
  for (const statement of HISTORY_GUARD[dialect.name].up) await knex.raw(statement);
}

/** Takes them away, for going back to the schema before. */
export async function unguardHistory(knex: Knex, dialect: Dialect): Promise<void> {
  for (const statement of HISTORY_GUARD[dialect.name].down) await knex.raw(statement);
}

/** True of an UPDATE that does anything but seal an unsealed row. */
function tampers(quote: string, differs: (column: string) => string): string {
  return ['OLD.seq IS NOT NULL', ...CONTENT.map((column) => differs(`${quote}${column}${quote}`))].join(' OR ');
}

/**
 * An empty table that refers to the history. MariaDB has no trigger for TRUNCATE, but truncates no table that another one
 * refers to; the others have it too, so that the schema is one.
 */
function anchor(type: string): string {
  return `CREATE TABLE marketing_history_anchor (history_id ${type} NOT NULL PRIMARY KEY,
    FOREIGN KEY (history_id) REFERENCES marketing_history (id))`;
}
const DROP_ANCHOR = 'DROP TABLE IF EXISTS marketing_history_anchor';

/** The statements that put the guard in place and take it away, per family. */
export const HISTORY_GUARD: Readonly<Record<Dialect['name'], { up: readonly string[]; down: readonly string[] }>> = {
  sqlite: {
    up: [
      anchor('INTEGER'),
      `CREATE TRIGGER marketing_history_no_update BEFORE UPDATE ON marketing_history
       WHEN ${tampers('"', (column) => `OLD.${column} IS NOT NEW.${column}`)} BEGIN SELECT RAISE(ABORT, '${SAY}'); END`,
      `CREATE TRIGGER marketing_history_no_delete BEFORE DELETE ON marketing_history BEGIN SELECT RAISE(ABORT, '${SAY}'); END`,
      // INSERT OR REPLACE takes the row that is in its way without asking the triggers above.
      `CREATE TRIGGER marketing_history_no_replace BEFORE INSERT ON marketing_history
       WHEN EXISTS (SELECT 1 FROM marketing_history h WHERE h.id = NEW.id) BEGIN SELECT RAISE(ABORT, '${SAY}'); END`,
    ],
    down: [
      DROP_ANCHOR,
      'DROP TRIGGER IF EXISTS marketing_history_no_update',
      'DROP TRIGGER IF EXISTS marketing_history_no_delete',
      'DROP TRIGGER IF EXISTS marketing_history_no_replace',
    ],
  },
  postgres: {
    up: [
      anchor('BIGINT'),
      `CREATE OR REPLACE FUNCTION marketing_history_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION '${SAY}'; END $$`,
      `CREATE TRIGGER marketing_history_no_update BEFORE UPDATE ON marketing_history FOR EACH ROW
       WHEN (${tampers('"', (column) => `OLD.${column} IS DISTINCT FROM NEW.${column}`)})
       EXECUTE FUNCTION marketing_history_guard()`,
      `CREATE TRIGGER marketing_history_no_delete BEFORE DELETE ON marketing_history FOR EACH ROW
       EXECUTE FUNCTION marketing_history_guard()`,
      `CREATE TRIGGER marketing_history_no_truncate BEFORE TRUNCATE ON marketing_history FOR EACH STATEMENT
       EXECUTE FUNCTION marketing_history_guard()`,
    ],
    down: [
      DROP_ANCHOR,
      'DROP TRIGGER IF EXISTS marketing_history_no_update ON marketing_history',
      'DROP TRIGGER IF EXISTS marketing_history_no_delete ON marketing_history',
      'DROP TRIGGER IF EXISTS marketing_history_no_truncate ON marketing_history',
      'DROP FUNCTION IF EXISTS marketing_history_guard()',
    ],
  },
  mysql: {
    up: [
      anchor('BIGINT UNSIGNED'),
      `CREATE TRIGGER marketing_history_no_update BEFORE UPDATE ON marketing_history FOR EACH ROW
       BEGIN IF ${tampers('`', (column) => `NOT (OLD.${column} <=> NEW.${column})`)}
       THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${SAY}'; END IF; END`,
      `CREATE TRIGGER marketing_history_no_delete BEFORE DELETE ON marketing_history FOR EACH ROW
       SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${SAY}'`,
    ],
    down: [
      DROP_ANCHOR,
      'DROP TRIGGER IF EXISTS marketing_history_no_update',
      'DROP TRIGGER IF EXISTS marketing_history_no_delete',
    ],
  },
};
