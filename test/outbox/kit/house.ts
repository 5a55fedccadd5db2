import { VirtualClock } from '../../../lib/clock';
import { announce, Dispatcher, Outbox, Webhooks, type Announcement, type DispatcherDeps } from '../../../lib/outbox';
import type { Scope, Store } from '../../../lib/store';
import type { TestDatabase } from '../../kit/databases';
import { startReceiver, type Receiver } from './receiver';

/** One tenant's side of the outbox. */
export interface Tenant {
  readonly scope: Scope;
  readonly webhooks: Webhooks;
  readonly outbox: Outbox;
  announce(...announcements: Announcement[]): Promise<void>;
}

/** A database with tenants, dispatchers and receivers; everything is closed with it. */
export class House {
  readonly warnings: string[] = [];
  private readonly closers: (() => Promise<void>)[] = [];

  private constructor(
    readonly db: TestDatabase,
    readonly store: Store,
    readonly clock: VirtualClock,
  ) {}

  static async open(db: TestDatabase): Promise<House> {
    const clock = new VirtualClock();
    return new House(db, await db.open({ clock }), clock);
  }

  tenant(id = 'acme', store = this.store): Tenant {
    const scope = store.tenant(id);
    return {
      scope,
      webhooks: new Webhooks(scope, { allowPrivate: true }),
      outbox: new Outbox(scope, { log: { warn: (text) => this.warnings.push(text) } }),
      announce: (...announcements) => scope.transaction((tx) => announce(tx, announcements)),
    };
  }

  /** Posts a tenant's deliveries; retries have no jitter, and a day of the clock is no 17,280 looks at the database. */
  dispatcher(scope: Scope, deps: DispatcherDeps = {}): Dispatcher {
    const warn = (text: string): void => void this.warnings.push(text);
    const dispatcher = new Dispatcher(scope, {
      allowPrivate: true,
      random: () => 0.5,
      pollMs: 3_600_000,
      log: { warn },
      ...deps,
    });
    this.closers.push(() => dispatcher.close(0));
    dispatcher.start();
    return dispatcher;
  }

  async receiver(): Promise<Receiver> {
    const receiver = await startReceiver();
    this.closers.push(() => receiver.close());
    return receiver;
  }

  async close(): Promise<void> {
    for (const close of this.closers) {
      const closing = close();
      await this.clock.advance(1);
      await closing;
    }
  }
}

export const LAUNCHED: Announcement = { type: 'marketing.campaign.launched', data: { campaign: 1 } };
export const CREATED: Announcement = { type: 'marketing.lead.created', data: { lead: 7 } };
