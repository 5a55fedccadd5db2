import type { Clock } from '../clock';

/** What is known is good for so long, ms (NFR: figures are at most five seconds old). */
const FRESH_MS = 5_000;
/** Finding it out takes at most this share of the time. */
const SHARE = 0.1;
/** Questions that are remembered; the ones asked longest ago are forgotten. */
const MOST = 500;

interface Known<T> {
  value?: T;
  /** When it may be found out again. */
  again: number;
  finding?: Promise<void>;
}

/**
 * Answers that take long to find out: given as they were lately, and found out anew in the background when they are asked for.
 */
export class Lately<T> {
  private readonly answers = new Map<string, Known<T>>();

  constructor(
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** The last answer, without asking. */
  last(question: string): T | undefined {
    return this.answers.get(question)?.value;
  }

  /** The last answer; the first one is waited for. Undefined when it could not be found out. */
  async first(question: string, find: () => Promise<T>): Promise<T | undefined> {
    const known = this.ask(question, find);
    if (known !== undefined) return known;
    await this.answers.get(question)?.finding;
    return this.last(question);
  }

  /** The last answer, or undefined when there is none yet. */
  ask(question: string, find: () => Promise<T>): T | undefined {
    const known = this.answers.get(question) ?? { again: 0 };
    // Put at the end: Map keeps the order.
    this.answers.delete(question);
    this.answers.set(question, known);
    const [oldest] = this.answers.keys();
    if (this.answers.size > MOST && oldest !== undefined) this.answers.delete(oldest);
    if (!known.finding && this.clock.now() >= known.again) known.finding = this.find(known, find);
    return known.value;
  }

  /** Resolves when nothing is being found out. */
  async idle(): Promise<void> {
    for (const { finding } of [...this.answers.values()]) await finding;
  }

  private async find(known: Known<T>, find: () => Promise<T>): Promise<void> {
    const start = this.clock.monotonic();
    try {
      known.value = await find();
    } catch (error) {
      this.onError(error);
    } finally {
      const took = this.clock.monotonic() - start;
      known.again = this.clock.now() + Math.max(FRESH_MS - took, took / SHARE);
      delete known.finding;
    }
  }
}
