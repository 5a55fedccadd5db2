import { isRecord, Problems, type Assignee } from '../../campaigns';
import { record } from '../../history';
import { parseJson, type Scope } from '../../store';

const NAME = 'escalation';
const MOST_LEVELS = 10;
const CAUSE = /^[a-z][a-z0-9_]{0,31}$/;

/** To whom campaigns are raised, and what raises them by itself. */
export interface EscalationSettings {
  /** The first one is the next person of a campaign that was not raised yet. */
  readonly levels: readonly Assignee[];
  /** Causes that do not raise campaigns by themselves here, such as `low_roi` or `approval_timeout`. Default: none. */
  readonly ignored?: readonly string[];
}

/** Where nothing is set: whoever may approve, then the administrators. */
const DEFAULT: EscalationSettings = {
  levels: [
    { kind: 'role', assignee: 'approver' },
    { kind: 'role', assignee: 'admin' },
  ],
};

/** The tenant's levels; the default ones where none were set. */
export async function readLevels(db: Scope): Promise<EscalationSettings> {
  const row = await db.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name`,
    { name: NAME },
  );
  return parseJson<EscalationSettings>(row?.value, DEFAULT);
}

/** Sets the tenant's levels. @throws InputError `E_ESCALATION_LEVELS` with paths */
export async function writeLevels(
  scope: Scope,
  settings: EscalationSettings,
  actor: string,
): Promise<EscalationSettings> {
  checkLevels(settings);
  return scope.transaction(async (tx) => {
    const before = await readLevels(tx);
    await tx.run(
      `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, :name, :value, :now)
       ${tx.dialect.upsertTail(['tenant_id', 'name'], ['value', 'updated_at'])}`,
      { name: NAME, value: JSON.stringify(settings), now: tx.clock.now() },
    );
    await record(tx, { event: 'settings.escalation_changed', actor, before, after: settings });
    return settings;
  });
}

/** @throws InputError `E_ESCALATION_LEVELS` with paths */
export function checkLevels(settings: EscalationSettings): void {
  const problems = new Problems();
  if (!isRecord(settings)) problems.add('', 'must be an object');
  else {
    problems.only(settings, ['levels', 'ignored'], '');
    const { levels, ignored = [] } = settings;
    if (!Array.isArray(levels) || levels.length > MOST_LEVELS) {
      problems.add('/levels', `is a list of at most ${MOST_LEVELS}`);
    } else levels.forEach((level: unknown, place) => checkAssignee(problems, level, `/levels/${place}`));
    if (!Array.isArray(ignored)) problems.add('/ignored', 'is a list of causes');
    else if (!ignored.every((cause) => typeof cause === 'string' && CAUSE.test(cause))) {
      problems.add('/ignored', 'names causes such as low_roi');
    }
  }
  problems.refuse('E_ESCALATION_LEVELS', 'These levels cannot be used');
}

/** Notes what is wrong with a user, role or team. */
export function checkAssignee(problems: Problems, value: unknown, path: string): void {
  if (!isRecord(value)) return problems.add(path, 'is an object with kind and assignee');
  problems.only(value, ['kind', 'assignee'], path);
  const { kind, assignee } = value;
  if (kind !== 'user' && kind !== 'role' && kind !== 'team') problems.add(`${path}/kind`, 'is user, role or team');
  if (typeof assignee !== 'string' || assignee.trim() === '' || assignee.length > 128) {
    problems.add(`${path}/assignee`, 'must be a text of 1 to 128 characters');
  } else problems.storable(assignee, `${path}/assignee`);
}
