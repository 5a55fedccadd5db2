import type { Marketing } from '../../lib';
import { InputError, NotFoundError } from '../../lib/errors';
import { mapInbound } from '../../lib/triggers';
import type { InboundAuth, InboundEndpoint } from '../../lib/http';
import type { NodeKit } from '../kit/node';

/** Shortest secret that is accepted, characters. */
const SHORTEST_SECRET = 16;

/**
 * What a trigger's inbound webhook takes in: an event for a lead. Recording it is what lets the lead in.
 * @throws InputError `E_CONFIG` when its address or its secret is missing
 */
export function endpointOf(kit: NodeKit, marketing: () => Promise<Marketing>): InboundEndpoint {
  const { config } = kit;
  const mapping = { lead: config.text('leadPath'), data: config.text('dataPath'), id: config.text('idPath') };
  const event = config.text('event');
  const key = config.text('webhookKey');
  const creates = config.flag('createLeads', true);
  return {
    auth: authOf(kit),
    async take(body, signed) {
      const { lead, metadata, id = undefined } = mapInbound(body, mapping);
      const said = signed ?? id;
      const eventId = said === undefined ? {} : { eventId: `in:${key}:${said}` };
      const { events, leads } = await marketing();
      try {
        await events.record({
          type: event,
          lead: creates ? (typeof lead === 'string' ? { email: lead } : lead) : await knownLead(leads, lead),
          ...eventId,
          ...(metadata ? { metadata } : {}),
        });
      } catch (error) {
        // Whether somebody is known here is nothing that the sender is told.
        if (!(error instanceof NotFoundError)) throw error;
      }
    },
  };
}

/** @throws NotFoundError `E_UNKNOWN_LEAD` */
async function knownLead(leads: Marketing['leads'], lead: string | Readonly<Record<string, unknown>>): Promise<number> {
  const { email, externalId } = typeof lead === 'string' ? { email: lead, externalId: undefined } : lead;
  const found =
    typeof externalId === 'string' && externalId !== ''
      ? await leads.get({ externalId })
      : typeof email === 'string' && email !== ''
        ? await leads.get({ email })
        : undefined;
  if (found) return found.id;
  throw new NotFoundError('E_UNKNOWN_LEAD', 'There is no such lead.');
}

function authOf({ config, credentials, title }: NodeKit): InboundAuth {
  const secret = credentials['webhookSecret']?.trim() ?? '';
  if (secret.length < SHORTEST_SECRET) {
    throw new InputError(
      'E_CONFIG',
      `The inbound webhook of ${title} needs a secret of at least ${SHORTEST_SECRET} characters. Open it and have one made.`,
    );
  }
  if (config.choice('webhookAuth', ['signature', 'secret'], 'signature') === 'signature')
    return { kind: 'signature', secrets: [secret] };
  return { kind: 'secret', header: config.text('webhookHeader') || 'X-Webhook-Secret', secret };
}
