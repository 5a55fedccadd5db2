import { authorise, nameOf, type Actor } from '../../access';
import { Problems, isRecord } from '../../campaigns';
import { ConflictError, InputError, NotFoundError } from '../../errors';
import { record } from '../../history';
import type { Scope } from '../../store';
import { isSamePerson, obstacleTo } from './paths';
import { readDelegations } from './rows';
import { DEEPEST_DELEGATION, DELEGATION_SCOPES, type Delegation, type NewDelegation } from './types';

const LATEST = 8.64e15;
const MOST_LISTED = 100;

/** Which delegations to list. */
export interface DelegationQuery {
  readonly delegator?: string;
  readonly delegatee?: string;
  /** Only those that are in force now. */
  readonly active?: boolean;
  /** 1 to 100, default 20. */
  readonly limit?: number;
  /** Where the last page ended. */
  readonly before?: number;
}

/** Who acts for whom during absences (FR-P3-003). People delegate what is theirs; administrators for others, too. */
export class Delegations {
  constructor(private readonly scope: Scope) {}

  /**
   * Makes a delegation.
   * @throws InputError `E_DELEGATION` with paths, `E_DELEGATION_SELF`; ConflictError `E_DELEGATION_CYCLE`, `E_DELEGATION_DEPTH` (BR-005);
   *   NotFoundError `E_UNKNOWN_CAMPAIGN`; ForbiddenError `E_FORBIDDEN`
   */
  async create(input: NewDelegation, { actor }: { actor?: Actor } = {}): Promise<Delegation> {
    authorise(actor, 'campaign:read');
    const fresh = this.checked(input, actor);
    mayDelegateFor(actor, fresh.delegator);
    return this.scope.transaction(async (tx) => {
      await oneAtATime(tx);
      if (fresh.scope === 'campaign') await mustExist(tx, fresh.scopeId ?? '');
      const others = await readDelegations(tx, 'revoked_at IS NULL AND (ends_at IS NULL OR ends_at > :now)', {
        now: tx.clock.now(),
      });
      mustFit(fresh, others);
      const by = nameOf(actor).slice(0, 128);
      const id = await tx.insert(
        `INSERT INTO marketing_delegations
           (tenant_id, delegator, delegatee, scope, scope_id, starts_at, ends_at, reason, created_by, created_at)
         VALUES (:tenant, :delegator, :delegatee, :scope, :scopeId, :startsAt, :endsAt, :reason, :by, :now)`,
        {
          delegator: fresh.delegator,
          delegatee: fresh.delegatee,
          scope: fresh.scope,
          scopeId: fresh.scopeId ?? null,
          startsAt: fresh.startsAt,
          endsAt: fresh.endsAt ?? null,
          reason: fresh.reason ?? null,
          by,
          now: tx.clock.now(),
        },
      );
      const made = await read(tx, id);
      await record(tx, { event: 'delegation.created', actor: by, after: made });
      return made;
    });
  }

  /** Ends a delegation now; one that has been revoked stays as it is. @throws NotFoundError `E_UNKNOWN_DELEGATION` */
  async revoke(id: number, { actor }: { actor?: Actor } = {}): Promise<Delegation> {
    authorise(actor, 'campaign:read');
    return this.scope.transaction(async (tx) => {
      const before = await read(tx, id);
      mayDelegateFor(actor, before.delegator);
      const changed = await tx.run(
        `UPDATE marketing_delegations SET revoked_at = :now WHERE tenant_id = :tenant AND id = :id AND revoked_at IS NULL`,
        { id, now: tx.clock.now() },
      );
      if (changed > 0) await record(tx, { event: 'delegation.revoked', actor: nameOf(actor), before });
      return read(tx, id);
    });
  }

  /** One of them. @throws NotFoundError `E_UNKNOWN_DELEGATION` */
  async get(id: number, { actor }: { actor?: Actor } = {}): Promise<Delegation> {
    authorise(actor, 'campaign:read');
    return read(this.scope, id);
  }

  /** Delegations, the newest first. */
  async list(query: DelegationQuery = {}, { actor }: { actor?: Actor } = {}): Promise<Delegation[]> {
    authorise(actor, 'campaign:read');
    const { delegator, delegatee, active = false, limit = 20, before } = query;
    const where = [
      ...(delegator === undefined ? [] : ['delegator = :delegator']),
      ...(delegatee === undefined ? [] : ['delegatee = :delegatee']),
      ...(before === undefined ? [] : ['id < :before']),
      ...(active ? ['revoked_at IS NULL AND starts_at <= :now AND (ends_at IS NULL OR ends_at > :now)'] : []),
    ];
    return readDelegations(this.scope, `${where.join(' AND ') || '1 = 1'} ORDER BY id DESC LIMIT :most`, {
      ...(delegator === undefined ? {} : { delegator }),
      ...(delegatee === undefined ? {} : { delegatee }),
      ...(before === undefined ? {} : { before }),
      ...(active ? { now: this.scope.clock.now() } : {}),
      most: Math.min(Math.max(limit, 1), MOST_LISTED),
    });
  }

  private checked(input: NewDelegation, actor: Actor | undefined): Omit<Delegation, 'id' | 'createdBy' | 'createdAt'> {
    const problems = new Problems();
    const given: NewDelegation = isRecord(input) ? input : { delegatee: '' };
    const delegator = given.delegator ?? nameOf(actor);
    const { delegatee, scope = 'all', scopeId, startsAt = this.scope.clock.now(), endsAt, reason } = given;
    name(problems, delegator, '/delegator');
    name(problems, delegatee, '/delegatee');
    if (!DELEGATION_SCOPES.includes(scope)) problems.add('/scope', `is one of ${DELEGATION_SCOPES.join(', ')}`);
    if (scope === 'campaign' || scope === 'team') name(problems, scopeId, '/scopeId');
    else if (scopeId !== undefined) problems.add('/scopeId', 'is for the scopes campaign and team');
    moment(problems, startsAt, '/startsAt');
    if (endsAt !== undefined) {
      moment(problems, endsAt, '/endsAt');
      if (endsAt <= startsAt) problems.add('/endsAt', 'must be after startsAt');
      else if (endsAt <= this.scope.clock.now()) problems.add('/endsAt', 'is past');
    }
    if (reason !== undefined) {
      if (typeof reason !== 'string' || reason.length > 500) problems.add('/reason', 'has at most 500 characters');
      else problems.storable(reason, '/reason');
    }
    problems.refuse('E_DELEGATION', 'This delegation cannot be used');
    return {
      delegator: delegator.trim(),
      delegatee: delegatee.trim(),
      scope,
      ...(scopeId === undefined ? {} : { scopeId }),
      startsAt,
      ...(endsAt === undefined ? {} : { endsAt }),
      ...(reason === undefined ? {} : { reason }),
    };
  }
}

function name(problems: Problems, value: unknown, path: string): void {
  if (typeof value !== 'string' || value.trim() === '' || value.length > 128) {
    problems.add(path, 'must be a text of 1 to 128 characters');
  } else problems.storable(value, path);
}

function moment(problems: Problems, value: unknown, path: string): void {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || Math.abs(value) > LATEST) {
    problems.add(path, 'must be a moment in ms since 1970');
  }
}

/** @throws ForbiddenError `E_FORBIDDEN` */
function mayDelegateFor(actor: Actor | undefined, delegator: string): void {
  if (typeof actor === 'object' && !isSamePerson(actor.id, delegator)) authorise(actor, 'settings:manage');
}

/** Two that are saved at the same moment might make a circle that neither of them sees. */
async function oneAtATime(tx: Scope): Promise<void> {
  await tx.run(
    `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, 'delegations', '1', :now)
     ${tx.dialect.upsertTail(['tenant_id', 'name'], ['updated_at'])}`,
    { now: tx.clock.now() },
  );
}

/** @throws InputError `E_DELEGATION_SELF`, ConflictError `E_DELEGATION_CYCLE`, `E_DELEGATION_DEPTH` */
function mustFit(fresh: Omit<Delegation, 'id' | 'createdBy' | 'createdAt'>, others: readonly Delegation[]): void {
  const { delegator, delegatee } = fresh;
  if (isSamePerson(delegator, delegatee)) {
    throw new InputError('E_DELEGATION_SELF', 'Nobody delegates to themselves: name somebody else.');
  }
  switch (obstacleTo(fresh, others)) {
    case 'cycle':
      throw new ConflictError(
        'E_DELEGATION_CYCLE',
        `${delegatee} has delegated to ${delegator}, directly or through others: it would go round in a circle. Name somebody else, or other dates.`,
        { details: { delegator, delegatee } },
      );
    case 'depth':
      throw new ConflictError(
        'E_DELEGATION_DEPTH',
        `Things would be passed on more than ${DEEPEST_DELEGATION} times. Delegate to whoever acts in the end.`,
        { details: { delegator, delegatee, deepest: DEEPEST_DELEGATION } },
      );
    case undefined:
  }
}

async function mustExist(tx: Scope, key: string): Promise<void> {
  const row = await tx.get(
    `SELECT id FROM marketing_campaigns WHERE tenant_id = :tenant AND campaign_key = :key AND deleted_at IS NULL`,
    { key },
  );
  if (!row) throw new NotFoundError('E_UNKNOWN_CAMPAIGN', `There is no campaign "${key}".`);
}

async function read(db: Scope, id: number): Promise<Delegation> {
  const [found] = await readDelegations(db, 'id = :id', { id });
  if (!found) throw new NotFoundError('E_UNKNOWN_DELEGATION', `There is no delegation ${id}.`);
  return found;
}
