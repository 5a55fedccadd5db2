/** Everything around the runtimes that are killed: the database, the mail server, the wire to it, and a look from outside. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSink, type Sink } from '../../../bench/lib/smtp-sink';
import { openMarketing, type Marketing } from '../../../lib/marketing';
import type { UnknownPolicy } from '../../../lib/types';
import { Arrivals } from './arrivals';
import { Child, type RuntimeKind } from './children';
import { SlowWire } from './slow-wire';
import { DEFINITION, type RuntimeOrder } from './words';

/** What a rig is for. */
export interface RigOptions {
  audience: number;
  policy: UnknownPolicy;
  /** Milliseconds before each answer of the mail server. */
  delay?: () => number;
  /** Default: an SQLite file of its own. */
  database?: string;
  /** With a delay station, where people wait so long. */
  waitMs?: number;
  /** Default `plain`. */
  kind?: RuntimeKind;
  /** False: the campaign is left a draft. */
  launch?: boolean;
}

export class Rig {
  private readonly children: Child[] = [];

  private constructor(
    readonly options: RigOptions,
    private readonly folder: string,
    readonly database: string,
    private readonly sink: Sink,
    private readonly wire: SlowWire,
    readonly arrivals: Arrivals,
    /** A look from outside: this process works on nothing. */
    readonly marketing: Marketing,
  ) {}

  static async open(options: RigOptions): Promise<Rig> {
    const folder = mkdtempSync(path.join(tmpdir(), 'nm-crash-'));
    const database = options.database ?? `sqlite:${path.join(folder, 'marketing.sqlite')}`;
    const record = path.join(folder, 'arrivals');
    const arrivals = new Arrivals(record);
    const sink = await startSink({ record, own: true });
    const wire = await SlowWire.open(sink.port, options.delay ?? (() => 0));
    const marketing = await openMarketing({ database: { url: database }, work: false });
    const rig = new Rig(options, folder, database, sink, wire, arrivals, marketing);
    await rig.prepare();
    return rig;
  }

  /** Starts a runtime. */
  start(order: Partial<RuntimeOrder> = {}): Child {
    const { policy, waitMs } = this.options;
    const child = new Child(
      {
        database: this.database,
        smtpPort: this.wire.port,
        folder: this.folder,
        policy,
        ...(waitMs === undefined ? {} : { waitMs }),
        ...order,
      },
      this.options.kind,
    );
    this.children.push(child);
    return child;
  }

  /** Resolves when everything that killed runtimes had written to the mail server is there. */
  quiet(): Promise<void> {
    return this.wire.quiet();
  }

  /** Waits for a number of arrivals. */
  async arrived(count: number, child: Child, withinMs?: number): Promise<void> {
    await child.until(() => this.arrivals.total() >= count, withinMs);
  }

  async close(): Promise<void> {
    for (const child of this.children) if (child.running) await child.kill();
    await this.marketing.close();
    await this.wire.close();
    await this.sink.stop();
    this.arrivals.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async prepare(): Promise<void> {
    const { scope, definitions, campaigns } = this.marketing;
    const { audience, policy, waitMs } = this.options;
    const json = scope.dialect.name === 'postgres' ? `'{}'::jsonb` : `'{}'`;
    for (let from = 1; from <= audience; from += 5_000) {
      const rows = Array.from({ length: Math.min(5_000, audience - from + 1) }, (_, index) => [
        addressOf(from + index),
        `Lead ${from + index}`,
      ]);
      await scope.run(
        `INSERT INTO marketing_leads (tenant_id, email, name, country, score, attributes, created_at, updated_at)
         SELECT :tenant, r.address, r.label, 'US', 0, ${json}, 0, 0
         FROM ${scope.dialect.rows('rows', { address: 'text', label: 'text' }, 'r')}`,
        { rows: JSON.stringify(rows) },
      );
    }
    const stations = waitMs === undefined ? ['start', 'mail'] : ['start', 'wait', 'mail'];
    await definitions.deploy('flow', [
      {
        key: DEFINITION,
        name: 'Journey',
        entry: 'start',
        entryMode: 'launch',
        onUnknown: policy,
        stations: stations.map((step) => ({ step, kind: step, node: step, hash: step, forks: false })),
        body: stations,
      },
    ]);
    await campaigns.ensure(DEFINITION);
    if (this.options.launch !== false) await campaigns.launch(DEFINITION, { approved: true });
  }
}

/** The address of the n-th lead, from 1. */
export function addressOf(n: number): string {
  return `lead${n}@example.com`;
}
