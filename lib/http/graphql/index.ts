/** GraphQL: the requirement's schema over the same services as the REST API. */
export { graphqlRouter } from './router';
export { LIMITS } from './limits';
export { SCHEMA } from './schema';
