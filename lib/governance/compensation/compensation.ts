import { authorise, nameOf, type Actor } from '../../access';
import type { Account } from '../../channels';
import { ConflictError, InputError, messageOf, NotFoundError } from '../../errors';
import { record } from '../../history';
import { wakeSteps, type ArrivedStep, type Ledger } from '../../ledger';
import { storable, type Scope } from '../../store';
import { compensateStations, fallen, leftWaiting } from './arrivals';
import { MESSAGE, messageHandler } from './messages';
import { registerUndos } from './registering';
import { compensationOf, openForCampaign, openForSteps } from './runs';
import type { NewUndo, UndoHandler, UndoState, UndoView } from './types';
import { UndoWorker, type WorkerDeps } from './worker';

/** What compensation gets from its surroundings. */
export interface CompensationDeps extends Omit<WorkerDeps, 'owner' | 'woken' | 'changed'> {
  ledger(): Ledger;
  /** Number and key of a campaign. @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
  campaign(key: number | string): Promise<{ readonly id: number; readonly key: string; readonly definition: string }>;
}

/** Which undos to list. */
export interface UndoQuery {
  /** Key or number of a campaign; absent: of all. */
  readonly campaign?: number | string;
  /** Default `failed`: what people have to see to. */
  readonly state?: UndoState;
  /** 1 to 100, default 20. */
  readonly limit?: number;
  /** Where the last page ended. */
  readonly before?: number;
}

/** How long somebody waits at a compensate station at most, ms: the run ends it, never this. */
const FOR_GOOD_MS = 100 * 365 * 86_400_000;
const MOST_LISTED = 100;

/**
 * Undoing what was done, strictly in reverse, one effect after another (BR-004, FR-P3-004). Effects are registered before they begin;
 * a run undoes those of one person, when a compensate node is reached, when somebody cannot be served, when the campaign is
 * cancelled, or when somebody asks.
 *
 * A message that was sent cannot be unsent. Undoing it takes what is still queued for the person out of the queue, and asks the
 * channel to take it back where it can; a correction is a message of its own, from a send node behind the compensate node.
 */
export class Compensations {
  private readonly worker: UndoWorker;
  private readonly accounts = new Map<string, Account>();

  constructor(private readonly deps: CompensationDeps) {
    this.worker = new UndoWorker({
      ...deps,
      owner: () => (deps.ledger().open ? deps.ledger().owner : undefined),
      woken: (stations) => stations.forEach((id) => deps.ledger().wakeStation(id)),
      changed: (enrollment) => deps.ledger().joins.ended([enrollment]),
    });
    this.handle(MESSAGE, messageHandler(deps.scope, this.accounts));
  }

  /** Says how effects of a kind are undone. A function does what is to be done outside; see {@link UndoHandler} for changes of rows. */
  handle(kind: string, handler: UndoHandler | Required<UndoHandler>['undo']): () => void {
    return this.worker.handle(kind, typeof handler === 'function' ? { undo: handler } : handler);
  }

  /** Registers how effects are undone, in the transaction that begins them. @throws InputError `E_UNDO` */
  register(tx: Scope, undos: readonly NewUndo[]): Promise<void> {
    return registerUndos(tx, undos);
  }

  /** An account that is at work in this process: through it its messages are taken back. */
  serve(account: Account): void {
    this.accounts.set(account.key, account);
  }

  /** Opens a run for each person who arrives at a compensate station, in the transaction of the arrival. */
  async arrived(tx: Scope, steps: readonly ArrivedStep[]): Promise<void> {
    await openForSteps(tx, steps);
    tx.afterCommit(() => this.poke());
  }

  /** Until when people wait at a compensate station, ms: until their run is over. */
  get patience(): number {
    return this.deps.scope.clock.now() + FOR_GOOD_MS;
  }

  /** Called in the transaction that cancels a campaign. */
  async cancelled(tx: Scope, { id, definition }: { id: number; definition: string }): Promise<void> {
    const stations = await compensateStations(tx);
    if (!stations.some((station) => station.definition === definition && station.config.onCancel)) return;
    await openForCampaign(tx, { campaign: id, key: `cancel:${id}`, cause: 'cancel', actor: 'system' });
    tx.afterCommit(() => this.poke());
  }

  /**
   * Undoes what was done for everybody of a campaign (whose definition has a compensate node: only then is anything registered).
   * @throws NotFoundError `E_UNKNOWN_CAMPAIGN`, ConflictError `E_NOTHING_TO_UNDO`, ForbiddenError `E_FORBIDDEN`
   */
  async undo(key: number | string, { actor }: { actor?: Actor } = {}): Promise<void> {
    authorise(actor, 'campaign:launch');
    const campaign = await this.deps.campaign(key);
    await this.deps.scope.transaction(async (tx) => {
      const any = await tx.get(
        `SELECT n.id FROM marketing_undos n WHERE n.tenant_id = :tenant AND n.campaign_id = :campaign AND n.state = 'registered' LIMIT 1`,
        { campaign: campaign.id },
      );
      if (!any) {
        throw new ConflictError(
          'E_NOTHING_TO_UNDO',
          `Nothing that the campaign "${campaign.key}" has done can be undone (any more). Effects are registered where its flow has a compensate node.`,
        );
      }
      const cause = { campaign: campaign.id, cause: 'asked', actor: nameOf(actor) } as const;
      await openForCampaign(tx, { ...cause, key: `asked:${campaign.id}:${tx.clock.now()}` });
      tx.afterCommit(() => this.poke());
    });
  }

  /** Undos, newest first; without more being said those that failed for good and wait for a person. */
  async list(query: UndoQuery = {}, { actor }: { actor?: Actor } = {}): Promise<UndoView[]> {
    authorise(actor, 'lead:read');
    const { state = 'failed', limit = 20, before } = query;
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > MOST_LISTED) {
      throw new InputError('E_LIMIT', `Ask for 1 to ${MOST_LISTED} at once.`);
    }
    const campaign = query.campaign === undefined ? undefined : (await this.deps.campaign(query.campaign)).id;
    return readViews(
      this.deps.scope,
      `n.state = :state AND n.id < :before ${campaign === undefined ? '' : 'AND n.campaign_id = :campaign'} ORDER BY n.id DESC LIMIT ${limit}`,
      { state, before: before ?? Number.MAX_SAFE_INTEGER, ...(campaign === undefined ? {} : { campaign }) },
    );
  }

  /**
   * Tries an undo once more that failed for good; its run is open again until it has come to its end.
   * @throws NotFoundError `E_UNKNOWN_UNDO`, ConflictError `E_UNDO_STATE`
   */
  retry(id: number, { actor }: { actor?: Actor } = {}): Promise<UndoView> {
    return this.decide(id, actor, 'compensation.retried', async (tx, run) => {
      const now = tx.clock.now();
      await tx.run(
        `UPDATE marketing_undos SET state = 'registered', attempt = 0, due_at = :now, updated_at = :now WHERE tenant_id = :tenant AND id = :id`,
        { id, now },
      );
      await tx.run(
        `UPDATE marketing_undo_runs SET state = 'running', due_at = :now, closed_at = NULL
         WHERE tenant_id = :tenant AND id = :run AND state IN ('undone', 'partly')`,
        { run, now },
      );
    });
  }

  /**
   * Takes an undo that failed for good as done by hand. A run of which nothing is left open counts as rolled back then.
   * @param note what was done; shown to people
   * @throws NotFoundError `E_UNKNOWN_UNDO`, ConflictError `E_UNDO_STATE`
   */
  resolve(id: number, note: string, { actor }: { actor?: Actor } = {}): Promise<UndoView> {
    return this.decide(id, actor, 'compensation.resolved', async (tx, run) => {
      await tx.run(
        `UPDATE marketing_undos SET state = 'resolved', note = :note, updated_at = :now WHERE tenant_id = :tenant AND id = :id`,
        { id, note: storable(note, 255), now: tx.clock.now() },
      );
      await tx.run(
        `UPDATE marketing_undo_runs SET state = 'undone' WHERE tenant_id = :tenant AND id = :run AND state = 'partly'
           AND NOT EXISTS (SELECT 1 FROM marketing_undos n WHERE n.tenant_id = :tenant AND n.run_id = :run AND n.state = 'failed')`,
        { run },
      );
    });
  }

  /** Looks for what is to be undone now. */
  poke(): void {
    this.worker.poke();
  }

  /**
   * Upkeep, every few seconds: brings those in the dead-letter list to the compensate station where it says so, makes up for arrivals
   * that were not followed, and looks for runs of processes that are gone.
   */
  async upkeep(): Promise<void> {
    for (const station of await compensateStations(this.deps.scope)) {
      if (station.config.onFailure) await this.fetch(station);
      const left = await leftWaiting(this.deps.scope, station.id);
      if (left.length > 0) await this.makeUp(left);
    }
    this.poke();
  }

  /** Resolves when nothing is being undone in this process. */
  idle(): Promise<void> {
    return this.worker.idle();
  }

  close(): Promise<void> {
    return this.worker.close();
  }

  private async fetch(station: { id: number; definition: string }): Promise<void> {
    const { scope, log } = this.deps;
    // All at once: the ledger takes them over in one transaction.
    await Promise.all(
      (await fallen(scope, station)).map(({ step, campaign, enrollment, definition }) => {
        const journey = { tenant: scope.tenant, definition, campaign, enrollment, step, trail: [] };
        return this.deps
          .ledger()
          .takeOver(station.id, { journey, dueAt: this.patience, port: 1 })
          .catch((error: unknown) =>
            log.warn(`Somebody who failed is brought to be undone later: ${messageOf(error)}`),
          );
      }),
    );
  }

  private async makeUp(left: Awaited<ReturnType<typeof leftWaiting>>): Promise<void> {
    await this.deps.scope.transaction(async (tx) => {
      await openForSteps(
        tx,
        left.filter(({ run }) => run === null),
      );
      for (const { id, run } of left) {
        if (run === null) continue;
        const outcome = await compensationOf(tx, run);
        await wakeSteps(tx, [{ step: id, port: outcome.failed.length > 0 ? 1 : 0, outcome }]);
      }
    });
    this.deps.ledger().pokeAll();
  }

  private async decide(
    id: number,
    actor: Actor | undefined,
    event: string,
    change: (tx: Scope, run: number) => Promise<void>,
  ): Promise<UndoView> {
    authorise(actor, 'campaign:launch');
    return this.deps.scope.transaction(async (tx) => {
      const row = await tx.get<{ state: UndoState; run_id: number | null; campaign_id: number }>(
        `SELECT n.state, n.run_id, n.campaign_id FROM marketing_undos n WHERE n.tenant_id = :tenant AND n.id = :id ${tx.dialect.forUpdate}`,
        { id },
      );
      if (!row) throw new NotFoundError('E_UNKNOWN_UNDO', `There is no undo ${id}.`);
      if (row.state !== 'failed') {
        throw new ConflictError(
          'E_UNDO_STATE',
          `Undo ${id} is ${row.state}: only one that failed for good is decided about.`,
          { details: { undo: id, state: row.state } },
        );
      }
      await change(tx, row.run_id ?? 0);
      await record(tx, { event, campaign: row.campaign_id, actor: nameOf(actor), payload: { undo: id } });
      tx.afterCommit(() => this.poke());
      const [view] = await readViews(tx, 'n.id = :id', { id });
      if (!view) throw new NotFoundError('E_UNKNOWN_UNDO', `There is no undo ${id}.`);
      return view;
    });
  }
}

async function readViews(db: Scope, where: string, values: Record<string, number | string>): Promise<UndoView[]> {
  const rows = await db.all<{
    id: number;
    campaign: string;
    enrollment_id: number;
    lead_id: number;
    step: string | null;
    seq: number;
    kind: string;
    state: UndoState;
    attempt: number;
    reason: string | null;
    note: string | null;
    created_at: number;
    updated_at: number;
  }>(
    `SELECT n.id, c.campaign_key AS campaign, n.enrollment_id, n.lead_id, t.step, n.seq, n.kind, n.state, n.attempt, n.reason, n.note,
            n.created_at, n.updated_at
     FROM marketing_undos n
     JOIN marketing_campaigns c ON c.id = n.campaign_id AND c.tenant_id = :tenant
     LEFT JOIN marketing_steps s ON s.id = n.step_id AND s.tenant_id = :tenant
     LEFT JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
     WHERE n.tenant_id = :tenant AND ${where}`,
    values,
  );
  return rows.map((row) => ({
    id: row.id,
    campaign: row.campaign,
    enrollment: row.enrollment_id,
    lead: row.lead_id,
    ...(row.step === null ? {} : { step: row.step }),
    seq: row.seq,
    kind: row.kind,
    state: row.state,
    attempts: row.attempt,
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.note === null ? {} : { note: row.note }),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }));
}
