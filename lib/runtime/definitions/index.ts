/** Deploys the definitions that are saved in the database beside the flow files, and again when a version is saved. */
export { DefinitionKeeper, type KeeperOptions } from './keeper';
export { embeddedFlows } from './node-red-flows';
export { readDefinitions } from './read';
export type { DefinitionFacts, FlowRuntime, Reading, RunningFlows, SavedDefinition } from './types';
