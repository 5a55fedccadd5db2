/** Made-up campaigns, the same ones for the same number: written straight into an SQLite file by a few statements. */
import Database from 'better-sqlite3';
import { fileOf } from './people';

/** How the campaigns are to be. */
export interface CampaignsOptions {
  /** All active, or a fifth each of draft, scheduled, active, paused and completed. Default: all active. */
  readonly mixed?: boolean;
  /** Whose they are. Default `ann`. */
  readonly owner?: string;
  readonly definition?: string;
}

/** Adds `count` campaigns with channels to a database whose schema is there. Keys: `made-1` … */
export function makeCampaigns(databaseUrl: string, count: number, options: CampaignsOptions = {}): void {
  const database = new Database(fileOf(databaseUrl));
  const state = options.mixed
    ? `CASE i % 5 WHEN 0 THEN 'draft' WHEN 1 THEN 'scheduled' WHEN 2 THEN 'active' WHEN 3 THEN 'paused' ELSE 'completed' END`
    : `'active'`;
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = OFF');
    database.transaction(() => {
      database
        .prepare(
          `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
           INSERT INTO marketing_campaigns (tenant_id, campaign_key, name, search_name, definition_key, own_segment, own_policy, data, state,
             stage, type, owner, budget, currency, channels, on_unknown, run, version, created_at, updated_at, started_at, created_by)
           SELECT 'default', 'made-' || i, 'Campaign number ' || i, 'campaign number ' || i, :definition, 0, 0, '{}', ${state}, ${state},
                  CASE i % 3 WHEN 0 THEN 'scheduled' WHEN 1 THEN 'triggered' ELSE 'nurture' END, :owner, 1000 + i % 500, 'EUR',
                  '["email"]', 'hold', 1, 1, :now + i * 1000, :now + i * 1000, :now + i * 1000, :owner
             FROM n`,
        )
        .run({
          count,
          now: 1_700_000_000_000,
          owner: options.owner ?? 'ann',
          definition: options.definition ?? 'made',
        });
      database
        .prepare(
          `INSERT INTO marketing_campaign_channels (tenant_id, campaign_id, channel)
           SELECT tenant_id, id, 'email' FROM marketing_campaigns WHERE campaign_key LIKE 'made-%'`,
        )
        .run();
    })();
    database.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}
