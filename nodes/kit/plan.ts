import type { DefinitionDeclaration, StationDeclaration } from '../../lib/ledger/types';

/** A station of a plan, with the node that it is. */
export interface PlannedStation {
  /** Id of the running node. */
  readonly node: string;
  readonly declaration: StationDeclaration;
}

/** One definition: what can be reached from one trigger. */
export interface PlannedDefinition {
  /** Id of the trigger's running node. */
  readonly trigger: string;
  /** Id of the store's running node. */
  readonly store: string;
  readonly declaration: DefinitionDeclaration;
  readonly stations: readonly PlannedStation[];
  /** Ids of all nodes that its people can pass, stations included. */
  readonly nodes: readonly string[];
}

/** Why a definition cannot be deployed. Its people stay where they are. */
export interface PlanProblem {
  readonly code:
    'E_DUPLICATE_STEP' | 'E_DUPLICATE_DEFINITION' | 'E_NO_STORE' | 'E_OTHER_STORE' | 'E_STEP_NAME' | 'E_DEFINITION_KEY';
  /** A sentence that says what to do. */
  readonly message: string;
  /** Key of the definition. */
  readonly definition: string;
  readonly store: string;
  readonly trigger: string;
  /** Ids of the running nodes to show it at. */
  readonly nodes: readonly string[];
}

/** What the drawn flow means. */
export interface JourneyPlan {
  readonly definitions: readonly PlannedDefinition[];
  readonly problems: readonly PlanProblem[];
  /** Marketing nodes → for each output, whether anything behind it takes a person over. */
  readonly leadsOn: ReadonlyMap<string, readonly boolean[]>;
  /** Ids that wires may name although nothing runs there. */
  readonly disabled: ReadonlySet<string>;
}
