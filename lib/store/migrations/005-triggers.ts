import { adding } from './additions';

/** What lets people in, and how often. */
export const triggers = adding('005-triggers', { columns: {}, tables: {} });
