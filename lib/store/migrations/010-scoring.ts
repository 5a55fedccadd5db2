import { adding } from './additions';

/** Rules of scores, conversions, figures of one’s own. */
export const scoring = adding('010-scoring', { columns: {}, tables: {} });
