/** Values that a text's `__placeholders__` are filled with. */
export type MessageOptions = Record<string, string | number>;

/** What a Node-RED validator returns: true, or the sentence shown as the field's and the node's error. */
export type Verdict = true | string;

/** A segment as the picker lists it. */
export interface SegmentSummary {
  key: string;
  name: string;
  kind: string;
  leadCount: number;
}

/** A declared custom attribute, or a standard field of a lead. */
export interface AttributeSummary {
  name: string;
  type: string;
}

/** A definition or a campaign as the pickers list it. */
export interface KeyedSummary {
  key: string;
  name: string;
  state?: string;
}

/** A template as the picker lists it; `type` is the channel that it is for. */
export interface TemplateSummary {
  key: string;
  name: string;
  type: string;
}

/** Answer of the condition check. `position` counts characters from 0. */
export type ConditionCheck =
  | { ok: true; normalised?: string; attributes?: unknown }
  | { ok: false; code?: string; message: string; position?: number };

/** Answer of the template check. `line` and `column` count from 1. */
export type TemplateCheck =
  { ok: true } | { ok: false; part?: string; line?: number; column?: number; message: string };

/** How many leads a condition or segment holds, and a few of them. */
export interface SegmentPreview {
  count: number;
  sample: { email?: string | null; name?: string | null; country?: string | null }[];
}

/** What launching a trigger would do. */
export interface LaunchEstimate {
  audience: number;
  state?: string;
}
