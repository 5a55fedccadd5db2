/** The REST API: one list of operations is the source of routes, validation and the OpenAPI document. */
export { apiRouter, fail } from './router';
export { apiDepsOf, type ApiSources, type SourceData } from './deps';
export { admit, assertGuarded } from './door';
export { send } from './answer';
export { checkJson, readJson } from './body';
export { OPERATIONS, SHARED } from './operations';
export { writeOpenApi, type OpenApi, type OpenApiOperation } from './openapi';
export { changeLead, createLead, leadOf, segmentOf } from './people';
export { idOrKey, iso } from './present';
export { Refusal, statusOf } from './problem';
export { segmentInput, type SegmentBody } from './segment-input';
export { servicesFor, type ApiServices } from './services';
export type { ApiDeps, Caller, Operation } from './types';
