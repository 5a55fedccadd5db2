import type { FieldTypes } from '../../conditions';

/** A node of a flow, as Node-RED keeps it: `id`, `type`, what its type saves, `z`, `x`, `y`, `wires`. */
export type FlowNode = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

/** A sending account that exists where the flow is to run. */
export interface KnownAccount {
  /** Id of its account node. */
  readonly id: string;
  /** Definitions name it by this (`channels.email.account`). */
  readonly name: string;
  /** As the account node says it: `smtp` or `webhook`. */
  readonly channel: string;
}

/** What a compilation may be told. */
export interface CompileOptions {
  /** The store node that the flow uses; it is not part of the result. Default: one with the usual settings comes along. */
  readonly store?: { readonly id: string };
  /** Accounts to send through: the one that the definition names, else the first of the right kind. Default: none. */
  readonly accounts?: readonly KnownAccount[];
  /** Attributes that are declared, for warnings about conditions. Default: only what every lead has. */
  readonly attributes?: FieldTypes;
  /** True: the flow is drawn from the database again and again, and says so. Its tab is locked. Default false. */
  readonly owned?: boolean;
  /** Keeps the ids apart from those of a definition with the same key in another store. */
  readonly space?: string;
}

/** Whose a tab is: a definition that is kept in the database, and the store node that it uses. */
export interface Owner {
  readonly definition: string;
  /** Id of the store node. */
  readonly store: string;
}

/** What a definition became. */
export interface CompiledFlow {
  /** Ready to import: a tab, its nodes, and the configuration nodes that it brings along. */
  readonly flow: readonly FlowNode[];
  /** Sentences about what somebody has to do before it works, and what nothing acts on yet. */
  readonly warnings: readonly string[];
  /** Keys of the journeys in it: the definition's own, and one for each event trigger. */
  readonly definitions: readonly string[];
}

/** The node types that are drawn. */
export type BoxType =
  'marketing-trigger' | 'marketing-segment' | 'marketing-consent' | 'marketing-delay' | 'marketing-send' | 'comment';

/** A node before it has a place. */
export interface Box {
  readonly id: string;
  readonly type: BoxType;
  readonly name: string;
  /** What its type saves, besides what every node has. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** For each output the boxes behind it. */
  readonly outputs: Box[][];
  /** Drawn, and switched off. */
  readonly disabled?: boolean;
  /** Drawn above the line, so that the wire that goes past it is seen. */
  raised?: boolean;
}

/** Boxes in a row that are not torn apart when a line is broken. */
export type Group = readonly Box[];

/** A part of the drawing. */
export interface Section {
  /** A comment node above it. */
  readonly heading?: Box;
  /** What everybody passes. */
  readonly head: readonly Box[];
  /** What follows, from left to right; several branches stand below each other. */
  readonly branches: readonly (readonly Group[])[];
}
