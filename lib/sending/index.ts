/** Sending: what happens at a send station between the ledger and a channel. */
export { compileContent, contentOfParts } from './content';
export type { GateVerdict, SendCandidate, SendGate } from './gates';
export type { MessageOutcome } from './messages';
export { FAILED, SENT, SUPPRESSED } from './ports';
export { SendStation } from './send-station';
export type { CompiledContent, SendCheck, SendContent, SendDeps, SendOptions, SendSource, ShownVariant } from './types';
