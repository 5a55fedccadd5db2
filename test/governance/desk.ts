/**
 * One tenant's open data with a journey: a trigger, an approval station, and whatever comes behind it. Stations are attached by hand, as the
 * nodes do it, so that no Node-RED is needed.
 */
import { openMarketing, type Marketing, type MarketingOptions } from '../../lib';
import type { Principal, Role } from '../../lib/access';
import { VirtualClock } from '../../lib/clock';
import { WAIT_MS, type ApprovalOutcome, type ApprovalTerms } from '../../lib/governance';
import type { Person, StationHandle } from '../../lib/ledger';
import type { TestDatabase } from '../kit/databases';

export const NOON = Date.UTC(2026, 2, 1, 12);

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function person(id: string, roles: Role[] = ['approver'], more: Partial<Principal> = {}): Principal {
  return { id, roles, ...more };
}

export class Desk {
  readonly clock = new VirtualClock(NOON);
  marketing!: Marketing;
  /** Who came out of the approval station, by output. */
  readonly out: { port: number; lead: number; outcome: ApprovalOutcome }[] = [];
  /** People whom the trigger has let go, kept back while the door is closed. */
  private held: Person[] = [];
  doorOpen = true;
  private gate: StationHandle | undefined;
  terms: ApprovalTerms = { approvers: [{ kind: 'user', approver: 'ann' }] };

  constructor(private readonly db: TestDatabase) {}

  async open(options: Partial<MarketingOptions> = {}): Promise<void> {
    this.marketing = await openMarketing({
      database: { url: this.db.url() },
      tenant: 'acme',
      clock: this.clock,
      logger: { error: console.log, warn: console.log },
      // Hours pass here, and each round of the watchdog takes real time.
      sweepMs: 1_800_000,
      transitMs: 7_200_000,
      ...options,
    });
  }

  async people(count: number): Promise<void> {
    const { scope } = this.marketing;
    await scope.run(
      `INSERT INTO marketing_leads (tenant_id, email, name, country, score, attributes, created_at, updated_at)
       SELECT :tenant, r.address, r.address, 'US', 0, ${scope.dialect.name === 'postgres' ? `'{}'::jsonb` : `'{}'`}, 0, 0
       FROM ${scope.dialect.rows('rows', { address: 'text' }, 'r')} WHERE 1 = 1`,
      { rows: JSON.stringify(Array.from({ length: count }, (_, at) => [`lead${at}@example.org`])) },
    );
  }

  /** Deploys the journey and puts its stations to work. */
  async deploy(sends = 'hash-1'): Promise<void> {
    const { definitions, ledger, approvals } = this.marketing;
    const station = { forks: false, hash: 'h' };
    await definitions.deploy('flow', [
      {
        key: 'journey',
        name: 'Journey',
        entry: 'start',
        entryMode: 'launch',
        onUnknown: 'hold',
        stations: [
          { ...station, step: 'start', kind: 'trigger', node: 'n1' },
          { ...station, step: 'gate', kind: 'approval', node: 'n2', config: { approval: { ...this.terms } } },
          { ...station, step: 'mail', kind: 'send', node: 'n3', hash: sends },
        ],
        body: { sends },
      },
    ]);
    this.gate = await ledger.attach({
      definition: 'journey',
      step: 'gate',
      kind: 'approval',
      wired: () => true,
      carries: true,
      arrived: (tx, steps) => approvals.arrived(tx, steps),
      emit: (port, people) => {
        for (const { lead, journey, outcome } of people) {
          this.out.push({ port, lead: lead.id, outcome: outcome as ApprovalOutcome });
          void ledger.end(journey, 'done').catch(() => undefined);
        }
      },
    });
    await ledger.attach({
      definition: 'journey',
      step: 'start',
      kind: 'trigger',
      wired: () => true,
      emit: (_port, people) => {
        this.held.push(...people);
        if (this.doorOpen) void this.letIn();
      },
    });
  }

  /** Lets those in who stand before the approval station. */
  async letIn(most = Infinity): Promise<void> {
    const people = this.held.splice(0, most);
    await Promise.all(
      people.map(async ({ journey }) => this.gate?.arrive({ journey, dueAt: this.clock.now() + WAIT_MS, port: 2 })),
    );
  }

  /** Until nothing rings and nothing moves any more. */
  async settled(): Promise<void> {
    const { ledger, timers } = this.marketing;
    for (let quiet = 0; quiet < 3; quiet++) {
      while ((await timers.list()).some(({ ringing }) => ringing)) await tick();
      await ledger.idle();
      await tick();
    }
  }

  /** Lets time pass, from ring to ring: it stands still while one is worked on. */
  async advance(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    for (let now = this.clock.now(); now < end; now = this.clock.now()) {
      const [soonest] = await this.marketing.timers.list();
      await this.clock.advanceTo(Math.min(end, Math.max(now + 1, soonest?.at ?? end)));
      await this.settled();
    }
  }

  async waiting(): Promise<number> {
    const row = await this.marketing.scope.get<{ n: number }>(
      `SELECT COUNT(*) AS n FROM marketing_steps s JOIN marketing_stations t ON t.tenant_id = :tenant AND t.id = s.station_id
       WHERE s.tenant_id = :tenant AND t.step = 'gate' AND s.state IN ('waiting', 'paused') AND s.due_at > :now`,
      { now: this.clock.now() },
    );
    return Number(row?.n ?? 0);
  }

  /** Events of requests in the history, with who did it. */
  async history(): Promise<string[]> {
    const rows = await this.marketing.scope.all<{ event: string; actor: string }>(
      `SELECT event, actor FROM marketing_history WHERE tenant_id = :tenant AND event LIKE 'approval.%' ORDER BY id`,
    );
    return rows.map(({ event, actor }) => `${event.replace('approval.', '')} by ${actor}`);
  }
}
