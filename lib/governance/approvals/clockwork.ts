import { readCampaign } from '../../campaigns';
import { messageOf, NotFoundError } from '../../errors';
import { escalate } from '../escalation';
import type { ApprovalDeps } from './deps';
import { askAnew, wakePeople } from './people';
import { lockApproval, readApprovals, type KeptApproval } from './rows';
import { openSeats, tellOf } from './telling';
import { closeRequest } from './transitions';

const KIND = 'approval';
const PAGE = 500;
const ACTOR = 'system:approval';

/** Reminders, time-outs, and making up for what a crash has interrupted. Register before the timers start. */
export class Clockwork {
  constructor(private readonly deps: ApprovalDeps) {
    deps.timers.on(KIND, ({ key }) => this.ring(Number(key)));
  }

  /** Call after the commit that has opened, reminded or changed a request: sets its one timer. */
  async wind(approval: KeptApproval): Promise<void> {
    const next = nextMoment(approval);
    if (approval.state !== 'pending' || next === undefined) return this.deps.timers.cancel(KIND, String(approval.id));
    return this.deps.timers.set(KIND, String(approval.id), next);
  }

  /** The same, for when nobody waits for it; what fails is made up for by {@link upkeep}. */
  windSoon(approval: KeptApproval): void {
    this.wind(approval).catch((error: unknown) => this.deps.warn(`A reminder is not set yet: ${messageOf(error)}`));
  }

  /** Call once the timers have started: sets those that a crash kept from being set. */
  async recover(): Promise<void> {
    const known = new Set((await this.deps.timers.list(KIND)).map(({ key }) => key));
    for (let last = 0; ;) {
      const page = await readApprovals(
        this.deps.scope,
        `a.state = 'pending' AND a.id > :last ORDER BY a.id LIMIT ${PAGE}`,
        {
          last,
        },
      );
      for (const approval of page) {
        if (nextMoment(approval) !== undefined && !known.has(String(approval.id))) await this.wind(approval);
      }
      const end = page.at(-1);
      if (!end || page.length < PAGE) return;
      last = end.id;
    }
  }

  /** What is overdue or was interrupted: called every few seconds, and cheap when there is nothing. */
  async upkeep(): Promise<void> {
    const { scope } = this.deps;
    const now = scope.clock.now();
    const waking = await scope.all<{ id: number }>(
      `SELECT id FROM marketing_approvals WHERE tenant_id = :tenant AND waking = 1 ORDER BY id LIMIT ${PAGE}`,
    );
    for (const { id } of waking) await wakePeople(this.deps, id);
    const overdue = await scope.all<{ id: number }>(
      `SELECT id FROM marketing_approvals WHERE tenant_id = :tenant AND state = 'pending' AND due_at <= :now ORDER BY id LIMIT ${PAGE}`,
      { now },
    );
    for (const { id } of overdue) await this.ring(id);
    for (const fresh of await askAnew(this.deps)) await this.wind(fresh);
  }

  private async ring(id: number): Promise<void> {
    const { scope } = this.deps;
    let after: KeptApproval;
    try {
      after = await scope.transaction(async (tx) => {
        const approval = await lockApproval(tx, id);
        if (approval.state !== 'pending') return approval;
        const campaign = await readCampaign(tx, approval.campaign);
        const now = tx.clock.now();
        if (approval.dueAt !== undefined && approval.dueAt <= now) {
          const reason = 'nobody decided in time';
          await closeRequest(tx, approval, { campaign, state: 'expired', by: ACTOR, reason });
          if (approval.escalates && campaign.deletedAt === undefined) {
            await escalate(tx, campaign.id, {
              ...{ cause: 'approval_timeout', key: String(id), actor: ACTOR },
              reason: `the request ${id} for its approval: ${reason}`,
            });
          }
        } else if (approval.nextReminderAt !== undefined && approval.nextReminderAt <= now) {
          const every = approval.remindEvery ?? 0;
          // One reminder, however many were missed.
          const next =
            approval.nextReminderAt + Math.max(1, Math.ceil((now + 1 - approval.nextReminderAt) / every)) * every;
          await tx.run(
            `UPDATE marketing_approvals SET reminders = reminders + 1, next_reminder_at = :next WHERE tenant_id = :tenant AND id = :id`,
            { id, next },
          );
          await tellOf(tx, 'reminded', approval, {
            ...{ campaign, actor: ACTOR },
            facts: {
              reminder: approval.reminders + 1,
              ...(approval.dueAt === undefined ? {} : { dueAt: approval.dueAt }),
              approvers: openSeats(approval),
            },
          });
        }
        return lockApproval(tx, id);
      });
    } catch (error) {
      // The campaign was deleted for good, and its requests with it.
      if (error instanceof NotFoundError) return;
      throw error;
    }
    // The timer goes last: when the people cannot be woken now, it rings again.
    if (after.state === 'expired') await wakePeople(this.deps, id);
    await this.wind(after);
  }
}

function nextMoment({ dueAt, nextReminderAt }: KeptApproval): number | undefined {
  const moments = [dueAt, nextReminderAt].filter((moment) => moment !== undefined);
  return moments.length === 0 ? undefined : Math.min(...moments);
}
