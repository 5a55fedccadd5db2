import type { CampaignState } from '../../campaigns';
import type { JsonCondition } from '../../conditions';
import type { DataFieldType, DefinitionDocument } from '../document';

/** A condition, as an expression or in the JSON form. It has been compiled once: it is correct. */
export type ConditionSource = string | JsonCondition;

/** A stage and what it means to the engine. */
export interface ReadStage {
  readonly name: string;
  readonly state: CampaignState;
}

/** An action that leads from any of some stages to another. */
export interface ReadTransition {
  readonly from: readonly string[];
  readonly to: string;
  readonly condition?: ConditionSource;
}

/** A field of a campaign's data. */
export interface ReadField {
  readonly name: string;
  /** `any`: named only, as the sales-marketing form does. */
  readonly type: DataFieldType | 'any';
  readonly required: boolean;
}

/** A channel, in the order in which they are to be used. */
export interface ReadChannel {
  /** `email`, `sms`, `webhook`, `social` … */
  readonly name: string;
  readonly enabled: boolean;
  readonly priority?: number;
  readonly provider?: string;
  readonly account?: string;
  readonly template?: string;
  readonly subject?: string;
  readonly html?: string;
  readonly text?: string;
  readonly url?: string;
  readonly method?: string;
  /** Whatever else is written there. */
  readonly more: Readonly<Record<string, unknown>>;
}

/** A step of the sequence: after its delay, and if its condition is true, it does something. */
export interface ReadStep {
  readonly action: 'send' | 'wait' | 'end';
  /** send: the channel. */
  readonly channel?: string;
  /** Before the action, ms; 0 for none. */
  readonly delayMs: number;
  /** After the delay. */
  readonly waitUntil?: ReadWait;
  /** After both: `HH:MM` on the lead's clock, on one of these days (1 Monday to 7 Sunday) where there are any. */
  readonly at?: { readonly time: string; readonly weekdays: readonly number[] };
  readonly name?: string;
  readonly template?: string;
  readonly subject?: string;
  readonly html?: string;
  readonly text?: string;
  /** Of the lead (`lead.score > 5`) and of the campaign's data. */
  readonly condition?: ConditionSource;
  /** Whatever else is written there. */
  readonly more: Readonly<Record<string, unknown>>;
}

/** What a step waits for, and what follows. */
export interface ReadWait {
  readonly for:
    | {
        readonly kind: 'event';
        readonly event: string;
        readonly condition?: string;
        readonly since: 'entry' | 'arrival' | 'ever';
      }
    | { readonly kind: 'condition'; readonly condition: string }
    | { readonly kind: 'segment'; readonly segment: string };
  readonly timeoutMs: number;
  readonly happened: 'next' | 'end';
  readonly timedOut: 'next' | 'end';
}

/** What happens to a campaign some time after its launch. */
export interface ReadEscalation {
  readonly afterMs: number;
  /** A guard, see `compileGuard`. */
  readonly condition?: ConditionSource;
  /** `optimize`, `reassign_to_manager` … */
  readonly action: string;
}

/** How often a trigger lets a lead in at most. */
export const TRIGGER_FREQUENCIES = {
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 604_800_000,
  '30d': 2_592_000_000,
} as const;
export type TriggerFrequency = keyof typeof TRIGGER_FREQUENCIES;

/** What happens when a lead does something. */
export interface ReadTrigger {
  readonly event: string;
  /** Of the event and of the lead. */
  readonly condition?: ConditionSource;
  readonly delayMs?: number;
  readonly frequency?: TriggerFrequency;
  readonly cooldownMs?: number;
  /** Or the pause after the end, ms. */
  readonly reentry?: 'always' | 'never' | 'finished' | number;
  readonly action: string;
  /** Whatever else is written there. */
  readonly more: Readonly<Record<string, unknown>>;
}

/** What is done when a budget or a return is missed. */
export const BREACH_ACTIONS = [
  'pause',
  'alert',
  'notify',
  'escalate',
  'cancel',
  'complete',
  'optimize',
  'route',
] as const;
export type BreachAction = (typeof BREACH_ACTIONS)[number];

/** A definition document, checked and brought to one form. Absent parts are empty lists, or absent. */
export interface ReadDefinition {
  readonly key: string;
  readonly name: string;
  readonly description?: string;
  /** The author's own version, for people. */
  readonly version?: string;
  readonly type?: string;
  /** The first one is where a campaign begins; absent: the stages that every campaign has. */
  readonly stages?: readonly ReadStage[];
  /** By action. */
  readonly transitions: Readonly<Record<string, ReadTransition>>;
  /** The same as a JSON Schema, whichever form it was written in; for `dataValidator`. */
  readonly dataSchema?: Readonly<Record<string, unknown>>;
  readonly fields: readonly ReadField[];
  /** By priority; those without one follow, in the order in which they are written. */
  readonly channels: readonly ReadChannel[];
  readonly targeting: {
    /** A saved segment's key. */
    readonly segment?: string;
    /** Of the lead. */
    readonly condition?: ConditionSource;
  };
  readonly sequence: readonly ReadStep[];
  readonly escalation: readonly ReadEscalation[];
  readonly triggers: readonly ReadTrigger[];
  readonly roi: {
    readonly budget?: number;
    readonly targetRevenue?: number;
    /** Revenue ÷ cost that is wanted at least: "2x" is 2. */
    readonly threshold?: number;
    readonly breachActions: readonly BreachAction[];
  };
  readonly compliance: {
    readonly gdpr: boolean;
    readonly consentRequired: boolean;
    readonly retentionDays?: number;
  };
  /** True when there is nothing to draw: neither channels nor automation. Its campaigns are kept, and enter nobody. */
  readonly journeyless: boolean;
  /** As it was written, a copy. */
  readonly document: DefinitionDocument;
}
