import { InputError } from '../../lib/errors';
import type { Decision, Journey, LeadView } from '../../lib/types';
import type { FlowMessage } from './node';

/**
 * The token of the person that a message carries.
 * @throws InputError E_NO_JOURNEY when there is none, or one of another tenant
 */
export function journeyOf(msg: FlowMessage, tenant: string): Journey {
  const journey = msg['journey'];
  if (!isJourney(journey)) throw noJourney('it carries no journey token');
  if (journey.tenant !== tenant) throw noJourney('its journey token belongs to another tenant');
  return journey;
}

/** The token of a message, if it carries one of this tenant. */
export function journeyIn(msg: FlowMessage, tenant: string): Journey | undefined {
  const journey = msg['journey'];
  return isJourney(journey) && journey.tenant === tenant ? journey : undefined;
}

/** The lead that a message carries. Only its id is believed; the rest may have been changed on the way. */
export function leadOf(msg: FlowMessage): LeadView {
  const lead: unknown = msg.payload;
  if (typeof lead !== 'object' || lead === null || !Number.isSafeInteger(Reflect.get(lead, 'id'))) {
    throw noJourney('msg.payload is not the lead that was sent (it has no id)');
  }
  return lead as LeadView;
}

/** Adds a decision to the message's trail, without touching the token of other messages. */
export function addDecision(msg: FlowMessage, journey: Journey, decision: Decision): void {
  msg['journey'] = { ...journey, trail: [...journey.trail, decision] };
}

function isJourney(value: unknown): value is Journey {
  if (typeof value !== 'object' || value === null) return false;
  const { tenant, definition, campaign, enrollment, step, trail } = value as Readonly<Record<string, unknown>>;
  return (
    typeof tenant === 'string' &&
    typeof definition === 'string' &&
    [campaign, enrollment, step].every((id) => typeof id === 'number' && Number.isSafeInteger(id)) &&
    Array.isArray(trail)
  );
}

function noJourney(why: string): InputError {
  return new InputError(
    'E_NO_JOURNEY',
    `This message is not a person on a journey: ${why}. Start at a trigger node, and keep msg.journey and msg.payload in function and change nodes.`,
  );
}
