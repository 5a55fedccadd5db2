import type { Clock } from '../../clock';
import { codeOf, messageOf } from '../../errors';
import type { Log } from '../log';
import type { DefinitionFacts, FlowRuntime, Reading } from './types';
import { fingerprint, weave, type Woven } from './weave';

/** How long until the databases are looked at again, ms; until a store is open, looking is cheap. */
const EVERY_MS = 3_000;
const FIRST_MS = 100;

/** What a {@link DefinitionKeeper} works with. */
export interface KeeperOptions {
  readonly flows: FlowRuntime;
  /** What the databases of the open stores say now. */
  readonly read: () => Promise<readonly Reading[]>;
  readonly clock: Clock;
  readonly log: Log;
  /** Default 3 s. */
  readonly everyMs?: number;
}

/**
 * Keeps the flows as the definitions in the database say: deploys what was saved, touching only the tabs that changed, so that
 * people inside stay where they are and keep their due times. What is broken takes nothing else down.
 */
export class DefinitionKeeper {
  private readonly deployed = new Map<string, string>();
  private readonly told = new Map<string, string>();
  private facts: readonly DefinitionFacts[] = [];
  private readonly stopped = new AbortController();
  private waiting = new AbortController();
  private again = false;
  private running: Promise<void> | undefined;
  /** What the last look saw; nothing is done until there is something else to see. */
  private seen = '';
  private opened = false;

  constructor(private readonly options: KeeperOptions) {}

  /** What became of the definitions, as of the last look. */
  get definitions(): readonly DefinitionFacts[] {
    return this.facts;
  }

  /** Looks now and from then on. */
  start(): void {
    this.running ??= this.work();
  }

  /** Looks at once: something was saved in this process. */
  poke(): void {
    this.again = true;
    this.waiting.abort();
  }

  /** Resolves when nothing is being deployed any more. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.waiting.abort();
    await this.running;
  }

  /** One look. @returns true when something was deployed */
  async look(): Promise<boolean> {
    const running = await this.options.flows.read();
    if (!running) return false;
    const readings = await this.options.read();
    this.opened = readings.length > 0;
    const sight = sightOf(running.revision, readings);
    if (sight === this.seen) return false;
    const woven = weave(running.nodes, readings);
    this.report(woven);
    const changed = this.changed(woven, running.nodes);
    if (changed) await this.options.flows.deploy(woven.nodes, running.revision);
    this.deployed.clear();
    for (const [tab, print] of woven.tabs) this.deployed.set(tab, print);
    // After a deploy there is another revision, which is looked at once more.
    this.seen = changed ? '' : sight;
    if (changed) this.options.log.info(`Definitions from the database: ${listed(woven)}.`);
    return changed;
  }

  private async work(): Promise<void> {
    const { clock, log, everyMs = EVERY_MS } = this.options;
    while (!this.stopped.signal.aborted) {
      this.again = false;
      this.waiting = new AbortController();
      try {
        await this.look();
        this.told.delete('');
      } catch (error) {
        // A deploy of somebody else came between, or the database does not answer: the next look sees what is then.
        this.tell('', `The definitions could not be deployed and are tried again: ${messageOf(error)}`, (text) =>
          log.warn(text),
        );
      }
      if (!this.again) await clock.sleep(this.opened ? everyMs : FIRST_MS, this.waiting.signal);
    }
  }

  /**
   * Whether a tab is missing, gone or another than the one deployed last. What an editor makes of a tab is left alone until
   * the definition changes: it writes the same nodes in its own way.
   */
  private changed({ tabs }: Woven, nodes: Parameters<typeof fingerprint>[0]): boolean {
    const there = new Set(nodes.map(({ id }) => id));
    for (const [tab, print] of tabs) {
      if (!there.has(tab)) return true;
      if ((this.deployed.get(tab) ?? fingerprint(nodes, tab)) !== print) return true;
    }
    return [...this.deployed.keys()].some((tab) => !tabs.has(tab) && there.has(tab));
  }

  private report({ deployed, broken, warnings }: Woven): void {
    const { log } = this.options;
    this.facts = [
      ...deployed.map(({ key, version }): DefinitionFacts => ({ key, version, state: 'deployed' })),
      ...broken.map(({ key, version, error }): DefinitionFacts => ({
        key,
        version,
        state: 'broken',
        code: codeOf(error),
      })),
    ].sort((a, b) => (a.key < b.key ? -1 : 1));
    const current = new Set(['', ...this.facts.map(({ key }) => key)]);
    for (const key of this.told.keys()) if (!current.has(key)) this.told.delete(key);
    for (const { key, version, error } of broken) {
      const text = `The definition "${key}", version ${version}, is not deployed: ${codeOf(error)}: ${messageOf(error)}`;
      this.tell(key, text, (line) => log.error(line));
    }
    for (const { key } of deployed) {
      const text = (warnings.get(key) ?? []).join(' ');
      if (text === '') this.told.delete(key);
      else this.tell(key, `The definition "${key}": ${text}`, (line) => log.warn(line));
    }
  }

  private tell(about: string, text: string, write: (text: string) => void): void {
    if (this.told.get(about) === text) return;
    this.told.set(about, text);
    write(text);
  }
}

function sightOf(revision: string, readings: readonly Reading[]): string {
  const heads = readings.map(({ store, definitions }) => [
    store,
    definitions.map(({ key, version, hash }) => [key, version, hash]),
  ]);
  return JSON.stringify([revision, heads]);
}

function listed({ deployed }: Woven): string {
  return deployed.map(({ key, version }) => `${key} (version ${version})`).join(', ') || 'none';
}
