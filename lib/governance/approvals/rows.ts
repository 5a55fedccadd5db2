import { NotFoundError } from '../../errors';
import { parseJson, storable, type Scope, type SqlValues } from '../../store';
import type { Fingerprint } from './fingerprint';
import type { EmptySeat, SettledTerms } from './terms';
import type { Approval, ApprovalState, Decision, Seat } from './types';

interface Row {
  id: number;
  campaign_id: number;
  subject: string;
  run: number;
  round: number;
  station_id: number | null;
  step: string | null;
  state: ApprovalState;
  strategy: string;
  quorum: string | null;
  hash: string;
  parts: unknown;
  audience: number | null;
  requested_by: string;
  requested_at: number;
  owner: string | null;
  comment: string | null;
  due_at: number | null;
  remind_every: number | null;
  next_reminder_at: number | null;
  reminders: number;
  escalates: number;
  decided_by: string | null;
  decided_at: number | null;
  reason: string | null;
  version: number;
}

interface SeatRow {
  approval_id: number;
  seat: number;
  kind: Seat['kind'];
  approver: string;
  team: string | null;
  emails: unknown;
  decision: Decision | null;
  voted_by: string | null;
  voted_at: number | null;
  comment: string | null;
  version: number;
}

/** A seat with where its links go. */
export interface KeptSeat extends Seat {
  readonly emails: readonly string[];
}

/** A request with what is nobody else's business. */
export interface KeptApproval extends Approval {
  readonly station?: number;
  /** Who owned the campaign when it was asked for. */
  readonly owner?: string;
  readonly parts: Partial<Fingerprint['parts']>;
  readonly remindEvery?: number;
  readonly escalates: boolean;
  readonly seats: readonly KeptSeat[];
}

const COLUMNS = `a.id, a.campaign_id, a.subject, a.run, a.round, a.station_id, a.state, a.strategy, a.quorum, a.hash, a.parts, a.audience,
  a.requested_by, a.requested_at, a.owner, a.comment, a.due_at, a.remind_every, a.next_reminder_at, a.reminders, a.escalates, a.decided_by,
  a.decided_at, a.reason, a.version,
  (SELECT t.step FROM marketing_stations t WHERE t.tenant_id = :tenant AND t.id = a.station_id) AS step`;

/** What a station's request is for. */
export function stationSubject(station: number, run: number): string {
  return `station:${station}:${run}`;
}

/** Requests; `where` is one of our own texts about `marketing_approvals a`, with order and limit. */
export async function readApprovals(db: Scope, where: string, values: SqlValues = {}): Promise<KeptApproval[]> {
  const rows = await db.all<Row>(
    `SELECT ${COLUMNS} FROM marketing_approvals a WHERE a.tenant_id = :tenant AND ${where}`,
    values,
  );
  const seats = await readSeats(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => approvalOf(row, seats.get(row.id) ?? []));
}

/** @throws NotFoundError `E_UNKNOWN_APPROVAL` */
export async function readApproval(db: Scope, id: number): Promise<KeptApproval> {
  const [found] = await readApprovals(db, 'a.id = :id', { id });
  if (!found) throw new NotFoundError('E_UNKNOWN_APPROVAL', `There is no request for an approval ${id}.`);
  return found;
}

/**
 * The same, locked until the transaction ends: whoever decides it, joins it or waits for it does so one after the other. Campaigns are
 * locked before their requests. @throws NotFoundError `E_UNKNOWN_APPROVAL`
 */
export async function lockApproval(tx: Scope, id: number): Promise<KeptApproval> {
  await tx.get(`SELECT id FROM marketing_approvals WHERE tenant_id = :tenant AND id = :id ${tx.dialect.forUpdate}`, {
    id,
  });
  return readApproval(tx, id);
}

/** The last request for something, locked; undefined when nobody has asked. */
export async function lockLatest(tx: Scope, campaign: number, subject: string): Promise<KeptApproval | undefined> {
  const row = await tx.get<{ id: number }>(
    `SELECT id FROM marketing_approvals WHERE tenant_id = :tenant AND campaign_id = :campaign AND subject = :subject
     ORDER BY round DESC LIMIT 1 ${tx.dialect.forUpdate}`,
    { campaign, subject },
  );
  return row ? readApproval(tx, row.id) : undefined;
}

/** What is written of a new request. */
export interface NewApproval {
  readonly campaign: number;
  readonly subject: string;
  readonly station?: number;
  readonly run: number;
  readonly round: number;
  readonly terms: SettledTerms;
  readonly fingerprint: Fingerprint;
  readonly audience?: number;
  readonly requestedBy: string;
  readonly owner?: string;
  readonly comment?: string;
}

/** Writes a request; undefined when somebody else has written this round of it at the same moment. */
export async function insertApproval(tx: Scope, fresh: NewApproval): Promise<number | undefined> {
  const { terms, fingerprint } = fresh;
  const now = tx.clock.now();
  const { dialect } = tx;
  const written = await tx.run(
    `${dialect.insertCounted} INTO marketing_approvals
       (tenant_id, campaign_id, subject, run, round, station_id, state, strategy, quorum, hash, parts, audience, requested_by,
        requested_at, owner, comment, due_at, remind_every, next_reminder_at, escalates)
     VALUES (:tenant, :campaign, :subject, :run, :round, :station, 'pending', :strategy, :quorum, :hash, :parts, :audience, :by,
        :now, :owner, :comment, :due, :every, :reminder, :escalates) ${dialect.countedTail}`,
    {
      campaign: fresh.campaign,
      subject: fresh.subject,
      run: fresh.run,
      round: fresh.round,
      station: fresh.station ?? null,
      strategy: terms.strategy,
      quorum: terms.quorum ?? null,
      hash: fingerprint.hash,
      parts: JSON.stringify(fingerprint.parts),
      audience: fresh.audience ?? null,
      by: storable(fresh.requestedBy, 128),
      now,
      owner: fresh.owner ?? null,
      comment: fresh.comment ?? null,
      due: terms.timeoutMs === undefined ? null : now + terms.timeoutMs,
      every: terms.remindEveryMs ?? null,
      reminder: terms.remindEveryMs === undefined ? null : now + terms.remindEveryMs,
      escalates: terms.escalates ? 1 : 0,
    },
  );
  if (written === 0) return undefined;
  const row = await tx.get<{ id: number }>(
    `SELECT id FROM marketing_approvals
     WHERE tenant_id = :tenant AND campaign_id = :campaign AND subject = :subject AND round = :round`,
    { campaign: fresh.campaign, subject: fresh.subject, round: fresh.round },
  );
  if (row) await insertSeats(tx, row.id, terms.seats);
  return row?.id;
}

async function insertSeats(tx: Scope, approval: number, seats: readonly EmptySeat[]): Promise<void> {
  const json = tx.dialect.name === 'postgres' ? '::jsonb' : '';
  const columns = { place: 'int', of_kind: 'text', who: 'text', of_team: 'text', addresses: 'text' } as const;
  await tx.run(
    `INSERT INTO marketing_approval_seats (tenant_id, approval_id, seat, kind, approver, team, emails, version)
     SELECT :tenant, :approval, r.place, r.of_kind, r.who, r.of_team, r.addresses${json}, 1
     FROM ${tx.dialect.rows('rows', columns, 'r')} WHERE 1 = 1`,
    {
      approval,
      rows: JSON.stringify(
        seats.map(({ kind, approver, team, emails }, place) => [
          ...[place, kind, approver, team ?? null],
          emails ? JSON.stringify(emails) : null,
        ]),
      ),
    },
  );
}

async function readSeats(db: Scope, approvals: readonly number[]): Promise<Map<number, KeptSeat[]>> {
  const seats = new Map<number, KeptSeat[]>();
  if (approvals.length === 0) return seats;
  const rows = await db.all<SeatRow>(
    `SELECT s.approval_id, s.seat, s.kind, s.approver, s.team, s.emails, s.decision, s.voted_by, s.voted_at, s.comment, s.version
     FROM ${db.dialect.rows('rows', { approval: 'int' }, 'r')}
     ${db.dialect.join} marketing_approval_seats s ON s.approval_id = r.approval AND s.tenant_id = :tenant
     ORDER BY s.approval_id, s.seat`,
    { rows: JSON.stringify(approvals.map((id) => [id])) },
  );
  for (const row of rows) seats.set(row.approval_id, [...(seats.get(row.approval_id) ?? []), seatOf(row)]);
  return seats;
}

function seatOf(row: SeatRow): KeptSeat {
  return {
    seat: row.seat,
    kind: row.kind,
    approver: row.approver,
    ...(row.team === null ? {} : { team: row.team }),
    ...(row.decision === null ? {} : { decision: row.decision }),
    ...(row.voted_by === null ? {} : { votedBy: row.voted_by }),
    ...(row.voted_at === null ? {} : { votedAt: row.voted_at }),
    ...(row.comment === null ? {} : { comment: row.comment }),
    version: row.version,
    emails: parseJson<string[]>(row.emails, []),
  };
}

function approvalOf(row: Row, seats: readonly KeptSeat[]): KeptApproval {
  return {
    id: row.id,
    campaign: row.campaign_id,
    subject: row.station_id === null ? 'launch' : 'station',
    run: row.run,
    round: row.round,
    state: row.state,
    strategy: row.strategy,
    hash: row.hash,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    reminders: row.reminders,
    seats,
    version: row.version,
    parts: parseJson<Partial<Fingerprint['parts']>>(row.parts, {}),
    escalates: row.escalates === 1,
    ...(row.owner === null ? {} : { owner: row.owner }),
    ...(row.station_id === null ? {} : { station: row.station_id }),
    ...(row.step === null ? {} : { step: row.step }),
    ...(row.quorum === null ? {} : { quorum: row.quorum }),
    ...(row.audience === null ? {} : { audience: row.audience }),
    ...(row.comment === null ? {} : { comment: row.comment }),
    ...(row.due_at === null ? {} : { dueAt: row.due_at }),
    ...(row.remind_every === null ? {} : { remindEvery: row.remind_every }),
    ...(row.next_reminder_at === null ? {} : { nextReminderAt: row.next_reminder_at }),
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...(row.decided_at === null ? {} : { decidedAt: row.decided_at }),
    ...(row.reason === null ? {} : { reason: row.reason }),
  };
}

/** A request as anybody may see it. */
export function shown({
  station: _station,
  owner: _owner,
  parts: _parts,
  remindEvery: _every,
  escalates: _escalates,
  ...approval
}: KeptApproval): Approval {
  return { ...approval, seats: approval.seats.map(({ emails: _emails, ...seat }) => seat) };
}
