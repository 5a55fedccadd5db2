import type { AudienceReader, Campaign, CampaignDeps, Campaigns } from '../../campaigns';
import type { SealSecrets } from '../../compliance';
import { approvalLinks, Approvals, delegationPath } from '../../governance';
import type { LedgerLog } from '../../ledger';
import type { Scope } from '../../store';
import type { Timers } from '../../timers';

/** What approvals are made of. */
export interface ApprovalParts {
  readonly scope: Scope;
  readonly timers: Timers;
  readonly audiences: AudienceReader;
  readonly log: LedgerLog;
  readonly links: { readonly base: string; readonly secrets: SealSecrets };
  wakeStation(station: number): void;
}

/** The approvals of a tenant; before the timers start. */
export function approvalsOf({ scope, timers, audiences, log, links, wakeStation }: ApprovalParts): Approvals {
  return new Approvals({
    scope,
    timers,
    wakeStation,
    countAudience: async (campaign) => (await audiences.estimate(campaign)).audience,
    signer: approvalLinks(links.base, scope.tenant, links.secrets),
    warn: (text) => log.warn(text),
  });
}

/** What campaigns ask of governance. */
export function governing(
  approvals: Approvals,
  audiences: AudienceReader,
  scope: Scope,
): Pick<CampaignDeps, 'standIn' | 'launchApproval' | 'changedSinceLaunch' | 'edited' | 'countAudience'> {
  return {
    countAudience: async (campaign, enough) => {
      const leads = await leadsUpTo(scope, enough);
      return leads <= enough ? leads : (await audiences.estimate(campaign)).audience;
    },
    standIn,
    launchApproval: (campaign, people) => approvals.launchApproval(campaign, people),
    changedSinceLaunch: (campaign) => approvals.changedSinceLaunch(campaign),
    edited: (tx, campaign, actor) => approvals.changed(tx, campaign, actor),
  };
}

/** What follows for requests when campaigns go on or end. */
export function followCampaigns(campaigns: Campaigns, approvals: Approvals): void {
  for (const ending of ['complete', 'cancel', 'launch']) {
    campaigns.on('after', ending, (tx, campaign) => approvals.ended(tx, campaign));
  }
  campaigns.on('after', 'launch', (tx, campaign) => approvals.launched(tx, campaign));
  campaigns.on('after', 'resume', (tx) => tx.afterCommit(() => approvals.upkeepSoon()));
}

/** Who looks after campaigns for a user now (BR-009). */
async function standIn(tx: Scope, user: string, { key, team }: Campaign): Promise<string> {
  const matter = { kind: 'campaigns', campaign: key, ...(team === undefined ? {} : { team }) } as const;
  return (await delegationPath(tx, user, matter)).at(-1) ?? user;
}

/** Leads beyond this are not counted one by one. */
const FEW = 10_000;

/** How many leads a tenant has, or more than `most`: a look that costs nothing beside counting an audience. */
async function leadsUpTo(scope: Scope, most: number): Promise<number> {
  if (most > FEW) return Infinity;
  const row = await scope.get<{ leads: number }>(
    `SELECT COUNT(*) AS leads FROM (SELECT l.id FROM marketing_leads l WHERE l.tenant_id = :tenant LIMIT :most) AS few`,
    { most: most + 1 },
  );
  return Number(row?.leads ?? 0);
}
