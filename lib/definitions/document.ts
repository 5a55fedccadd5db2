/*
 * The JSON form of a definition: what people write, store and send over the API, as the requirement texts spell it. It is
 * compiled into a flow; a flow is what runs.
 */

/** Types of {@link DataField}. */
export type DataFieldType = 'string' | 'number' | 'integer' | 'boolean' | 'date' | 'enum' | 'array' | 'object';

/** A field of a campaign's data, in the short form. */
export interface DataField {
  readonly type: DataFieldType;
  readonly required?: boolean;
  /** enum: what is allowed. */
  readonly values?: readonly (string | number)[];
  readonly default?: unknown;
  readonly description?: string;
  readonly min?: number;
  readonly max?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** RE2. */
  readonly pattern?: string;
}

/** Fields by name, or a JSON Schema whose `type` is `object`. */
export type DataSchema = Readonly<Record<string, DataField>> | Readonly<Record<string, unknown>>;

/** An action that leads from stage to stage. */
export interface Transition {
  readonly from: string | readonly string[];
  readonly to: string;
  /** Must be true of the campaign (`data.x`, `campaign.name`): the language of segments. */
  readonly condition?: string | object;
}

/** A stage, where its name does not say what it means to the engine. */
export interface StageObject {
  readonly name: string;
  readonly state: 'draft' | 'scheduled' | 'queued' | 'active' | 'paused' | 'completed' | 'cancelled';
}

export interface ChannelSettings {
  readonly enabled?: boolean;
  readonly priority?: number;
  readonly provider?: string;
  /** Name of the account (config node) that sends. */
  readonly account?: string;
  readonly template?: string;
  readonly url?: string;
  readonly method?: string;
  readonly subject?: string;
  readonly html?: string;
  readonly text?: string;
  readonly [more: string]: unknown;
}

/** What a step waits for; one of `event`, `condition` and `segment`. */
export interface WaitUntil {
  /** What the lead does: `purchase`. */
  readonly event?: string;
  /** With an event: what has to be true of it (`event.value > 50`). Without one: what has to become true of the lead. */
  readonly condition?: string;
  /** Key of a saved segment that the lead has to be in. */
  readonly segment?: string;
  /** From when on events count: since the person entered the journey (default), since they came to this step, or ever. */
  readonly since?: 'entry' | 'arrival' | 'ever';
  /** "4 hours": then people go on all the same. */
  readonly timeout: string;
  /** What follows when it has happened, and when time has run out: the `next` step (default), or the `end` of the way. */
  readonly happened?: 'next' | 'end';
  readonly timed_out?: 'next' | 'end';
}

/** A time of day on the lead's own clock. */
export interface LocalTime {
  /** `HH:MM` */
  readonly time: string;
  /** 1 (Monday) to 7 (Sunday); absent: any. */
  readonly weekdays?: readonly number[];
}

export interface SequenceStep {
  /** "1 hour", "2 days", "24h": before the action. */
  readonly delay?: string;
  /** After the delay: until something has happened. */
  readonly wait_until?: WaitUntil;
  /** After both: until the lead's clock shows this, `09:00` or `{"time": "09:00", "weekdays": [1, 3]}`. */
  readonly at?: string | LocalTime;
  /** `send_<channel>`, `send` (with `channel`), `wait` or `end`. */
  readonly action: string;
  /** Its step name in the flow: people who stand there stay when the document changes around it. */
  readonly name?: string;
  readonly channel?: string;
  readonly template?: string;
  readonly subject?: string;
  readonly html?: string;
  readonly text?: string;
  readonly condition?: string | object;
  readonly [more: string]: unknown;
}

export interface Escalation {
  readonly after: string;
  readonly condition?: string | object;
  readonly action: string;
}

export interface EventTrigger {
  readonly event: string;
  /** Of the event (`event.value > 50`) and of the lead. */
  readonly condition?: string | object;
  /** Between the event and the action: at most 30 days. */
  readonly delay?: string;
  /** A lead at most once in `1h`, `24h`, `7d` or `30d`. */
  readonly frequency?: string;
  /** So long after an entry, the same lead does not come in again. */
  readonly cooldown?: string;
  /** `always` (default), `never`, `finished`, or the pause after the end of a journey: `7 days`. */
  readonly reentry?: string;
  readonly action: string;
  readonly [more: string]: unknown;
}

export interface Automation {
  readonly sequence?: readonly SequenceStep[];
  readonly escalation?: readonly Escalation[];
  readonly triggers?: readonly EventTrigger[];
}

/** A definition, as it is written. */
export interface DefinitionDocument {
  /** Its key. */
  readonly id: string;
  readonly name?: string;
  /** What the sales-marketing form calls the name. */
  readonly label?: string;
  readonly description?: string;
  /** The author's own version, for people. */
  readonly version?: string | number;
  readonly type?: string;
  readonly dataSchema?: DataSchema;
  readonly stages?: readonly (string | StageObject)[];
  readonly transitions?: Readonly<Record<string, Transition>>;
  readonly channels?: Readonly<Record<string, ChannelSettings>> | readonly string[];
  /**
   * Who it is for. `segment` is a saved segment's key, an expression, or the JSON form of a condition; `condition` is one of
   * the latter two, besides the segment.
   */
  readonly targeting?: { readonly segment?: string | object; readonly condition?: string | object };
  readonly automation?: Automation;
  /** The same as `roi.budget`: how the in-model form writes it. */
  readonly budget?: number;
  readonly roi?: {
    readonly budget?: number;
    readonly target_revenue?: number;
    /** Revenue ÷ cost that is wanted at least: "2x", "150%" or 2. */
    readonly threshold?: string | number;
    /** `pause`, `alert`, `pause_and_alert` … */
    readonly breach_action?: string;
  };
  readonly compliance?: {
    readonly gdpr?: boolean;
    readonly consent_required?: boolean;
    readonly data_retention_days?: number;
  };
  /** The sales-marketing form: stages, fields and automation of its campaign. */
  readonly entities?: Readonly<
    Record<
      string,
      {
        readonly stages?: readonly (string | StageObject)[];
        readonly fields?: readonly string[];
        readonly transitions?: Readonly<Record<string, Transition>>;
        readonly automation?: Automation;
      }
    >
  >;
}
