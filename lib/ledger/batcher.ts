/** How a {@link Batcher} lets small groups grow. */
export interface Gathering {
  /** The longest that anybody waits for company, ms. */
  readonly ms: number;
  /** Starts a timer (see Clock.after). */
  after(ms: number, fn: () => void): () => void;
  /** True when so many are worth a group of their own, or nobody else is to be expected soon. */
  enough(queued: number): boolean;
}

/**
 * Group commit: calls that come in at the same moment are worked off together.
 *
 * The first call of a group schedules the work for the next turn of the event loop; while a group is being written,
 * the next one gathers. Under load the groups grow by themselves up to `limit`; a single call waits for nobody.
 * Each caller gets the outcome of its own item; when the whole group fails, everybody in it gets the error.
 */
export class Batcher<Item, Outcome> {
  private queue: { item: Item; resolve: (outcome: Outcome) => void; reject: (error: unknown) => void }[] = [];
  private scheduled = false;
  private running: Promise<void> = Promise.resolve();
  private cancelWait: (() => void) | undefined;

  /**
   * @param work  gets the items of one group, gives back one outcome (or an Error) for each, in their order
   * @param limit items in a group at most
   * @param gathering lets small groups wait a little for company; without it nobody waits
   */
  constructor(
    private readonly work: (items: Item[]) => Promise<(Outcome | Error)[]>,
    private readonly limit = 500,
    private readonly gathering?: Gathering,
  ) {}

  /** Adds an item; resolves with its outcome once its group is done. */
  add(item: Item): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.queue.push({ item, resolve, reject });
      this.schedule();
    });
  }

  get busy(): boolean {
    return this.scheduled || this.queue.length > 0;
  }

  /** Resolves when everything added so far is done. */
  async idle(): Promise<void> {
    while (this.busy) {
      if (!this.scheduled) this.start();
      await this.running;
      if (this.busy) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  private schedule(): void {
    if (this.scheduled || this.queue.length === 0) return;
    if (this.ripe()) this.start();
    else this.cancelWait ??= this.gathering?.after(this.gathering.ms, () => this.start());
  }

  private ripe(): boolean {
    return this.gathering === undefined || this.gathering.enough(this.queue.length);
  }

  private start(): void {
    this.cancelWait?.();
    this.cancelWait = undefined;
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.running = this.drain();
    });
  }

  private async drain(): Promise<void> {
    // An idle() may have started it for nobody, and whoever waits for company may have found it meanwhile.
    for (let first = true; this.queue.length > 0 && (first || this.ripe()); first = false) {
      const group = this.queue.splice(0, this.limit);
      try {
        const outcomes = await this.work(group.map(({ item }) => item));
        group.forEach(({ resolve, reject }, index) => {
          const outcome = outcomes[index];
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome as Outcome);
        });
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.scheduled = false;
    this.schedule();
  }
}
