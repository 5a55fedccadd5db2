import { InputError } from '../errors';

/** Where an inbound webhook says what: dotted paths into its JSON body. */
export interface InboundMapping {
  /** The lead: an e-mail address, or an object with its fields. Empty: the body itself. */
  readonly lead: string;
  /** What the event brings along. Empty: nothing. */
  readonly data: string;
  /** The sender's id of the event, for senders that do not sign. Empty: every call is a new event. */
  readonly id: string;
}

/** What an inbound webhook says. */
export interface InboundEvent {
  readonly lead: string | Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly id?: string;
}

/**
 * Reads a webhook's body. Only a lead's address or its fields name it: numbers of leads are our own business, and nobody outside
 * may try them.
 * @throws InputError `E_WEBHOOK_BODY`
 */
export function mapInbound(body: unknown, { lead, data, id }: InboundMapping): InboundEvent {
  const who = at(body, lead);
  if (typeof who !== 'string' && !isRecord(who)) {
    const where = lead === '' ? 'The body' : `"${lead}" in the body`;
    throw new InputError(
      'E_WEBHOOK_BODY',
      `${where} must be an e-mail address or an object with the fields of a lead.`,
    );
  }
  const metadata = data === '' ? undefined : at(body, data);
  const named = id === '' ? undefined : at(body, id);
  return {
    lead: isRecord(who) ? withoutId(who) : who,
    ...(isRecord(metadata) ? { metadata } : {}),
    ...(typeof named === 'string' || typeof named === 'number' ? { id: String(named) } : {}),
  };
}

function withoutId(lead: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { id: _ours, ...fields } = lead;
  return fields;
}

/** Own properties only; undefined where the path leads nowhere. */
function at(value: unknown, path: string): unknown {
  if (path === '') return value;
  let found: unknown = value;
  for (const name of path.split('.')) {
    if (!isRecord(found) || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return found;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
