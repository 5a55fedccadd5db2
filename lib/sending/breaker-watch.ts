import { releaseCampaigns } from '../campaigns';
import type { Account } from '../channels';
import type { StationHandle } from '../ledger';
import type { Asides } from './asides';
import type { SendDeps } from './types';

/** What the watch needs of its station. */
export interface WatchHooks {
  station(): StationHandle | undefined;
  /** Puts whom it has not begun with back into the ledger's queue; their campaigns. */
  giveBack(): Iterable<number>;
  /** The account takes messages again, or one for a trial. */
  wake(): void;
}

/** Follows the account's breaker: campaigns are told why they stand still, and released when the account can be reached. */
export class BreakerWatch {
  private released = false;
  private readonly stopListening: () => void;

  constructor(
    private readonly account: Account,
    private readonly deps: Pick<SendDeps, 'scope' | 'hold'>,
    private readonly asides: Asides,
    private readonly hooks: WatchHooks,
  ) {
    this.stopListening = account.breaker.on((event) => {
      if (event.type === 'open') asides.inTurn(() => this.hold(event.reason), 'holding campaigns');
      if (event.type === 'close') asides.inTurn(() => this.release(), 'releasing campaigns');
      if (event.type !== 'open') hooks.wake();
    });
  }

  /** A former station of this account, in this process or another, may have left word and gone before it was over. */
  begin(): void {
    if (this.released || this.account.breaker.state !== 'closed') return;
    this.released = true;
    this.asides.inTurn(() => this.release(), 'releasing campaigns');
  }

  stop(): void {
    this.stopListening();
  }

  /** The account cannot be reached: gives back whom it has not begun with, and says so on the campaigns. */
  private async hold(reason: string): Promise<void> {
    const held = new Set(this.hooks.giveBack());
    const station = this.hooks.station();
    if (!station) return;
    const rows = await this.deps.scope.background((db) =>
      db.all<{ campaign_id: number }>(
        `SELECT DISTINCT campaign_id FROM marketing_steps
         WHERE tenant_id = :tenant AND station_id = :station AND state IN ('waiting', 'working')`,
        { station: station.id },
      ),
    );
    for (const { campaign_id } of rows) held.add(campaign_id);
    // That may have taken a while.
    if (this.account.breaker.state === 'closed') return;
    await this.deps.hold([...held], `${this.account.key}: ${reason}`);
  }

  /** The account can be reached: takes back what any of its stations has said about this definition's campaigns. */
  private async release(): Promise<void> {
    const station = this.hooks.station();
    if (!station) return;
    const { definition } = station.spec;
    await releaseCampaigns(this.deps.scope, { definition, by: this.account.key });
  }
}
