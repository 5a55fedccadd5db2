import { adding } from './additions';

/** Approvals and their votes, delegations, levels of escalations. */
export const approvals = adding('007-approvals', { columns: {}, tables: {} });
