/**
 * What main thread and worker thread say to each other. Messages travel in groups: one `postMessage` per turn
 * of the event loop, all MIME bytes in one transferred buffer, so a mail costs the main thread one memory copy.
 */
import type { DeliveryResult } from '../types';
import type { SmtpSettings } from './options';

/** A slot's number names a message while it is in flight; it is an index into the shared flags. */
export type Slot = number;

/** Given to the worker when it starts. */
export interface WorkerStart {
  readonly settings: SmtpSettings;
  /** One flag per slot, set to {@link BEGUN} just before content may leave; survives the death of the worker. */
  readonly flags: SharedArrayBuffer;
}

/** Flag of a slot whose content may have reached the server. */
export const BEGUN = 1;

/** One group of mails: entry `i` of every list belongs together; mail `i`'s bytes end at `ends[i]`. */
export interface SendGroup {
  readonly kind: 'send';
  readonly slots: readonly Slot[];
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly ends: readonly number[];
  readonly bytes: ArrayBuffer;
}

export type ToWorker =
  | SendGroup
  | { readonly kind: 'verify'; readonly id: number }
  /** Give back what has not begun, finish the rest, say goodbye to the server, answer `drained`. */
  | { readonly kind: 'drain' };

export type FromWorker =
  | { readonly kind: 'results'; readonly slots: readonly Slot[]; readonly results: readonly DeliveryResult[] }
  /** `reason` says why it failed. */
  | { readonly kind: 'verified'; readonly id: number; readonly reason?: string }
  | { readonly kind: 'drained' };

/** A mail on its way to the worker. */
export interface Mail {
  readonly slot: Slot;
  readonly from: string;
  readonly to: string;
  readonly raw: string | Buffer;
}

/** Puts mails into one group. The buffer is meant to be transferred. */
export function packGroup(mails: readonly Mail[]): SendGroup {
  const sizes = mails.map(({ raw }) => (typeof raw === 'string' ? Buffer.byteLength(raw) : raw.length));
  // Not from the shared pool: the whole buffer is going to be transferred away.
  const bytes = Buffer.allocUnsafeSlow(sizes.reduce((sum, size) => sum + size, 0));
  const ends: number[] = [];
  let end = 0;
  mails.forEach(({ raw }, i) => {
    if (typeof raw === 'string') bytes.write(raw, end);
    else raw.copy(bytes, end);
    end += sizes[i] ?? 0;
    ends.push(end);
  });
  return {
    kind: 'send',
    slots: mails.map(({ slot }) => slot),
    from: mails.map(({ from }) => from),
    to: mails.map(({ to }) => to),
    ends,
    bytes: bytes.buffer,
  };
}

/** The mails of a group; their bytes are views of its buffer. */
export function unpackGroup(group: SendGroup): { slot: Slot; from: string; to: string; bytes: Buffer }[] {
  let start = 0;
  return group.slots.map((slot, i) => {
    const end = group.ends[i] ?? start;
    const bytes = Buffer.from(group.bytes, start, end - start);
    start = end;
    return { slot, from: group.from[i] ?? '', to: group.to[i] ?? '', bytes };
  });
}
