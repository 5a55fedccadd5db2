import type { Knex } from 'knex';
import { MarketingError } from '../errors';
import { migrations } from './migrations';
import type { Dialect } from './types';

/** One numbered, reversible step of the schema. */
export interface Migration {
  readonly name: string;
  up(knex: Knex, dialect: Dialect): Promise<void>;
  down(knex: Knex, dialect: Dialect): Promise<void>;
}

function config(dialect: Dialect): Knex.MigratorConfig {
  return {
    tableName: 'marketing_migrations',
    migrationSource: {
      getMigrations: () => Promise.resolve([...migrations]),
      getMigrationName: (migration: Migration) => migration.name,
      getMigration: (migration: Migration) =>
        Promise.resolve({
          up: (knex: Knex) => migration.up(knex, dialect),
          down: (knex: Knex) => migration.down(knex, dialect),
        }),
    },
  };
}

const LOCK_PATIENCE_TRIES = 60;

/** Migrations of SQLite files under way in this process. */
const turns = new Map<string, Promise<unknown>>();

/**
 * Brings the schema up to date. Two runtimes that start together wait for each other.
 * @param file the SQLite file. Stores of one process take turns at it: one that waited inside SQLite would stop the very thread that
 *   the other one needs to get on
 */
export async function migrateLatest(knex: Knex, dialect: Dialect, file?: string): Promise<string[]> {
  if (file === undefined) return migrate(knex, dialect);
  const before = turns.get(file) ?? Promise.resolve();
  const turn = before.then(() => migrate(knex, dialect));
  const settled = turn.catch(() => undefined);
  turns.set(file, settled);
  try {
    return await turn;
  } finally {
    if (turns.get(file) === settled) turns.delete(file);
  }
}

async function migrate(knex: Knex, dialect: Dialect): Promise<string[]> {
  if (await isCurrent(knex)) return [];
  if (dialect.name !== 'sqlite') return migratePatiently(knex, dialect);
  // Here, and only here, waiting inside SQLite is right: knex leaves its lock behind when "busy" hits it at the wrong moment.
  await knex.raw('PRAGMA busy_timeout = 15000');
  try {
    return await migratePatiently(knex, dialect);
  } finally {
    await knex.raw('PRAGMA busy_timeout = 0');
  }
}

/** Most starts find the schema as it should be: they need no lock. */
async function isCurrent(knex: Knex): Promise<boolean> {
  try {
    const rows = await knex<{ name: string }>('marketing_migrations').select('name');
    return migrations.every(({ name }) => rows.some((row) => row.name === name));
  } catch {
    return false; // No such table yet; anything worse shows when migrating.
  }
}

async function migratePatiently(knex: Knex, dialect: Dialect): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    try {
      const [, names] = (await knex.migrate.latest(config(dialect))) as [number, string[]];
      return names;
    } catch (error) {
      const another =
        error instanceof Error &&
        /already locked|already exists|MigrationLocked|SQLITE_BUSY|database is locked/i.test(
          `${error.name} ${error.message}`,
        );
      if (!another) throw error;
      if (attempt >= LOCK_PATIENCE_TRIES) {
        throw new MarketingError(
          'E_MIGRATION_LOCKED',
          'Another process has been migrating this database for half a minute. If none is, it was killed: run "nexus-marketing migrate --unlock".',
          { cause: error, retryable: true },
        );
      }
      await new Promise((resolve) => {
        realTimer(resolve, 500); // another process's pace, not the injected clock's
      });
    }
  }
}
const realTimer = setTimeout;

/** Takes back the newest migration. */
export async function rollbackOne(knex: Knex, dialect: Dialect): Promise<string | undefined> {
  const [, names] = (await knex.migrate.down(config(dialect))) as [number, string[]];
  return names[0];
}

/** Frees the lock that a killed migration left behind. */
export async function unlockMigrations(knex: Knex, dialect: Dialect): Promise<void> {
  await knex.migrate.forceFreeMigrationsLock(config(dialect));
}
