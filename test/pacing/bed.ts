import { VirtualClock } from '../../lib/clock';
import { PacingGate, type SendRules, type TenantSendRules } from '../../lib/pacing';
import type { GateVerdict, SendCandidate } from '../../lib/sending';
import type { Scope, Store } from '../../lib/store';
import { campaignRow } from '../kit/campaign-rows';
import type { TestDatabase } from '../kit/databases';

/** Somebody who waits at a send station, as the gate sees them. */
export interface Waiting {
  readonly step: number;
  readonly lead: number;
  readonly campaign: number;
  readonly enrollment: number;
  readonly createdAt: number;
  dueAt: number;
  /** How often the gate was asked. */
  asked: number;
}

/** Somebody's message that was let through. */
export interface Left {
  readonly at: number;
  readonly person: Waiting;
}

export interface LeadPlace {
  readonly timeZone?: string;
  readonly country?: string;
}

/** The gate over rows: leads, campaigns and messages, without a ledger. */
export class Bed {
  readonly gate = new PacingGate();
  private nextStep = 1;
  private addresses = 0;

  private constructor(
    readonly clock: VirtualClock,
    readonly store: Store,
    readonly scope: Scope,
  ) {}

  static async open(db: TestDatabase, at = Date.UTC(2026, 5, 17, 12)): Promise<Bed> {
    const clock = new VirtualClock(at);
    const store = await db.open({ clock });
    return new Bed(clock, store, store.tenant('test'));
  }

  async tenantRules(rules: TenantSendRules): Promise<void> {
    await this.scope.run(
      `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, 'send_rules', :value, 0)
       ${this.store.dialect.upsertTail(['tenant_id', 'name'], ['value'])}`,
      { value: JSON.stringify(rules) },
    );
  }

  async campaign(key: string, rules: SendRules = {}): Promise<number> {
    const id = await campaignRow(this.scope, { key, state: 'active' });
    await this.scope.run(
      `UPDATE marketing_campaigns SET send_rules = :rules, message_category = :category WHERE tenant_id = :tenant AND id = :id`,
      { id, rules: JSON.stringify(rules), category: rules.category ?? null },
    );
    return id;
  }

  async leads(places: readonly LeadPlace[]): Promise<number[]> {
    const { dialect } = this.store;
    await this.scope.run(
      `INSERT INTO marketing_leads (tenant_id, email, name, country, time_zone, score, attributes, created_at, updated_at)
       SELECT :tenant, r.address, '', r.land, r.of_zone, 0, ${dialect.name === 'postgres' ? `'{}'::jsonb` : `'{}'`}, 0, 0
       FROM ${dialect.rows('rows', { address: 'text', land: 'text', of_zone: 'text' }, 'r')} WHERE 1 = 1`,
      {
        rows: JSON.stringify(
          places.map(({ timeZone, country }) => [
            `lead${++this.addresses}@example.com`,
            country ?? null,
            timeZone ?? null,
          ]),
        ),
      },
    );
    const rows = await this.scope.all<{ id: number }>(
      `SELECT id FROM marketing_leads WHERE tenant_id = :tenant ORDER BY id DESC LIMIT ${places.length}`,
    );
    return rows.map(({ id }) => id).reverse();
  }

  /** People who have just come to the send station. */
  people(campaign: number, leads: readonly number[]): Waiting[] {
    const now = this.clock.now();
    return leads.map((lead) => {
      const step = this.nextStep++;
      return { step, lead, campaign, enrollment: step, createdAt: now, dueAt: now, asked: 0 };
    });
  }

  /** Asks the gate about some, and writes a message for each who may go, as marking does. */
  async ask(
    people: readonly Waiting[],
    scope = this.scope,
    channel = 'email',
  ): Promise<ReadonlyMap<number, GateVerdict>> {
    return scope.transaction(async (tx) => {
      const verdicts = await this.gate.check(
        tx,
        people.map((person) => candidateOf(person, channel)),
      );
      const going = people.filter(({ step }) => !verdicts.has(step));
      await writeMessages(tx, going, channel, 'sending');
      return verdicts;
    });
  }

  /** Writes that these messages were sent now. */
  async sent(people: readonly Waiting[], channel = 'email'): Promise<void> {
    await writeMessages(this.scope, people, channel, 'sent');
  }

  /**
   * Lets workers take people as they come due until nobody waits, or until a time. Each worker asks about its own group at the same
   * moment as the others; timers ring up to `late` ms late.
   */
  async work(
    queue: Waiting[],
    {
      scopes = [this.scope],
      group = 64,
      late = () => 0,
      until = Infinity,
    }: {
      scopes?: readonly Scope[];
      group?: number;
      late?: () => number;
      until?: number;
    } = {},
  ): Promise<{ left: Left[]; suppressed: Waiting[] }> {
    const left: Left[] = [];
    const suppressed: Waiting[] = [];
    while (queue.length > 0) {
      queue.sort((a, b) => a.dueAt - b.dueAt || a.step - b.step);
      const due = Math.max(this.clock.now(), queue[0]?.dueAt ?? 0);
      if (due > until) break;
      await this.clock.advanceTo(Math.max(this.clock.now(), due + (due > this.clock.now() ? late() : 0)));
      const now = this.clock.now();
      const ready = queue.filter(({ dueAt }) => dueAt <= now).slice(0, group * scopes.length);
      const shares = scopes.map((_, worker) => ready.filter((__, index) => index % scopes.length === worker));
      const answers = await Promise.all(
        shares.map(async (share, worker) => (share.length === 0 ? new Map() : this.ask(share, scopes[worker]))),
      );
      for (const [worker, share] of shares.entries()) {
        for (const person of share) {
          person.asked++;
          const verdict: GateVerdict | undefined = answers[worker]?.get(person.step) as GateVerdict | undefined;
          if (verdict?.kind === 'later') person.dueAt = verdict.at;
          else {
            queue.splice(queue.indexOf(person), 1);
            if (verdict) suppressed.push(person);
            else left.push({ at: now, person });
          }
        }
      }
    }
    return { left, suppressed };
  }
}

function candidateOf(person: Waiting, channel: string): SendCandidate {
  const { step: id, lead, campaign, enrollment, dueAt, createdAt } = person;
  return {
    step: { id, lead, campaign, enrollment, dueAt, createdAt, attempt: 1, crashes: 0, owner: 'test' },
    channel,
    account: 'shop',
    variant: '',
    costMicros: 0,
  };
}

async function writeMessages(tx: Scope, people: readonly Waiting[], channel: string, state: string): Promise<void> {
  if (people.length === 0) return;
  const { dialect } = tx;
  await tx.run(
    `INSERT INTO marketing_messages
       (tenant_id, step_id, campaign_id, enrollment_id, lead_id, channel, account, address, message_key, content_id, variant, state, attempt, sending_at, settled_at, cost_micros)
     SELECT :tenant, r.step, r.campaign, r.enrollment, r.lead, :channel, 'shop', '', '', 1, '', :state, 1, :now, ${state === 'sending' ? 'NULL' : ':now'}, 0
     FROM ${dialect.rows('rows', { step: 'int', campaign: 'int', enrollment: 'int', lead: 'int' }, 'r')} WHERE 1 = 1
     ${dialect.upsertTail(['step_id'], ['state', 'settled_at'])}`,
    {
      channel,
      state,
      now: tx.clock.now(),
      rows: JSON.stringify(people.map(({ step, campaign, enrollment, lead }) => [step, campaign, enrollment, lead])),
    },
  );
}

/** The most that left within any span of so many ms. */
export function mostWithin(times: readonly number[], ms: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while ((sorted[last] ?? 0) - (sorted[first] ?? 0) >= ms) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** Numbers from 0 to 1, the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
