import { authorise, nameOf } from '../access';
import { record } from '../history';
import { announce } from '../outbox';
import type { Scope } from '../store';
import type { CampaignDeps } from './deps';
import { Problems } from './problems';
import { mustNotBeDeleted } from './refusals';
import { readCampaign } from './rows';
import type { ActionOptions, Assignee, Assignment } from './types';

/** Who looks after campaigns: users, roles and teams. */
export class Assignments {
  private readonly scope: Scope;

  constructor(private readonly deps: Pick<CampaignDeps, 'scope' | 'standIn'>) {
    this.scope = deps.scope;
  }

  /** Everybody that a campaign is assigned to, in the order in which they were. @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
  async list(key: number | string, { actor }: ActionOptions = {}): Promise<Assignment[]> {
    authorise(actor, 'campaign:read');
    const { id } = await readCampaign(this.scope, key);
    return read(this.scope, id);
  }

  /**
   * Assigns a campaign; once more is the same as once. A user who has delegated campaigns has it go to whoever acts for them now
   * (BR-009).
   * @throws InputError `E_ASSIGNEE`, NotFoundError `E_UNKNOWN_CAMPAIGN`, ConflictError `E_CAMPAIGN_DELETED`
   */
  async assign(key: number | string, to: Assignee, { actor }: ActionOptions = {}): Promise<Assignment[]> {
    authorise(actor, 'campaign:write');
    const { kind, assignee: meant } = checked(to);
    return this.scope.transaction(async (tx) => {
      const campaign = await readCampaign(tx, key);
      mustNotBeDeleted(campaign);
      const assignee = (kind === 'user' ? await this.deps.standIn?.(tx, meant, campaign) : undefined) ?? meant;
      const onBehalfOf = assignee === meant ? {} : { onBehalfOf: meant };
      if ((await read(tx, campaign.id)).some((one) => one.kind === kind && one.assignee === assignee)) {
        return read(tx, campaign.id);
      }
      const by = nameOf(actor);
      await tx.run(
        `${tx.dialect.insertIgnore} INTO marketing_assignments
           (tenant_id, campaign_id, kind, assignee, on_behalf_of, assigned_by, assigned_at)
         VALUES (:tenant, :campaign, :kind, :assignee, :for, :by, :now) ${tx.dialect.ignoreTail}`,
        {
          campaign: campaign.id,
          kind,
          assignee,
          for: onBehalfOf.onBehalfOf ?? null,
          by: by.slice(0, 128),
          now: tx.clock.now(),
        },
      );
      await record(tx, {
        event: 'campaign.assigned',
        campaign: campaign.id,
        actor: by,
        payload: { kind, assignee, ...onBehalfOf },
      });
      await announce(tx, [
        {
          type: 'marketing.campaign.assigned',
          data: { campaign: campaign.id, key: campaign.key, kind, assignee, ...onBehalfOf, actor: by },
        },
      ]);
      return read(tx, campaign.id);
    });
  }

  /**
   * Takes an assignment back, also by the name of whom it was meant for; one that is not there is no mistake. Throws as
   * {@link assign}.
   */
  async unassign(key: number | string, from: Assignee, { actor }: ActionOptions = {}): Promise<Assignment[]> {
    authorise(actor, 'campaign:write');
    const { kind, assignee } = checked(from);
    return this.scope.transaction(async (tx) => {
      const campaign = await readCampaign(tx, key);
      mustNotBeDeleted(campaign);
      const gone = await tx.run(
        `DELETE FROM marketing_assignments
         WHERE tenant_id = :tenant AND campaign_id = :campaign AND kind = :kind AND (assignee = :assignee OR on_behalf_of = :assignee)`,
        { campaign: campaign.id, kind, assignee },
      );
      if (gone > 0) {
        await record(tx, {
          event: 'campaign.unassigned',
          campaign: campaign.id,
          actor: nameOf(actor),
          payload: { kind, assignee },
        });
      }
      return read(tx, campaign.id);
    });
  }
}

function checked({ kind, assignee }: Assignee): Assignee {
  const problems = new Problems();
  if (!['user', 'role', 'team'].includes(kind)) problems.add('/kind', 'is user, role or team');
  if (typeof assignee !== 'string' || assignee.trim() === '' || assignee.length > 128) {
    problems.add('/assignee', 'must be a text of 1 to 128 characters');
  } else problems.storable(assignee, '/assignee');
  problems.refuse('E_ASSIGNEE', 'A campaign cannot be assigned like this');
  return { kind, assignee };
}

interface Row {
  kind: Assignee['kind'];
  assignee: string;
  on_behalf_of: string | null;
  assigned_by: string;
  assigned_at: number;
}

async function read(scope: Scope, campaign: number): Promise<Assignment[]> {
  const rows = await scope.all<Row>(
    `SELECT kind, assignee, on_behalf_of, assigned_by, assigned_at FROM marketing_assignments
     WHERE tenant_id = :tenant AND campaign_id = :campaign ORDER BY id`,
    { campaign },
  );
  return rows.map(({ kind, assignee, on_behalf_of: meant, assigned_by: assignedBy, assigned_at: assignedAt }) => ({
    kind,
    assignee,
    ...(meant === null ? {} : { onBehalfOf: meant }),
    assignedBy,
    assignedAt,
  }));
}
