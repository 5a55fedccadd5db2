import { zoneOf, type CalendarRules } from '../calendar';
import { heldUntil } from '../pacing';
import type { Scope } from '../store';
import { dueAt, type DelayPlan, type Hold, type Waiter } from './due';
import type { TenantTimes, WaitingDeps } from './types';

/** How long what the tenant has set is believed without looking again, ms. */
const TRUST_MS = 1_000;
const MINUTE_MS = 60_000;

/** When people go on: by their own clocks, and not in a closed time. */
export class Times {
  private known: { readonly at: number; readonly times: Promise<TenantTimes> } | undefined;

  constructor(
    private readonly scope: Scope,
    private readonly read: WaitingDeps['times'],
  ) {}

  /**
   * When somebody who arrived at `from` (ms) goes on, ms; undefined when the lead lacks the date that it hangs on.
   * @throws InputError E_DATE
   */
  async dueOf(plan: DelayPlan, lead: Waiter, from: number): Promise<number | undefined> {
    const times = await this.recent();
    const due = dueAt(plan.until, { from, zone: zoneOf(lead, times.timeZone).zone, lead });
    return due === undefined ? undefined : afterHold(plan.hold, lead, due, times);
  }

  /** When those who may go on at `moment` (ms) do, by what they heed; ms by lead. */
  async release(tx: Scope, leads: readonly Waiter[], hold: Hold, moment: number): Promise<Map<number, number>> {
    const times = await this.read(tx);
    return new Map(leads.map((lead) => [lead.id, afterHold(hold, lead, moment, times)]));
  }

  private async recent(): Promise<TenantTimes> {
    const now = this.scope.clock.monotonic();
    if (!this.known || now - this.known.at >= TRUST_MS) {
      const times = this.read(this.scope);
      this.known = { at: now, times };
      // One that failed is asked again.
      times.catch(() => (this.known = undefined));
    }
    return this.known.times;
  }
}

function afterHold(hold: Hold | undefined, lead: Waiter, moment: number, times: TenantTimes): number {
  if (!hold) return moment;
  const calendar: CalendarRules | undefined = hold.calendar === 'tenant' ? times.calendar : hold.calendar;
  if (!calendar) return moment;
  const releaseMs = (hold.releaseMinutes ?? times.releaseMinutes) * MINUTE_MS;
  return heldUntil(moment, zoneOf(lead, times.timeZone).zone, calendar, { releaseMs, lead: lead.id }) ?? moment;
}
