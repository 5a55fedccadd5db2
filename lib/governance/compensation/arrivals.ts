import type { ArrivedStep } from '../../ledger';
import { parseJson, type Scope } from '../../store';

/** Who is looked at in one go. */
const PAGE = 250;

/** What a compensate station says about itself at deploy. */
export interface CompensateConfig {
  /** Whoever lands in the dead-letter list comes to the station. */
  readonly onFailure: boolean;
  /** What was done for a campaign's people is undone when it is cancelled. */
  readonly onCancel: boolean;
}

/** Somebody in the dead-letter list who is to come to a compensate station. */
export interface Fallen {
  readonly step: number;
  readonly campaign: number;
  readonly enrollment: number;
  readonly definition: string;
  /** The compensate station. */
  readonly station: number;
}

interface StationRow {
  id: number;
  definition_key: string;
  config: unknown;
}

/** Compensate stations that are in a flow. */
export async function compensateStations(
  scope: Scope,
): Promise<{ id: number; definition: string; config: CompensateConfig }[]> {
  const rows = await scope.all<StationRow>(
    `SELECT t.id, t.definition_key, t.config FROM marketing_stations t
     WHERE t.tenant_id = :tenant AND t.kind = 'compensate' AND t.state = 'active' ORDER BY t.id`,
  );
  return rows.map(({ id, definition_key, config }) => {
    const { compensate } = parseJson<{ compensate?: Partial<CompensateConfig> }>(config, {});
    return {
      id,
      definition: definition_key,
      config: { onFailure: compensate?.onFailure ?? false, onCancel: compensate?.onCancel ?? false },
    };
  });
}

/** People of a definition in the dead-letter list who have not been to its compensate station for that. */
export async function fallen(scope: Scope, { id, definition }: { id: number; definition: string }): Promise<Fallen[]> {
  const rows = await scope.all<{ id: number; campaign_id: number; enrollment_id: number }>(
    `SELECT s.id, s.campaign_id, s.enrollment_id FROM marketing_steps s
     WHERE s.tenant_id = :tenant AND s.state = 'failed'
       AND s.station_id IN (SELECT t.id FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.definition_key = :definition)
       AND EXISTS (SELECT 1 FROM marketing_campaigns c
                   WHERE c.id = s.campaign_id AND c.tenant_id = :tenant AND c.state IN ('active', 'paused'))
       AND NOT EXISTS (SELECT 1 FROM marketing_steps x WHERE x.tenant_id = :tenant AND x.enrollment_id = s.enrollment_id
                       AND x.parent_id = s.id AND x.station_id = :id)
     ORDER BY s.id LIMIT ${PAGE}`,
    { definition, id },
  );
  return rows.map(({ id: step, campaign_id, enrollment_id }) => ({
    step,
    campaign: campaign_id,
    enrollment: enrollment_id,
    definition,
    station: id,
  }));
}

/** Who waits at a compensate station without a run, or with one that is over: they were moved here, or the station had been away. */
export async function leftWaiting(
  scope: Scope,
  station: number,
): Promise<
  (Pick<ArrivedStep, 'id' | 'campaign' | 'enrollment' | 'lead'> & { run: number | null; state: string | null })[]
> {
  return scope.all(
    `SELECT s.id, s.campaign_id AS campaign, s.enrollment_id AS enrollment, s.lead_id AS lead, u.id AS run, u.state
     FROM marketing_steps s LEFT JOIN marketing_undo_runs u ON u.step_id = s.id AND u.tenant_id = :tenant
     WHERE s.tenant_id = :tenant AND s.station_id = :station AND s.state = 'waiting' AND s.due_at > :now
       AND (u.id IS NULL OR u.state IN ('undone', 'partly')) ORDER BY s.id LIMIT ${PAGE}`,
    { station, now: scope.clock.now() },
  );
}
