import { MarketingError } from '../errors';
import type { DialectName, SqlValue, SqlValues } from './types';

/** A statement as the driver wants it: positional placeholders, and which name goes where. */
export interface CompiledStatement {
  readonly text: string;
  readonly names: readonly string[];
}

const NAME = /[A-Za-z_0-9]/;

type Piece = { readonly kind: 'code' | 'quoted' | 'comment'; readonly text: string };

/** Quoted text and comments are found first: what stands in them means nothing. A doubled quote is two quoted texts, side by side. */
const QUOTED_OR_COMMENT = /'[^']*(?:'|$)|"[^"]*(?:"|$)|`[^`]*(?:`|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;

function* piecesOf(source: string): Generator<Piece> {
  let at = 0;
  for (const { 0: text, index } of source.matchAll(QUOTED_OR_COMMENT)) {
    if (index > at) yield { kind: 'code', text: source.slice(at, index) };
    yield { kind: /^['"`]/.test(text) ? 'quoted' : 'comment', text };
    at = index + text.length;
  }
  if (at < source.length) yield { kind: 'code', text: source.slice(at) };
}

/** PostgreSQL's `::type`, or a name. */
const COLONS = /::|:([A-Za-z_0-9]+)/g;

/**
 * Turns `:name` into the driver's placeholders. Quoted text and PostgreSQL's `::type` are left alone. Comments are left out,
 * because some drivers look for placeholders in them; two dashes begin one in every dialect, whatever follows.
 * Statements are written in this package only; users' values never become part of the text.
 */
export function compileStatement(source: string, dialect: DialectName): CompiledStatement {
  const names: string[] = [];
  let text = '';
  for (const piece of piecesOf(source)) {
    switch (piece.kind) {
      case 'quoted':
        text += piece.text;
        break;
      case 'comment':
        // It may be all that stands between two words.
        text += ' ';
        break;
      case 'code':
        text += piece.text.replace(COLONS, (found: string, name: string | undefined) => {
          if (name === undefined) return found;
          names.push(name);
          return dialect === 'postgres' ? `$${names.length}` : '?';
        });
        break;
    }
  }
  return { text, names };
}

/** The values of a statement in the order of its placeholders. */
export function bindValues(statement: CompiledStatement, values: SqlValues): SqlValue[] {
  return statement.names.map((name) => {
    const value = values[name];
    if (value === undefined) {
      throw new MarketingError('E_SQL_VALUE', `A statement names the value ":${name}", but none was given.`, {
        details: { name },
      });
    }
    return value;
  });
}

const TABLE = /\bmarketing_([a-z_]+)\b/g;
const TENANT_COLUMN = /\btenant_id\b/g;
/** Tables that belong to no tenant. */
const SHARED_TABLES = new Set(['migrations', 'migrations_lock']);

/**
 * Refuses a statement that touches a tenant's table without naming its tenant: each table that is mentioned needs
 * a `tenant_id` of its own. Cheap, because every text is looked at once.
 * @throws MarketingError `E_UNSCOPED`
 */
export function assertScoped(source: string): void {
  const bare = bareOf(source);
  const tables = [...bare.matchAll(TABLE)]
    .map((match) => match[1] as string)
    .filter((name) => !SHARED_TABLES.has(name));
  const used = tables.filter((name, index) => {
    // "INSERT INTO t (…)" and "UPDATE t SET" name a table once; "t.column" is a reference, not another table.
    const position = nthIndex(
      bare,
      `marketing_${name}`,
      tables.slice(0, index).filter((other) => other === name).length,
    );
    return bare[position + `marketing_${name}`.length] !== '.';
  });
  if (used.length === 0) return;
  const columns = bare.match(TENANT_COLUMN)?.length ?? 0;
  if (columns < used.length || !/:tenant\b/.test(bare)) {
    throw new MarketingError(
      'E_UNSCOPED',
      `A statement touches ${used.map((name) => `marketing_${name}`).join(', ')} without "tenant_id = :tenant" for each of them.`,
    );
  }
}

/** A statement without its texts and comments; quoted names stay. */
function bareOf(source: string): string {
  let bare = '';
  for (const { kind, text } of piecesOf(source)) bare += kind === 'comment' || text.startsWith("'") ? ' ' : text;
  return bare;
}

function nthIndex(text: string, part: string, n: number): number {
  let position = -1;
  for (let count = 0; count <= n; count++) {
    position = text.indexOf(part, position + 1);
    while (position >= 0 && NAME.test(text[position + part.length] ?? '')) position = text.indexOf(part, position + 1);
  }
  return position;
}
