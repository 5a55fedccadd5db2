import type { Orphans } from '../ledger';

/** A definition as it stands in the database: its newest version. */
export interface Definition {
  key: string;
  name: string;
  version: number;
  hash: string;
  /** False when the last deploy of its source no longer contained it. */
  deployed: boolean;
  entry: string;
  entryMode: 'launch' | 'event';
  event?: string;
  /** What enters people besides events: `segment` and its key, `date` and its attribute … */
  listens?: { on: string; what: string };
  segment?: string;
  onUnknown: 'hold' | 'resend';
}

/** What a deploy meant for people under way. */
export interface DeployReport {
  /** People at stations that are no longer in the flow. */
  orphaned: Orphans[];
  /** Definitions of which a new version was registered. */
  changed: string[];
}

/** One version of a deployed definition. Times in ms since 1970. */
export interface DefinitionVersion {
  readonly key: string;
  readonly version: number;
  readonly name: string;
  readonly hash: string;
  /** Whether this version is what runs. */
  readonly deployed: boolean;
  /** Id of the store node that deployed it. */
  readonly source: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** All of a version. */
export interface DefinitionDetails extends DefinitionVersion {
  readonly entry: string;
  readonly entryMode: 'launch' | 'event';
  readonly event?: string;
  readonly listens?: { readonly on: string; readonly what: string };
  readonly segment?: string;
  readonly onUnknown: 'hold' | 'resend';
  readonly stations: readonly Readonly<Record<string, unknown>>[];
  /** Its nodes, as configured; subflows are unfolded, links are wires. */
  readonly nodes: readonly Readonly<Record<string, unknown>>[];
  /** Whether it can be imported again, see {@link Definitions.asFlow}. */
  readonly drawn: boolean;
}
