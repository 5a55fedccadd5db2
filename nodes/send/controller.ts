import type { Marketing } from '../../lib';
import { InputError, MarketingError, NotFoundError } from '../../lib/errors';
import { compileContent, type SendSource } from '../../lib/sending';
import type { StationCounts, StationWork } from '../../lib/ledger/types';
import { accountOf, type AccountHub } from '../kit/account-node';
import type { Badge } from '../kit/badge';
import type { NodeKit } from '../kit/node';
import { startStation } from '../kit/station';
import { shortCount } from '../kit/texts';
import { senderOf, sourceOf } from './content';

/** Nobody is taken out of the queue: something has to be corrected in the flow first. */
const HELD: StationWork = { room: () => 0, take: () => undefined, close: () => Promise.resolve() };

/** Sends one message to each person. What is wrong with it is shown at deploy; people then wait, nobody is lost. */
export function startSend(kit: NodeKit): void {
  const account = accountOf(kit.config.text('account'));
  const content = checked(kit, account);
  const onUnknown = kit.config.choice('onUnknown', ['', 'hold', 'resend'], '');
  const lookAhead = templateWatch(kit);
  const maxAttempts = kit.config.number('maxAttempts', { min: 1, max: 100, whole: true, otherwise: 5 });
  if (account) followAccount(kit, account);
  const station = startStation(kit, {
    badge: badgeOf,
    work: (marketing) => {
      if (!account || !content) return HELD;
      lookAhead(marketing, content);
      return marketing.sendStation({
        account: account.account,
        content,
        sender: senderOf(kit, account),
        maxAttempts,
        ...(onUnknown === '' ? {} : { onUnknown }),
      });
    },
  });
  kit.onInput((msg) => station.arrive(msg));
}

/** Says at deploy, once, that a template is not there. It may still come: whoever arrives before it does, fails. */
function templateWatch(kit: NodeKit): (marketing: Marketing, source: SendSource) => void {
  let looked = false;
  return (marketing, source) => {
    if (looked || !('key' in source)) return;
    looked = true;
    marketing.templates.get(source.key).catch((error: unknown) => {
      if (!(error instanceof NotFoundError)) return;
      kit.warn(`${error.message} Create it before people arrive here: they would end in the dead-letter list.`);
    });
  };
}

/** Where the content comes from, or undefined when that (or the account) is not usable; said once, at deploy. */
function checked(kit: NodeKit, account: AccountHub | undefined): SendSource | undefined {
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
    const source = sourceOf(kit, account);
    if (!('from' in source)) compileContent(source);
    return source;
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
