/** Definitions: journeys behind trigger nodes, registered at deploy, and definitions written as JSON documents. */
export { Definitions } from './definitions';
export type { Definition, DefinitionDetails, DefinitionVersion, DeployReport } from './types';
export type {
  Automation,
  ChannelSettings,
  DataField,
  DataFieldType,
  DataSchema,
  DefinitionDocument,
  Escalation,
  EventTrigger,
  SequenceStep,
  StageObject,
  Transition,
} from './document';
export { dataValidator, type DataValidator, type ValidateOptions } from './data/validator';
export { FACTS, factsFrom, type FactFigures, type FactName, type Facts } from './facts';
export { compileGuard, type Guard, type GuardContext, type GuardOptions } from './guards';
export type { Problem } from './problems';
export {
  DefinitionCatalogue,
  type DescribedDefinition,
  type DescribeDeps,
  type HoldsContext,
  type KnownDefinition,
} from './describe';
export type { Change } from './diff';
export * from './documents';
export * from './read';
export {
  compileDefinition,
  ownerOf,
  type CompiledFlow,
  type CompileOptions,
  type FlowNode,
  type KnownAccount,
  type Owner,
} from './compile';
