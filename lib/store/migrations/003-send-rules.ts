import { adding } from './additions';

/** How fast and when messages may leave, and how many one person gets. */
export const sendRules = adding('003-send-rules', { columns: {}, tables: {} });
