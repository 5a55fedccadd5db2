import type { Campaign } from '../../campaigns';
import { record } from '../../history';
import { announce, type AnnouncementType } from '../../outbox';
import type { Scope } from '../../store';
import type { KeptApproval } from './rows';

type Happening = 'requested' | 'voted' | 'approved' | 'rejected' | 'expired' | 'voided' | 'withdrawn' | 'reminded';

/**
 * Writes into the history what happened to a request, and announces it. Announcements name approvers by their ids; what people wrote, and
 * where they are reached, stays here.
 */
export async function tellOf(
  tx: Scope,
  what: Happening,
  approval: KeptApproval,
  {
    campaign,
    actor,
    facts = {},
    kept = {},
  }: {
    campaign: Campaign;
    actor: string;
    facts?: Readonly<Record<string, unknown>>;
    /** For the history only. */
    kept?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const payload = {
    approval: approval.id,
    subject: approval.subject,
    ...(approval.step === undefined ? {} : { step: approval.step }),
    run: approval.run,
    round: approval.round,
    ...facts,
  };
  await record(tx, { event: `approval.${what}`, campaign: campaign.id, actor, payload: { ...payload, ...kept } });
  const type: AnnouncementType = `marketing.approval.${what}`;
  await announce(tx, [
    { type, data: { ...payload, campaign: campaign.id, key: campaign.key, name: campaign.name, actor } },
  ]);
}

/** Who has not voted yet, as announcements name them. */
export function openSeats({ seats }: KeptApproval): object[] {
  return seats
    .filter(({ decision }) => decision === undefined)
    .map(({ seat, kind, approver, team }) => ({ seat, kind, approver, ...(team === undefined ? {} : { team }) }));
}
