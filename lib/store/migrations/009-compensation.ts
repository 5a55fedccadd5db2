import { adding } from './additions';

/** What can be undone, in which order, and joins. */
export const compensation = adding('009-compensation', { columns: {}, tables: {} });
