/*
 * Words of this folder (BR-004, FR-P3-004)
 *   undo       how one effect is taken back: registered before the effect, with its place in the order
 *   run        undoing what was done for one person (or for the campaign as a whole), strictly in reverse, one after another
 *   rolled back   a run of which every undo succeeded, or was done by hand; one with a failed undo is "partly undone"
 */
import type { Scope } from '../../store';

/**
 * - `registered` may have to be undone, or waits for another try
 * - `undone`     taken back
 * - `nothing`    the effect never happened
 * - `failed`     could not be undone: somebody has to
 * - `resolved`   somebody has, by hand
 */
export type UndoState = 'registered' | 'undone' | 'nothing' | 'failed' | 'resolved';

/** Why a run was opened: a compensate node was reached, somebody could not be served, the campaign was cancelled, or somebody asked. */
export type UndoCause = 'node' | 'failure' | 'cancel' | 'asked';

/** An effect that can be undone, as whoever begins it registers it. */
export interface NewUndo {
  readonly campaign: number;
  /** Absent: of the campaign as a whole. */
  readonly enrollment?: number;
  readonly lead?: number;
  /** The step that has the effect. */
  readonly step?: number;
  /** Which handler undoes it. */
  readonly kind: string;
  /** Names the effect in this tenant, at most 150 characters; the same one registered twice is registered once. */
  readonly key: string;
  /** What the handler needs; no personal data. */
  readonly params?: Readonly<Record<string, unknown>>;
}

/** One undo as its handler gets it. */
export interface Undo {
  readonly id: number;
  readonly campaign: number;
  /** 0: of the campaign as a whole. */
  readonly enrollment: number;
  readonly lead: number;
  readonly step: number;
  readonly seq: number;
  readonly kind: string;
  readonly key: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** This try: 1, 2, 3 … */
  readonly attempt: number;
}

/** What undoing came to. */
export type UndoResult =
  /** `note` is shown to people. */
  | { readonly status: 'undone'; readonly note?: string }
  /** There was nothing to undo: as good as undone. */
  | { readonly status: 'nothing'; readonly note?: string }
  /** Not now, and nobody is to blame: asked again at `at` (ms). No try is charged. */
  | { readonly status: 'later'; readonly at: number; readonly reason: string }
  /** Tried again with growing pauses, unless it is `final`. */
  | { readonly status: 'failed'; readonly reason: string; readonly final?: boolean };

/** What a handler gets besides the undo. */
export interface UndoContext {
  /** The same at every try: hand it to the other side, so that a second request does nothing. */
  readonly idempotencyKey: string;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
}

/** Undoes effects of one kind. */
export interface UndoHandler {
  /**
   * What has to be done outside of the database. After a crash it may be called again with the same key. A throw is a failed try.
   * Absent: nothing.
   */
  undo?(undo: Undo, context: UndoContext): Promise<UndoResult>;
  /** Rows to be changed, in the transaction that notes the undo as done: they change once. May give back a note. */
  apply?(tx: Scope, undo: Undo): Promise<string | undefined>;
  /** Tries before it goes to the list for people. Default 8. */
  readonly maxAttempts?: number;
}

/** An undo as people see it. */
export interface UndoView {
  readonly id: number;
  readonly campaign: string;
  readonly enrollment: number;
  readonly lead: number;
  /** The step that had the effect. */
  readonly step?: string;
  readonly seq: number;
  readonly kind: string;
  readonly state: UndoState;
  readonly attempts: number;
  readonly reason?: string;
  readonly note?: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a run came to: `msg.compensation` behind a compensate node. */
export interface Compensation {
  readonly state: 'undone' | 'partly undone';
  /** In the order in which they were undone. */
  readonly undone: readonly CompensationEntry[];
  readonly failed: readonly CompensationEntry[];
  /** How many of them are messages that had gone out: those people may be owed a correction. */
  readonly sent: number;
}

/** One entry of {@link Compensation}. */
export interface CompensationEntry {
  readonly kind: string;
  readonly step: string;
  readonly seq: number;
  readonly note?: string;
  readonly reason?: string;
}
