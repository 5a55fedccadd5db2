import { backoff, type DeliveryResult } from '../channels';
import type { LeasedStep, StepResult } from '../ledger';
import type { MessageOutcome } from './messages';
import { FAILED, SENT } from './ports';
import type { Prepared } from './preparing';
import type { SendDeps, SendOptions } from './types';

/** What became of a step, and of its message when there was one. */
export interface Settled {
  readonly result: StepResult;
  readonly outcome?: MessageOutcome;
}

/** What a delivery result means for the step and its message. */
export type Judge = (prepared: Prepared, result: DeliveryResult) => Settled;

/** A judge by the rules of a station. */
export function judgeOf(options: SendOptions, { clock, random }: Pick<SendDeps, 'clock' | 'random'>): Judge {
  const { maxAttempts = 5, retryBaseMs = 60_000, retryMaxMs = 14_400_000, onUnknown } = options;
  const nextTry = (tries: number): number =>
    clock.now() + backoff(tries, { base: retryBaseMs, max: retryMaxMs, ...(random ? { random } : {}) });
  return ({ step, attempt, campaign, variant: of }, result) => {
    const variant = of === undefined ? {} : { variant: of };
    const tries = attempt + 1;
    switch (result.status) {
      case 'sent':
        return {
          result: { step, kind: 'release', port: SENT },
          outcome: { step, state: 'sent', charged: true, providerId: result.providerId, ...variant },
        };
      case 'deferred': {
        const { reason } = result;
        if (tries >= maxAttempts) return failed(step, variant, `given up after ${tries} tries: ${reason}`);
        return {
          result: { step, kind: 'retry', dueAt: result.retryAt ?? nextTry(tries), reason },
          outcome: { step, state: 'deferred', charged: true, reason, ...variant },
        };
      }
      case 'rejected':
        return failed(step, variant, result.reason);
      case 'unknown': {
        const { reason } = result;
        const outcome: MessageOutcome = { step, state: 'unknown', charged: true, reason, ...variant };
        const resend = (onUnknown ?? campaign.onUnknown) === 'resend' && tries < maxAttempts;
        return resend
          ? { result: { step, kind: 'retry', dueAt: nextTry(tries), reason }, outcome }
          : { result: { step, kind: 'unknown', reason }, outcome };
      }
      case 'unavailable':
        return {
          result: { step, kind: 'return' },
          outcome: { step, state: 'deferred', charged: false, reason: result.reason, ...variant },
        };
    }
  };
}

function failed(step: LeasedStep, variant: Pick<MessageOutcome, 'variant'>, reason: string): Settled {
  return {
    result: { step, kind: 'release', port: FAILED, reason },
    outcome: { step, state: 'failed', charged: true, reason, ...variant },
  };
}
