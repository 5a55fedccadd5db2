/** Sending: what happens at a send station between the ledger and a channel. */
export { compileContent, contentOfParts } from './content';
export type { GateVerdict, SendCandidate, SendGate } from './gates';
export type { MessageOutcome, PricedOutcome } from './messages';
export { FAILED, SENT, SUPPRESSED } from './ports';
export { channelPrices, priceOf, readPrices, writePrices, type Prices } from './prices';
export { SendStation } from './send-station';
export type { CompiledContent, SendCheck, SendContent, SendDeps, SendOptions, SendSource, ShownVariant } from './types';
