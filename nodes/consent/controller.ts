import type { BlockReason, Sendability, SendabilityRules } from '../../lib/leads';
import type { NodeKit } from '../kit/node';
import { startSwitch, type Verdict } from '../kit/switch';

const ALLOWED = 0;
const BLOCKED = 1;

/** Why somebody's way ends here, in the words of reports. */
const REASONS: Readonly<Record<BlockReason, string>> = {
  suppressed: 'blocked: suppressed',
  opted_out: 'blocked: opted out',
  opted_out_all: 'blocked: opted out of everything',
  no_consent: 'blocked: no consent',
  no_address: 'blocked: no address',
};

/** Lets through whom the channel may reach: consent, opt-outs, suppression, and frequency caps where asked for. One statement for all who arrive together. */
export function startConsent(kit: NodeKit): void {
  const channel = kit.config.text('channel') || 'email';
  const rules: SendabilityRules = {
    requireConsent: kit.config.choice('requireConsent', ['eu', 'all', 'none'], 'eu'),
    checkSuppression: kit.config.flag('checkSuppression', true),
    checkOptOut: kit.config.flag('checkOptOut', true),
    unknownCountry: kit.config.choice('unknownCountry', ['block', 'allow'], 'block') === 'allow' ? 'allow' : 'require',
  };
  const checkFrequency = kit.config.flag('checkFrequency', false);
  startSwitch(kit, {
    async decide(marketing, people) {
      const ids = [...new Set(people.map(({ lead }) => lead.id))];
      const answers = await marketing.leads.sendability(ids, channel, rules);
      const verdicts = people.map(({ lead }) => verdict(kit, answers.get(lead.id)));
      if (!checkFrequency) return verdicts;
      const allowed = people.filter((_, index) => verdicts[index]?.port === ALLOWED);
      const enough = await marketing.sendRules.capped(
        allowed.map(({ lead, journey: { campaign, enrollment } }) => ({ lead: lead.id, campaign, enrollment })),
        channel,
      );
      return people.map(({ journey }, index) => {
        const because = enough.get(journey.enrollment);
        const own = verdicts[index] ?? verdict(kit, undefined);
        return because === undefined ? own : capped(kit, because);
      });
    },
  });
}

function capped(kit: NodeKit, because: string): Verdict {
  return {
    port: BLOCKED,
    decision: { node: kit.title, kind: 'consent', outcome: 'blocked', because: `The lead ${because}.` },
    endReason: 'blocked: frequency cap',
  };
}

function verdict(kit: NodeKit, answer: Sendability | undefined): Verdict {
  const decision = { node: kit.title, kind: 'consent' } as const;
  if (answer?.allowed) return { port: ALLOWED, decision: { ...decision, outcome: 'allowed' }, endReason: 'completed' };
  return {
    port: BLOCKED,
    decision: { ...decision, outcome: 'blocked', because: answer?.detail ?? 'The lead does not exist any more.' },
    endReason: answer ? REASONS[answer.reason] : 'blocked: the lead is gone',
  };
}
