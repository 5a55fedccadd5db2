import { messageOf } from '../errors';
import type { LedgerLog } from '../ledger';

/** What a station does besides sending: holding and releasing campaigns, looking after those with dead letters. */
export class Asides {
  private underWay = 0;
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly log: LedgerLog) {}

  get busy(): boolean {
    return this.underWay > 0;
  }

  /** One after another: what was found out last is what stands in the end. */
  inTurn(work: () => Promise<void>, what: string): void {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    this.alongside(turn, what);
  }

  /** Beside everything else; a failure is logged. */
  alongside(work: Promise<void>, what: string): void {
    this.underWay++;
    work
      .catch((error: unknown) => this.log.warn(`${what} failed: ${messageOf(error)}`))
      .finally(() => {
        this.underWay--;
      });
  }
}
