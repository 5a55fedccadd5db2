import type { Campaign } from '../../campaigns';
import type { Scope } from '../../store';
import type { Timers } from '../../timers';
import type { LinkSigner } from './links';

/** What approvals need of their surroundings. */
export interface ApprovalDeps {
  readonly scope: Scope;
  readonly timers: Timers;
  /** How many people a launch would enter now. */
  countAudience?(campaign: Campaign): Promise<number>;
  /** People at a station have been told to go on. */
  wakeStation(station: number): void;
  /** Makes and reads the links that decide. */
  readonly signer?: LinkSigner;
  /** Told of what went wrong after a commit; it is made up for later. */
  warn(text: string): void;
}
