/**
 * Words of this folder.
 *
 * - *segment*: a named group of leads. *dynamic*: whoever meets a condition. *static*: a list that people keep.
 *   *composed*: made of other segments by and, or, except.
 * - *member*: a lead that is in a segment according to its last calculation.
 * - *recalculate*: compare the members with who belongs there now; some enter, some leave.
 * - *reads*: what decides about membership: names of lead fields, `did:<event>`, `segment:<key>`.
 * - *predicate*: the SQL text that is true of the leads that belong to a segment at this moment.
 */
import type { JsonCondition } from '../conditions';
import type { Leads, LeadView } from '../leads';
import type { Scope } from '../store';

/** Segments by key, combined. `except` is: in the first, and not in the second. */
export type Composition =
  | string
  | { readonly and: readonly Composition[] }
  | { readonly or: readonly Composition[] }
  | { readonly except: readonly [Composition, Composition] };

/** What makes a segment. */
export type SegmentDefinition =
  | { readonly kind: 'dynamic'; readonly condition: string | JsonCondition }
  | { readonly kind: 'static' }
  | { readonly kind: 'composed'; readonly composition: Composition };

/** A new segment. */
export type SegmentInput = SegmentDefinition & {
  /** 1 to 128 letters, digits, "_", "-" and "."; cannot be changed later. */
  readonly key: string;
  /** Shown to people; the key when absent. */
  readonly name?: string;
};

/** What may be changed of a segment; what is absent stays. The kind stays. */
export interface SegmentChange {
  readonly name?: string;
  readonly condition?: string | JsonCondition;
  readonly composition?: Composition;
}

/** A segment as it is stored. */
export type Segment = SegmentDefinition & {
  readonly id: number;
  readonly key: string;
  readonly name: string;
  /** Members, according to the last calculation. */
  readonly count: number;
  /** When it was last recalculated as a whole; absent: not since its definition was written. */
  readonly refreshedAt?: number;
  /** What decides about membership. */
  readonly reads: readonly string[];
  /** Goes up with every change of name or definition. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** Who entered and who left a segment. */
export interface MembershipChange {
  readonly segment: { readonly id: number; readonly key: string };
  readonly entered: readonly number[];
  readonly left: readonly number[];
}

/**
 * Hears of every change of membership **inside its transaction**, so that what must follow from it can be written
 * together with it. It may be called again when the transaction is repeated: it must have no effect outside the database.
 */
export type OnMembership = (tx: Scope, change: MembershipChange) => Promise<void>;

/** What a recalculation did. */
export interface RecalculationResult {
  readonly key: string;
  readonly entered: number;
  readonly left: number;
  readonly members: number;
  /** How long it took, milliseconds. */
  readonly ms: number;
  /** The same for the composed segments that contain it, in the order in which they were done. */
  readonly dependents: readonly RecalculationResult[];
}

/** What to look at without saving anything. */
export type PreviewInput =
  { readonly key: string } | { readonly condition: string | JsonCondition } | { readonly composition: Composition };

/** How many leads belong, and some of them. */
export interface Preview {
  readonly count: number;
  readonly sample: readonly LeadView[];
}

/** What the segments of a tenant need from others. */
export interface SegmentsDeps {
  readonly leads: Leads;
  /** Hears of every change of membership, inside its transaction. */
  readonly onMembership?: OnMembership;
  /** What else uses a segment (names of campaigns): while there is any, it cannot be removed. */
  readonly usedBy?: (key: string) => Promise<readonly string[]>;
}

/** Leads by id, e-mail address, external id. */
export interface Who {
  readonly ids?: readonly number[];
  readonly emails?: readonly string[];
  readonly externalIds?: readonly string[];
}
