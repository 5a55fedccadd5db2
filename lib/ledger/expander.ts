import type { Clock } from '../clock';
import { messageOf } from '../errors';
import type { Scope } from '../store';
import type { LedgerLog } from './host';
import { expandPage, openExpansions, type Expansion } from './sql/enroll';
import type { AudiencePage } from './types';

/** Leads that are enrolled in one transaction: a few milliseconds of work. */
const PAGE = 1_000;

interface ExpanderHost {
  scope: Scope;
  clock: Clock;
  log: LedgerLog;
  audience(campaign: number, after: number, limit: number): Promise<AudiencePage>;
  /** True when this runtime has the station. */
  serves(station: number): boolean;
  /** Called when people were put at a station. */
  entered(station: number): void;
}

/**
 * Writes the audiences of launched campaigns page by page. The campaign's row holds the cursor, so a crash, a pause or
 * a second runtime neither skips nor repeats anybody.
 */
export class Expander {
  private running: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  constructor(private readonly host: ExpanderHost) {}

  /** Starts (or has the running pass look again); does not wait. */
  poke(): void {
    this.again = true;
    this.running ??= this.loop().finally(() => {
      this.running = undefined;
      // Somebody may have asked after the last look and before this line.
      if (this.again && !this.stopped) this.poke();
    });
  }

  /** Works until no audience is left to write. */
  async run(): Promise<void> {
    this.poke();
    await this.running;
  }

  get busy(): boolean {
    return this.running !== undefined;
  }

  async idle(): Promise<void> {
    await this.running;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async loop(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false;
      try {
        for (const expansion of await openExpansions(this.host.scope)) {
          if (this.host.serves(expansion.expand_station_id)) await this.tryToExpand(expansion);
        }
      } catch (error) {
        this.host.log.error(`Writing audiences failed and goes on with the next sweep: ${messageOf(error)}`);
      }
    }
  }

  /** One campaign whose audience cannot be read (a broken segment) does not keep the others waiting. */
  private async tryToExpand(expansion: Expansion): Promise<void> {
    try {
      await this.expand(expansion);
    } catch (error) {
      this.host.log.error(
        `Writing the audience of campaign ${expansion.id} failed and goes on with the next sweep: ${messageOf(error)}`,
      );
    }
  }

  private async expand(expansion: Expansion): Promise<void> {
    let cursor = expansion.expanding_from;
    while (!this.stopped) {
      const { leads, last } = await this.host.audience(expansion.id, cursor, PAGE);
      const entered = await expandPage(
        this.host.scope,
        { ...expansion, expanding_from: cursor },
        leads,
        last,
        this.host.clock.now(),
      );
      if (entered === undefined) return;
      if (entered > 0) this.host.entered(expansion.expand_station_id);
      if (last === undefined) return;
      cursor = last;
    }
  }
}
