import { InputError, MarketingError } from '../../lib/errors';
import { compileContent, type SendContent } from '../../lib/sending';
import type { StationCounts, StationWork } from '../../lib/ledger/types';
import { accountOf, type AccountHub } from '../kit/account-node';
import type { Badge } from '../kit/badge';
import type { NodeKit } from '../kit/node';
import { startStation } from '../kit/station';
import { shortCount } from '../kit/texts';
import { contentOf } from './content';

/** Nobody is taken out of the queue: something has to be corrected in the flow first. */
const HELD: StationWork = { room: () => 0, take: () => undefined, close: () => Promise.resolve() };

/** Sends one message to each person. What is wrong with it is shown at deploy; people then wait, nobody is lost. */
export function startSend(kit: NodeKit): void {
  const account = accountOf(kit.config.text('account'));
  const content = checked(kit, account);
  const onUnknown = kit.config.choice('onUnknown', ['', 'hold', 'resend'], '');
  const maxAttempts = kit.config.number('maxAttempts', { min: 1, max: 100, whole: true, otherwise: 5 });
  if (account) followAccount(kit, account);
  const station = startStation(kit, {
    badge: badgeOf,
    work: (marketing) =>
      account && content
        ? marketing.sendStation({
            account: account.account,
            content,
            maxAttempts,
            ...(onUnknown === '' ? {} : { onUnknown }),
          })
        : HELD,
  });
  kit.onInput((msg) => station.arrive(msg));
}

/** The content, or undefined when it (or the account) is not usable; said once, at deploy. */
function checked(kit: NodeKit, account: AccountHub | undefined): SendContent | undefined {
  if (!account) {
    kit.badge.broken({ fill: 'red', text: 'noAccount' });
    kit.error(
      new InputError(
        'E_NO_ACCOUNT',
        `${kit.title} has no usable sending account. Open it and choose one; people wait here meanwhile.`,
      ),
    );
    return undefined;
  }
  try {
    const content = contentOf(kit, account);
    compileContent(content);
    return content;
  } catch (error) {
    const code = error instanceof MarketingError ? error.code : 'E_UNEXPECTED';
    kit.badge.broken({ fill: 'red', text: code === 'E_TEMPLATE' ? 'template' : 'invalid' });
    kit.error(error);
    return undefined;
  }
}

function followAccount(kit: NodeKit, { account, use }: AccountHub): void {
  const release = use();
  const show = (): void =>
    kit.badge.held(account.breaker.state === 'closed' ? undefined : { fill: 'yellow', text: 'held' });
  const stop = account.breaker.on(show);
  show();
  kit.onClose(() => {
    stop();
    release();
  });
}

/** Blue while there are people to send to, green when all have been, with what failed or is in doubt. */
function badgeOf(counts: StationCounts): Badge {
  const { waiting, sent = 0, failed = 0, dead = 0, unknown = 0 } = counts;
  const wrong = failed + dead + unknown;
  const fill = waiting > 0 ? 'blue' : sent > 0 ? 'green' : 'grey';
  if (wrong > 0) return { fill, text: 'sentFailed', values: { sent: shortCount(sent), failed: shortCount(wrong) } };
  if (sent > 0) return { fill, text: 'sent', values: { shown: shortCount(sent) } };
  return waiting > 0
    ? { fill: 'blue', text: 'waiting', values: { shown: shortCount(waiting) } }
    : { fill, text: 'idle' };
}
