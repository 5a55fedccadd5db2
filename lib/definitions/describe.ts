import { NotFoundError } from '../errors';
import type { DefinitionDocument } from './document';
import type { SavedDocument } from './documents';
import { dataValidator, type DataValidator } from './data/validator';
import type { Facts } from './facts';
import { compileGuard, type Guard } from './guards';
import type { Scope } from '../store';
import { readDocument, type ReadDefinition, type ReadStage, type ReadTransition } from './read';
import type { Definition } from './types';

/** Where definitions come from. */
export interface DescribeDeps {
  /** What is deployed under a key: `Definitions.get`. */
  flow(key: string): Promise<Definition | undefined>;
  /** What is saved under a key: `Documents.find`. `sql`: the transaction to read in. */
  document(key: string, sql?: Scope): Promise<SavedDocument | undefined>;
}

/** How people enter, and whether they can. */
interface Entry {
  readonly name: string;
  /** The step name of its trigger; empty where no flow is deployed. */
  readonly entry: string;
  /** `none`: no journey, a lifecycle only; launching enters nobody and needs no flow. */
  readonly entryMode: 'launch' | 'event' | 'none';
  /** The saved segment that is the audience; absent: everybody. */
  readonly segment?: string;
  readonly onUnknown: 'hold' | 'resend';
  readonly deployed: boolean;
}

/** What campaigns need to know of their definition; stages, transitions and data only where a document is in force. */
export interface KnownDefinition extends Entry {
  readonly stages?: readonly ReadStage[];
  readonly transitions?: Readonly<Record<string, ReadTransition>>;
  readonly document?: DefinitionDocument;
}

/** A definition from both sides: the flow gives the stations, the document of the same key stages, data and rules. */
export interface DescribedDefinition extends KnownDefinition {
  readonly key: string;
  /** Of the deployed flow. */
  readonly flow?: Definition;
  /** Of the document in force. */
  readonly read?: ReadDefinition;
  readonly documentVersion?: number;
  /** Accepts anything where the document declares no data. */
  readonly validate: DataValidator;
}

/** What {@link DefinitionCatalogue.holds} is asked about. */
export interface HoldsContext {
  readonly campaign: { readonly data: Readonly<Record<string, unknown>> };
  /** Ms since 1970. */
  readonly now: number;
  /** How the campaign fares, see `factsFrom`; asked only where the condition reads one of the facts. */
  readonly facts?: () => Promise<Facts>;
  /** Values of custom metrics with these names, which are neither facts nor in the campaign's data. */
  readonly customFacts?: (names: readonly string[]) => Promise<Readonly<Record<string, number>>>;
  /** The transaction that this is asked in. */
  readonly sql?: Scope;
}

/** Documents that are kept as they were read. */
const MOST_READ = 200;
const MOST_GUARDS = 1_000;

/** Puts together what is known of definitions, whichever way they were made. */
export class DefinitionCatalogue {
  private readonly reads = new Map<string, ReadDefinition>();
  private readonly guards = new Map<string, Guard>();

  constructor(private readonly deps: DescribeDeps) {}

  /** All that is known of a definition. @throws NotFoundError `E_UNKNOWN_DEFINITION` */
  async describe(key: string): Promise<DescribedDefinition> {
    const [flow, saved] = [await this.deps.flow(key), await this.deps.document(key)];
    const document = saved?.active ? saved : undefined;
    const read = document && this.read(document);
    if (!flow && !read) {
      throw new NotFoundError(
        'E_UNKNOWN_DEFINITION',
        `There is no definition "${key.slice(0, 128)}". It is the key of a trigger node in a deployed flow, or of a saved document in force.`,
        { details: { definition: key } },
      );
    }
    return {
      key,
      ...headOf(key, flow, read),
      ...(read?.stages ? { stages: read.stages } : {}),
      ...(read && Object.keys(read.transitions).length > 0 ? { transitions: read.transitions } : {}),
      ...(read ? { document: read.document, read } : {}),
      ...(flow ? { flow } : {}),
      ...(document ? { documentVersion: document.version } : {}),
      validate: dataValidator(read?.dataSchema),
    };
  }

  /** What a campaign needs to know of its definition; undefined for an unknown key. */
  async definitionFor(key: string): Promise<KnownDefinition | undefined> {
    try {
      const { name, entry, entryMode, segment, onUnknown, deployed, stages, transitions, document } =
        await this.describe(key);
      return {
        name,
        entry,
        entryMode,
        onUnknown,
        deployed,
        ...(segment === undefined ? {} : { segment }),
        ...(stages ? { stages } : {}),
        ...(transitions ? { transitions } : {}),
        ...(document ? { document } : {}),
      };
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  /**
   * A condition of a definition, compiled with the types of its data; the same one is compiled once.
   * @param sql the transaction that this is asked in
   * @throws ConditionError
   */
  async guard(key: string, source: string | object, sql?: Scope): Promise<Guard> {
    const fields = (await this.readOf(key, sql))?.fields ?? [];
    const name = JSON.stringify([fields, source]);
    const known = this.guards.get(name);
    if (known) return known;
    const guard = compileGuard(source, fields);
    if (this.guards.size >= MOST_GUARDS) this.guards.clear();
    this.guards.set(name, guard);
    return guard;
  }

  /**
   * Whether a condition of a definition is true of a campaign.
   * @throws ConditionError
   */
  async holds(
    key: string,
    source: string | object,
    { campaign, now, facts, customFacts, sql }: HoldsContext,
  ): Promise<boolean> {
    const guard = await this.guard(key, source, sql);
    const missing = guard.others.filter((name) => !Object.hasOwn(campaign.data, name));
    const custom = missing.length > 0 ? await customFacts?.(missing) : undefined;
    const known = guard.facts.length > 0 ? await facts?.() : undefined;
    return guard.test({ campaign, data: campaign.data, now, facts: { ...custom, ...known } });
  }

  /** What a document says of money; undefined where none is in force. @param sql the transaction that this is asked in */
  async roi(key: string, sql?: Scope): Promise<ReadDefinition['roi'] | undefined> {
    return (await this.readOf(key, sql))?.roi;
  }

  /**
   * Checks a campaign's data against its definition; a copy with the defaults. What no document declares is taken as it is.
   * @throws InputError `E_CAMPAIGN_DATA`
   */
  async validate(
    key: string,
    data: unknown,
    options: Parameters<DataValidator>[1] = {},
  ): Promise<Record<string, unknown>> {
    return dataValidator((await this.readOf(key))?.dataSchema)(data, options);
  }

  private async readOf(key: string, sql?: Scope): Promise<ReadDefinition | undefined> {
    const saved = await this.deps.document(key, sql);
    return saved?.active ? this.read(saved) : undefined;
  }

  /** A document is read again only when it has changed. */
  private read({ hash, document }: SavedDocument): ReadDefinition {
    const known = this.reads.get(hash);
    if (known) return known;
    const read = readDocument(document);
    if (this.reads.size >= MOST_READ) this.reads.clear();
    this.reads.set(hash, read);
    return read;
  }
}

/** The flow decides where it has one; a document alone is entered by launch, by its events, or not at all. */
function headOf(key: string, flow: Definition | undefined, read: ReadDefinition | undefined): Entry {
  // A document without a journey needs no flow; one that is left over from before does not count.
  if (flow && (flow.deployed || !read?.journeyless)) {
    const { entry, entryMode, segment, onUnknown, deployed } = flow;
    return { name: read?.name ?? flow.name, entry, entryMode, onUnknown, deployed, ...(segment ? { segment } : {}) };
  }
  const eventsOnly =
    read !== undefined && read.triggers.length > 0 && read.channels.length + read.sequence.length === 0;
  const segment = read?.targeting.segment;
  return {
    name: read?.name ?? key,
    entry: '',
    entryMode: read?.journeyless ? 'none' : eventsOnly ? 'event' : 'launch',
    onUnknown: 'hold',
    deployed: read?.journeyless ?? false,
    ...(segment === undefined ? {} : { segment }),
  };
}
