/** Sending: what happens at a send station between the ledger and a channel. */
export { SendStation, SENT, FAILED, SUPPRESSED } from './send-station';
export { compileContent } from './content';
export type { CompiledContent, SendCheck, SendContent, SendDeps, SendOptions } from './types';
