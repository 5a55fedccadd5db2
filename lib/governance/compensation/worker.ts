import { backoff } from '../../channels';
import { messageOf } from '../../errors';
import { record } from '../../history';
import type { LedgerLog } from '../../ledger';
import { announce } from '../../outbox';
import { parseJson, storable, type Scope } from '../../store';
import { claimRuns, closeRun, nextUndo, parkRun, spread, stillOurs, type Run, type UndoRow } from './runs';
import type { Undo, UndoHandler, UndoResult } from './types';

/** Runs worked at the same time: each waits for the outside most of the time. */
const AT_ONCE = 8;
const MAX_ATTEMPTS = 8;
/** Pauses between tries: 10 s, doubling, at most 1 h. */
const PAUSES = { base: 10_000, max: 3_600_000 };
/** An undo that nobody here can do is looked at again after this; another process may know how. */
const UNKNOWN_MS = 30_000;
/** After an error of the database, ms. */
const AGAIN_MS = 5_000;

/** What the worker gets from its surroundings. */
export interface WorkerDeps {
  readonly scope: Scope;
  readonly log: LedgerLog;
  /** The fencing name of this runtime; undefined while it does not work. */
  owner(): string | undefined;
  /** Sees to a {@link UndoWorker.poke} at a time (ms). */
  wake(at: number): Promise<void>;
  /** People go on from these stations. */
  woken(stations: ReadonlySet<number>): void;
  /** Branches of this enrollment may have ended. */
  changed(enrollment: number): void;
  readonly random?: () => number;
}

/**
 * Undoes: takes runs out of the database and works each of them off, strictly in reverse, one undo after another. Everything that
 * counts is rows. A process that dies in the middle leaves a lease in the name of a runtime that is gone; the next one goes on with the
 * same undo, under the same idempotency key.
 */
export class UndoWorker {
  private readonly handlers = new Map<string, UndoHandler>();
  private readonly held = new Set<number>();
  private readonly running = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private wanted = false;
  private draining: Promise<void> | undefined;

  constructor(private readonly deps: WorkerDeps) {}

  handle(kind: string, handler: UndoHandler): () => void {
    this.handlers.set(kind, handler);
    this.poke();
    return () => {
      if (this.handlers.get(kind) === handler) this.handlers.delete(kind);
    };
  }

  /** Looks for due runs now. Cheap; may be called often. */
  poke(): void {
    this.wanted = true;
    this.draining ??= this.drain().finally(() => {
      this.draining = undefined;
      if (this.wanted && !this.stopping.signal.aborted) this.poke();
    });
  }

  async idle(): Promise<void> {
    while (this.draining || this.running.size > 0) await Promise.all([this.draining, ...this.running]);
  }

  /** Lets what is being undone finish; nothing more is begun with. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.idle();
  }

  private async drain(): Promise<void> {
    const { scope, log } = this.deps;
    while (this.wanted && !this.stopping.signal.aborted) {
      this.wanted = false;
      const owner = this.deps.owner();
      const limit = AT_ONCE - this.held.size;
      if (owner === undefined || limit <= 0) return;
      try {
        for (const run of await claimRuns(scope, { owner, limit, held: this.held })) this.begin(run);
      } catch (error) {
        log.warn(`Looking for what is to be undone failed and is done again: ${messageOf(error)}`);
      }
    }
  }

  private begin(run: Run): void {
    this.held.add(run.id);
    const work = this.work(run)
      .catch(async (error: unknown) => {
        this.deps.log.error(`Undoing goes on later: ${messageOf(error)}`);
        await this.park(run, this.deps.scope.clock.now() + AGAIN_MS);
      })
      .catch(() => undefined) // The lease is still ours: the next look finds it.
      .finally(() => {
        this.held.delete(run.id);
        this.running.delete(work);
        this.poke();
      });
    this.running.add(work);
  }

  private async work(run: Run): Promise<void> {
    const { scope } = this.deps;
    if (run.state === 'spreading') {
      while (!this.stopping.signal.aborted && (await spread(scope, run)));
      await this.park(run, scope.clock.now());
      return;
    }
    for (;;) {
      const now = scope.clock.now();
      if (this.stopping.signal.aborted) return this.park(run, now);
      const next = await nextUndo(scope, run);
      if (!next) {
        const closed = await closeRun(scope, run);
        if (closed === 'more') continue;
        if (closed !== 'lost') this.deps.woken(closed);
        return;
      }
      if (next.due_at > now) return this.park(run, next.due_at);
      if (!(await this.undo(run, next))) return;
    }
  }

  private async park(run: Run, at: number): Promise<void> {
    await parkRun(this.deps.scope, run, at);
    if (at > this.deps.scope.clock.now()) await this.deps.wake(at);
    else this.wanted = true;
  }

  /** Undoes one effect; false when the run is no longer ours, or has to wait. */
  private async undo(run: Run, row: UndoRow): Promise<boolean> {
    const handler = this.handlers.get(row.kind);
    const most = handler?.maxAttempts ?? MAX_ATTEMPTS;
    const now = this.deps.scope.clock.now();
    if (!handler) {
      const reason = `no program here knows how to undo "${row.kind}"`;
      // (A try that is taken back, and none was charged.)
      const untried = { ...row, attempt: row.attempt + 1 };
      return this.write(run, untried, { status: 'later', at: now + UNKNOWN_MS, reason });
    }
    if (row.attempt >= most) {
      const reason = `its process died with it ${row.attempt} times`;
      return this.write(run, row, { status: 'failed', reason, final: true });
    }
    if (!(await this.charge(run, row))) return false;
    const undo = undoOf(row);
    const result = await this.ask(handler, undo);
    return this.write(run, { ...row, attempt: undo.attempt }, result, handler);
  }

  /** A try counts before it begins, so that one which kills its process is noticed. */
  private charge(run: Run, { id }: UndoRow): Promise<boolean> {
    return this.deps.scope.transaction(async (tx) => {
      if (!(await stillOurs(tx, run))) return false;
      const changed = await tx.run(
        `UPDATE marketing_undos SET attempt = attempt + 1, run_id = :run, updated_at = :now
         WHERE tenant_id = :tenant AND id = :id AND state = 'registered'`,
        { run: run.id, id, now: tx.clock.now() },
      );
      return changed === 1;
    });
  }

  private async ask(handler: UndoHandler, undo: Undo): Promise<UndoResult> {
    if (!handler.undo) return { status: 'undone' };
    try {
      return await handler.undo(undo, {
        idempotencyKey: `${this.deps.scope.tenant}:undo:${undo.key}`,
        signal: this.stopping.signal,
      });
    } catch (error) {
      return { status: 'failed', reason: messageOf(error) };
    }
  }

  private async write(run: Run, row: UndoRow, result: UndoResult, handler?: UndoHandler): Promise<boolean> {
    const { scope } = this.deps;
    const most = handler?.maxAttempts ?? MAX_ATTEMPTS;
    const ours = await scope.transaction(async (tx) => {
      if (!(await stillOurs(tx, run))) return false;
      switch (result.status) {
        case 'undone':
        case 'nothing': {
          const more = await handler?.apply?.(tx, undoOf(row, 0));
          const note = [result.note, more].filter((text) => text !== undefined && text !== '').join('; ');
          await this.note(tx, run, row, { state: result.status, reason: null, note: note === '' ? null : note });
          return true;
        }
        case 'later':
          await this.note(tx, run, row, { state: 'registered', reason: result.reason, dueAt: result.at, free: true });
          return true;
        case 'failed': {
          const { reason } = result;
          if (result.final !== true && row.attempt < most) {
            const pause = backoff(row.attempt, {
              ...PAUSES,
              ...(this.deps.random ? { random: this.deps.random } : {}),
            });
            await this.note(tx, run, row, { state: 'registered', reason, dueAt: tx.clock.now() + pause });
            return true;
          }
          await this.note(tx, run, row, { state: 'failed', reason });
          const payload = { undo: row.id, kind: row.kind, lead: row.lead_id, enrollment: row.enrollment_id, reason };
          await record(tx, { event: 'compensation.failed', campaign: run.campaign, actor: 'system', payload });
          await announce(tx, [{ type: 'marketing.compensation.failed', data: { campaign: run.campaign, ...payload } }]);
          return true;
        }
      }
    });
    if (ours && row.enrollment_id > 0) this.deps.changed(row.enrollment_id);
    return ours;
  }

  private async note(
    tx: Scope,
    run: Run,
    row: UndoRow,
    to: { state: string; reason: string | null; note?: string | null; dueAt?: number; free?: boolean },
  ): Promise<void> {
    const now = tx.clock.now();
    await tx.run(
      `UPDATE marketing_undos SET state = :state, reason = :reason, note = :note, due_at = :dueAt, run_id = :run,
              attempt = :attempt, updated_at = :now
       WHERE tenant_id = :tenant AND id = :id AND state = 'registered'`,
      {
        state: to.state,
        reason: to.reason === null ? null : storable(to.reason, 255),
        note: to.note === undefined || to.note === null ? null : storable(to.note, 255),
        dueAt: to.dueAt ?? now,
        run: run.id,
        // A try of which nobody is to blame is not charged.
        attempt: Math.max(0, row.attempt - (to.free === true ? 1 : 0)),
        now,
        id: row.id,
      },
    );
  }
}

function undoOf(row: UndoRow, more = 1): Undo {
  return {
    id: row.id,
    campaign: row.campaign_id,
    enrollment: row.enrollment_id,
    lead: row.lead_id,
    step: row.step_id,
    seq: row.seq,
    kind: row.kind,
    key: row.undo_key,
    params: parseJson<Record<string, unknown>>(row.params, {}),
    attempt: row.attempt + more,
  };
}
