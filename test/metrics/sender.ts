/** A send station reduced to the rows that it writes: for tests of what is counted when they change. */
import { takeAsSent, type OnTaken } from '../../lib/campaigns/reconcile';
import type { LeasedStep } from '../../lib/ledger';
import { recoverRuntime } from '../../lib/ledger/sql/recover';
import { markSending, writeOutcomes, type MessageOutcome } from '../../lib/sending/messages';
import type { SendGate } from '../../lib/sending';
import type { Scope } from '../../lib/store';

/** People at one send station, by the numbers 0, 1, 2 … */
export class Sender {
  private readonly people: { id: number; lead: number }[] = [];
  private station = 0;
  private deaths = 0;

  constructor(
    private readonly scope: Scope,
    private readonly campaign: number,
    private readonly guards: { readonly gates?: readonly SendGate[]; readonly onTaken?: OnTaken } = {},
  ) {}

  /** Puts a person at the station. */
  async enter(lead: number): Promise<void> {
    this.station ||= await this.scope.insert(
      `INSERT INTO marketing_stations (tenant_id, definition_key, step, kind, node, hash, state, created_at, updated_at)
       VALUES (:tenant, 'journey', 'mail', 'send', 'n', 'h', 'active', 0, 0)`,
    );
    const enrollment = await this.scope.insert(
      `INSERT INTO marketing_enrollments (tenant_id, campaign_id, lead_id, run, entry_key, state, entered_at)
       VALUES (:tenant, :campaign, :lead, 1, 'run:1', 'active', 0)`,
      { campaign: this.campaign, lead },
    );
    const id = await this.scope.insert(
      `INSERT INTO marketing_steps (tenant_id, campaign_id, enrollment_id, lead_id, station_id, parent_id, state, due_at, attempt, created_at, updated_at)
       VALUES (:tenant, :campaign, :enrollment, :lead, :station, 0, 'waiting', 0, 0, 0, 0)`,
      { campaign: this.campaign, enrollment, lead, station: this.station },
    );
    this.people.push({ id, lead });
  }

  /** Begins with these people: their messages are marked `sending`. Those that are sent or done with already are left alone. */
  async begin(numbers: readonly number[], { channel = 'email', variant = '' } = {}): Promise<LeasedStep[]> {
    const now = this.scope.clock.now();
    const steps: LeasedStep[] = [];
    for (const number of numbers) {
      const person = this.people[number % this.people.length];
      if (!person || steps.some(({ id }) => id === person.id)) continue;
      const leased = await this.scope.run(
        `UPDATE marketing_steps SET state = 'working', lease_owner = 'me', attempt = 1
         WHERE tenant_id = :tenant AND id = :id AND state IN ('waiting', 'unknown', 'failed')`,
        { id: person.id },
      );
      if (leased === 0) continue;
      steps.push({
        ...person,
        campaign: this.campaign,
        enrollment: person.id,
        attempt: 1,
        crashes: 0,
        dueAt: 0,
        createdAt: 0,
        owner: 'me',
      });
    }
    const items = steps.map((step) => ({
      step,
      address: 'x@example.org',
      messageKey: String(step.id),
      contentId: 1,
      date: now,
      variant,
    }));
    const answers = await markSending(
      this.scope,
      items,
      { channel, account: 'a' },
      (_tx, leads) => Promise.resolve(new Map(leads.map((lead) => [lead, { allowed: true as const }]))),
      this.guards.gates,
    );
    const marked = steps.filter(({ id }) => {
      const answer = answers.get(id);
      return typeof answer === 'object' && 'allowed' in answer && answer.allowed;
    });
    for (const { id } of steps.filter((step) => !marked.includes(step))) {
      await this.scope.run(
        `UPDATE marketing_steps SET state = 'waiting', lease_owner = NULL WHERE tenant_id = :tenant AND id = :id`,
        { id },
      );
    }
    return marked;
  }

  /** Writes what became of them. */
  async settle(
    steps: readonly LeasedStep[],
    outcome: Omit<MessageOutcome, 'step' | 'charged'>,
    channel = 'email',
  ): Promise<void> {
    await this.scope.transaction(async (tx) => {
      await writeOutcomes(
        tx,
        channel,
        steps.map((step) => ({ step, charged: true, ...outcome })),
        this.guards.gates,
      );
      const state = { sent: 'done', failed: 'failed', unknown: 'unknown', deferred: 'waiting' }[outcome.state];
      for (const { id } of steps) {
        await tx.run(
          `UPDATE marketing_steps SET state = :state, lease_owner = NULL WHERE tenant_id = :tenant AND id = :id`,
          { id, state },
        );
      }
    });
  }

  /** The process dies while it has these in its hands; another one finds them. */
  async die(): Promise<void> {
    const now = this.scope.clock.now();
    await this.scope.run(
      `UPDATE marketing_steps SET lease_owner = :name WHERE tenant_id = :tenant AND lease_owner = 'me'`,
      { name: `dead-${++this.deaths}` },
    );
    await this.scope.run(
      `INSERT INTO marketing_runtimes (id, tenant_id, host, pid, started_at, lease_until) VALUES (:id, :tenant, 'h', 1, 0, 0)`,
      { id: `dead-${this.deaths}` },
    );
    await recoverRuntime(this.scope, { id: `dead-${this.deaths}`, now, force: true });
  }

  /** Takes messages in doubt as sent. */
  async reconcile(numbers: readonly number[]): Promise<number> {
    const ids = numbers.flatMap((number) => this.people[number % this.people.length]?.id ?? []);
    return this.scope.transaction((tx) => takeAsSent(tx, ids, this.guards.onTaken));
  }
}
