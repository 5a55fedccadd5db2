import { adding } from './additions';

/** Experiments: variants, who saw which, what came of it. */
export const experiments = adding('006-experiments', { columns: {}, tables: {} });
