import { compileCondition } from './compile';
import type { CompileOptions, Condition, ConditionSchema, JsonCondition } from './types';

/** What a condition on an event may read of an engagement. */
export interface ConditionEvent {
  readonly type: string;
  readonly channel?: string;
  /** When it happened, milliseconds since 1970. */
  readonly at: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * Compiles a condition on an event and on the lead whose it is (AC-004.2): `event.value > 50 and event.product = "x" and
 * lead.country = "AT"`. Nobody declares what events bring: `event.<name>` takes its type from what it is compared with, and
 * a value of another type, or none, counts as absent: such a comparison is false, never an error. One level deeper,
 * `event.cart.total` works, too. Give `test` the event as `event: eventFields(…)`.
 *
 * A condition that reads nothing but the event has no `attributes` and no `behaviours`: it is decided without the lead.
 * @throws ConditionError with what to write in place, and where
 */
export function compileEventCondition(
  source: string | JsonCondition,
  schema: ConditionSchema,
  options: CompileOptions = {},
): Condition {
  return compileCondition(source, schema, { ...options, infer: [...(options.infer ?? []), 'event'] });
}

/**
 * What `event.<name>` reads: the metadata, and `type`, `channel` and `at` (ms) where the metadata have nothing of that
 * name. Without a prototype, so that no name means anything that was not sent.
 */
export function eventFields({ type, channel, at, metadata }: ConditionEvent): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  fields['type'] = type;
  fields['at'] = at;
  if (channel !== undefined) fields['channel'] = channel;
  for (const [name, value] of Object.entries(metadata)) fields[name] = value;
  return fields;
}
