/** Definitions: the versioned journeys behind trigger nodes, registered at deploy. */
export { Definitions, type Definition, type DeployReport } from './definitions';
