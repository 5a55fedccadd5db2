/** The history: what was done to campaigns, consents and suppressions, by whom. Append-only; lead ids only, no personal data. */
export { type ChainHead } from './chain';
export { createHistory, History, type HistoryDeps, type HistoryQuery, type HistoryRecord } from './history';
export { record, recordAll, type HistoryEntry } from './record';
export { type HistoryProblem, type HistoryVerdict } from './verify';
