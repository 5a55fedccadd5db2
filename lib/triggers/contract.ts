import { InputError, NotFoundError } from '../errors';
import type { LeadInput } from '../leads';

/** Something that lets a lead in. */
export interface EntryCause {
  /**
   * Names the cause: the same key lets the same lead in once, however often it is told. Default: a new one each time. At most 64
   * characters.
   */
  readonly key?: string;
  /** What `event.…` is in the trigger's condition. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What became of it. */
export interface EntryOutcome {
  readonly lead: number;
  /** Campaigns that the lead came into. */
  readonly entered: number;
}

/** What a custom trigger works with. */
export interface TriggerContext {
  readonly tenant: string;
  readonly definition: string;
  /** What was written at the node, checked by {@link TriggerContract.validate}. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Ms since 1970. */
  now(): number;
  /**
   * Lets a lead in by the trigger's rules: the condition, the audience, re-entry, frequency and cooldown decide. Resolves once that
   * is durable; what it rejects with may be tried again with the same key.
   * @param lead a number, an e-mail address, or the fields of a lead that is to be created or updated first
   * @throws NotFoundError `E_UNKNOWN_LEAD`; InputError, what is wrong with the lead
   */
  enter(lead: number | string | LeadInput, cause?: EntryCause): Promise<EntryOutcome>;
  /** Says in the log what is wrong; the trigger goes on. */
  warn(message: string): void;
  /** Aborted when the trigger stops. */
  readonly signal: AbortSignal;
}

/**
 * A trigger written in code (FR-EXT-004): it watches something, a queue, a calendar, another system, and lets leads in.
 * Registered with {@link registerTrigger}, or by a Node-RED plugin of the type `marketing-trigger`.
 */
export interface TriggerContract {
  /** 1 to 64 letters, digits, ".", "-" and "_", beginning with a letter: what people choose at the node. */
  readonly name: string;
  /** Checks the options when the flow is deployed; throws an Error whose message says what is wrong. */
  validate?(options: Readonly<Record<string, unknown>>): void;
  /**
   * Begins to watch; called after each deploy of the node, in every runtime that has it. What it throws is shown at the node.
   * @returns what ends it again
   */
  start(context: TriggerContext): TriggerHandle | Promise<TriggerHandle>;
}

/** A custom trigger at work. */
export interface TriggerHandle {
  /** Ends the watching; called before the node is deployed again, and when the runtime ends. */
  stop(): void | Promise<void>;
}

const contracts = new Map<string, TriggerContract>();

/**
 * Makes a trigger available to trigger nodes. Registering a name again replaces it for nodes that are deployed from then on.
 * @returns what takes it back
 * @throws InputError `E_TRIGGER_CONTRACT`
 */
export function registerTrigger(contract: TriggerContract): () => void {
  const name: unknown = contract?.name;
  if (typeof name !== 'string' || !/^[A-Za-z][\w.-]{0,63}$/.test(name) || typeof contract.start !== 'function') {
    throw new InputError(
      'E_TRIGGER_CONTRACT',
      'A trigger needs a "name" (a letter, then up to 63 letters, digits, ".", "-", "_") and a function "start".',
    );
  }
  contracts.set(name, contract);
  return () => {
    if (contracts.get(name) === contract) contracts.delete(name);
  };
}

/** The trigger of this name. @throws NotFoundError `E_UNKNOWN_TRIGGER_CONTRACT` */
export function triggerContract(name: string): TriggerContract {
  const contract = contracts.get(name);
  if (contract) return contract;
  const known = triggerContracts();
  throw new NotFoundError(
    'E_UNKNOWN_TRIGGER_CONTRACT',
    `There is no trigger "${name}" in this process. ${known.length > 0 ? `There are: ${known.join(', ')}.` : 'Register it with registerTrigger(), or install the plugin that brings it along.'}`,
  );
}

/** Names of the triggers of this process. */
export function triggerContracts(): string[] {
  return [...contracts.keys()].sort();
}
