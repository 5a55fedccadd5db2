import type { GuardAnswer } from '../../lib/governance';
import type { NodeKit } from '../kit/node';
import { startSwitch, type Verdict } from '../kit/switch';

const WITHIN = 0;
const BREACHED = 1;
/** Units of money: what one row may be worth. */
const MOST = 1_000_000_000;

/**
 * Lets people through for whose campaign there is money. One look for all who arrive together; with a cost, that much is booked for each
 * who passes, once per step that they came from.
 */
export function startRoi(kit: NodeKit): void {
  const question = {
    node: kit.title,
    cost: kit.config.number('cost', { min: 0, max: MOST, otherwise: 0 }),
    alsoLow: kit.config.flag('alsoLow', false),
  };
  startSwitch(kit, {
    async decide(marketing, people) {
      const answers = await marketing.roi.guard(
        people.map(({ journey: { campaign, step } }) => ({ campaign, step })),
        question,
      );
      return answers.map((answer) => verdict(kit, answer));
    },
  });
}

function verdict(kit: NodeKit, { within, because, saw }: GuardAnswer): Verdict {
  return {
    port: within ? WITHIN : BREACHED,
    decision: {
      node: kit.title,
      kind: 'roi',
      outcome: within ? 'within budget' : 'breached',
      because,
      saw: { ...saw },
    },
    endReason: within ? 'completed' : `no budget: ${because}`,
  };
}
