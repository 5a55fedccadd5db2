import { adding } from './additions';

/** Budgets, and what of them is reserved and spent. */
export const money = adding('008-money', { columns: {}, tables: {} });
