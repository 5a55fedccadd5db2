/** Outputs of a send node. */
export const SENT = 0;
export const FAILED = 1;
export const SUPPRESSED = 2;
