/** What the parent and its runtimes say to each other. */
import type { UnknownPolicy } from '../../../lib/types';

/** What a runtime is to do. */
export interface RuntimeOrder {
  /** Module that exports `openMarketing`. */
  marketing: string;
  /** Module that exports `createSmtpAccount`. */
  channels: string;
  /** Module that exports the clocks. */
  clock: string;
  /** Module that exports `startHost`. */
  host: string;
  database: string;
  smtpPort: number;
  policy: UnknownPolicy;
  connections?: number;
  capacity?: number;
  leaseMs?: number;
  sweepMs?: number;
  /** Where a Node-RED keeps its files. */
  folder?: string;
  /** A delay station between trigger and send: people wait so long. */
  waitMs?: number;
  /** The clock of this runtime is so much ahead: downtime without waiting for it. */
  aheadMs?: number;
  /** Messages on wires are dropped: people are released and arrive nowhere. */
  dropWires?: boolean;
  /** Working for this lead ends the process. */
  poisonLead?: number;
  /** Each page of an audience takes so long to find. */
  slowPagesMs?: number;
}

/** What a runtime tells. */
export type RuntimeWord =
  | { type: 'ready'; inFlightBound: number }
  /** A page of the audience was found and is about to be written. */
  | { type: 'page' }
  /** So many people were sent on so far. */
  | { type: 'released'; people: number }
  | { type: 'log'; level: 'warn' | 'error'; text: string }
  /** The poison lead was taken up; the process ends. */
  | { type: 'poisoned' }
  /** Nobody is under way any more who could go on without a decision. */
  | { type: 'finished' };

export const DEFINITION = 'journey';
