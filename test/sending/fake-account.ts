import { createAccount, type Account, type DeliveryResult, type OutgoingMessage } from '../../lib/channels';
import type { Clock } from '../../lib/clock';

/** An account whose server is a function: says what becomes of each message, and remembers what it was given. */
export function fakeAccount(
  clock: Clock,
  answer: (message: OutgoingMessage, nth: number) => DeliveryResult | Promise<DeliveryResult>,
  options: { capacity?: number; rate?: number } = {},
): { account: Account; delivered: OutgoingMessage[] } {
  const delivered: OutgoingMessage[] = [];
  const account = createAccount(
    {
      key: 'fake',
      channel: 'email',
      capacity: options.capacity ?? 20,
      ...(options.rate ? { rates: [{ limit: options.rate, per: 'second' as const }] } : {}),
    },
    {
      prepare: (message) => async () => {
        delivered.push(message);
        return answer(message, delivered.length);
      },
    },
    clock,
  );
  return { account, delivered };
}

export const sent: DeliveryResult = { status: 'sent', providerId: 'p1' };
