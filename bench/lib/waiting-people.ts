/** People who wait at a delay, written straight into an SQLite file while no runtime is on it; and when they were taken over by the next one. */
import Database from 'better-sqlite3';
import { fileOf } from './people';

/** Every lead that is in no campaign yet joins those who wait at the station `wait`, due one after the other over `spreadMs` from `from` on. */
export function letAllWait(databaseUrl: string, { from, spreadMs }: { from: number; spreadMs: number }): number {
  const database = new Database(fileOf(databaseUrl));
  try {
    return database.transaction(() => {
      const like = database
        .prepare(
          `SELECT s.campaign_id AS campaign, s.station_id AS station, e.run, e.entry_key AS entry FROM marketing_steps s
             JOIN marketing_stations t ON t.id = s.station_id JOIN marketing_enrollments e ON e.id = s.enrollment_id
            WHERE s.tenant_id = 'default' AND t.step = 'wait' AND s.state = 'waiting' LIMIT 1`,
        )
        .get() as { campaign: number; station: number; run: number; entry: string } | undefined;
      if (!like) throw new Error('Nobody waits yet: there is nobody to be like.');
      const values = { ...like, now: Date.now() };
      database
        .prepare(
          `INSERT OR IGNORE INTO marketing_enrollments (tenant_id, campaign_id, lead_id, run, entry_key, state, entered_at)
           SELECT tenant_id, :campaign, id, :run, :entry, 'active', :now FROM marketing_leads WHERE tenant_id = 'default'`,
        )
        .run(values);
      database
        .prepare(
          `INSERT INTO marketing_steps (tenant_id, campaign_id, enrollment_id, lead_id, station_id, parent_id, state, due_at, attempt, crashes, created_at, updated_at)
           SELECT tenant_id, campaign_id, id, lead_id, :station, 0, 'waiting', 0, 0, 0, :now, :now FROM marketing_enrollments e
            WHERE tenant_id = 'default' AND campaign_id = :campaign
              AND NOT EXISTS (SELECT 1 FROM marketing_steps s WHERE s.tenant_id = 'default' AND s.enrollment_id = e.id AND s.station_id = :station)`,
        )
        .run(values);
      return database
        .prepare(
          `UPDATE marketing_steps SET due_at = :from + CAST(:spread * (n.place - 1.0) / n.total AS INTEGER)
             FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place, COUNT(*) OVER () AS total FROM marketing_steps
                    WHERE tenant_id = 'default' AND station_id = :station AND state = 'waiting') n
            WHERE marketing_steps.id = n.id`,
        )
        .run({ station: like.station, from, spread: spreadMs }).changes;
    })();
  } finally {
    database.close();
  }
}

/** What the rows say of people who went on from `wait` to `stay`. */
export interface Resumes {
  readonly count: number;
  /** When the first and the last were taken over by the next station, ms since 1970. */
  readonly first: number | null;
  readonly last: number | null;
}

const AT_STAY = `s.tenant_id = 'default' AND s.station_id = (SELECT id FROM marketing_stations WHERE tenant_id = 'default' AND step = 'stay')`;

/** Looks at the rows, from outside, while the runtime works. */
export class ResumeWatch {
  private readonly database: Database.Database;

  constructor(databaseUrl: string) {
    this.database = new Database(fileOf(databaseUrl), { readonly: true });
  }

  count(): number {
    return this.database.prepare(`SELECT COUNT(*) FROM marketing_steps s WHERE ${AT_STAY}`).pluck().get() as number;
  }

  resumes(): Resumes {
    return this.database
      .prepare(
        `SELECT COUNT(*) AS count, MIN(s.created_at) AS first, MAX(s.created_at) AS last FROM marketing_steps s WHERE ${AT_STAY}`,
      )
      .get() as Resumes;
  }

  /** By how many ms each was late: taken over by the next station, against due. */
  lateness(): number[] {
    return this.database
      .prepare(
        `SELECT s.created_at - p.due_at FROM marketing_steps s JOIN marketing_steps p ON p.id = s.parent_id WHERE ${AT_STAY}`,
      )
      .pluck()
      .all() as number[];
  }

  close(): void {
    this.database.close();
  }
}
