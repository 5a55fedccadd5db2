import type { DefinitionDocument, FlowNode } from '../../definitions';

/** A definition as the database keeps it: its active version. */
export interface SavedDefinition {
  readonly key: string;
  readonly version: number;
  readonly hash: string;
  readonly document: DefinitionDocument;
}

/** What one store's database says. */
export interface Reading {
  /** Id of the store node that the flows use. */
  readonly store: string;
  readonly definitions: readonly SavedDefinition[];
  /** Keeps ids apart where several stores have definitions; the first one needs none. */
  readonly space?: string;
}

/** What became of a definition. Names and numbers only: everybody may see it. */
export interface DefinitionFacts {
  readonly key: string;
  readonly version: number;
  /** `broken`: the version before it, if there was one, goes on. */
  readonly state: 'deployed' | 'broken';
  /** The code of the error. */
  readonly code?: string;
}

/** A definition that cannot be deployed. */
export interface BrokenDefinition {
  readonly key: string;
  readonly version: number;
  readonly error: Error;
}

/** What runs, and the number of its revision. */
export interface RunningFlows {
  readonly nodes: readonly FlowNode[];
  readonly revision: string;
}

/** The flows of a Node-RED. */
export interface FlowRuntime {
  /** Undefined while nothing runs yet. */
  read(): Promise<RunningFlows | undefined>;
  /**
   * Deploys: nodes that stay the same are left alone.
   * @throws when the revision is not the running one any more, or Node-RED refuses
   */
  deploy(nodes: readonly FlowNode[], revision: string): Promise<void>;
}
