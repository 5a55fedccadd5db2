import { allows, authorise, nameOf, type Actor } from '../../access';
import { ForbiddenError } from '../../errors';
import { record } from '../../history';
import { parseJson, type Scope } from '../../store';
import { checkTerms } from './terms';
import type { ApprovalTerms } from './types';

const SETTING = 'approval';

/** See `Approvals.settings`. */
export async function shownTerms(scope: Scope, actor: Actor | undefined): Promise<ApprovalTerms> {
  authorise(actor, 'campaign:read');
  const terms = await readTerms(scope);
  return allows(actor, 'settings:manage') ? terms : withoutAddresses(terms);
}

/** See `Approvals.setSettings`. @throws InputError `E_APPROVAL_TERMS` */
export async function setTerms(scope: Scope, terms: ApprovalTerms, actor: Actor | undefined): Promise<ApprovalTerms> {
  authorise(actor, 'settings:manage');
  checkTerms(terms);
  return scope.transaction(async (tx) => {
    const before = await readTerms(tx);
    await tx.run(
      `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, :name, :value, :now)
       ${tx.dialect.upsertTail(['tenant_id', 'name'], ['value', 'updated_at'])}`,
      { name: SETTING, value: JSON.stringify(terms), now: tx.clock.now() },
    );
    await record(tx, {
      ...{ event: 'settings.approval_changed', actor: nameOf(actor) },
      before: withoutAddresses(before),
      after: withoutAddresses(terms),
    });
    return terms;
  });
}

/**
 * The terms on which somebody asks: the tenant's, with what was given.
 * @throws InputError `E_APPROVAL_TERMS`; ForbiddenError `E_FORBIDDEN`, where the tenant's terms stand
 */
export async function termsFor(scope: Scope, given: ApprovalTerms, actor: Actor | undefined): Promise<ApprovalTerms> {
  checkTerms(given);
  const own = await readTerms(scope);
  if (namesAddresses(given) && !allows(actor, 'settings:manage')) {
    throw new ForbiddenError(
      'E_FORBIDDEN',
      'Links that decide are mailed to the addresses of approvers, so administrators name them: in the terms for approvals (PUT /settings/approval). Ask without emails.',
      { details: { permission: 'settings:manage' } },
    );
  }
  if (Object.keys(own).length === 0) return given;
  if (Object.keys(given).length > 0 && !allows(actor, 'settings:manage')) {
    throw new ForbiddenError(
      'E_FORBIDDEN',
      'This tenant has terms of its own for approvals (GET /settings/approval): ask without approvers, strategy and times.',
      { details: { permission: 'settings:manage' } },
    );
  }
  return { ...own, ...given };
}

async function readTerms(db: Scope): Promise<ApprovalTerms> {
  const row = await db.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name`,
    { name: SETTING },
  );
  return parseJson<ApprovalTerms>(row?.value, {});
}

function namesAddresses({ approvers }: ApprovalTerms): boolean {
  return approvers?.some(({ emails }) => emails !== undefined) ?? false;
}

function withoutAddresses({ approvers, ...terms }: ApprovalTerms): ApprovalTerms {
  if (approvers === undefined) return terms;
  return { ...terms, approvers: approvers.map(({ emails: _emails, ...approver }) => approver) };
}
