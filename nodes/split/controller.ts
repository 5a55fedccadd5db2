import type { Marketing } from '../../lib';
import type { Assigned } from '../../lib/experiments';
import { codeOf } from '../../lib/errors';
import type { Badge } from '../kit/badge';
import type { NodeKit } from '../kit/node';
import { startSwitch, type Candidate, type Verdict } from '../kit/switch';
import { shortCount } from '../kit/texts';
import { CONTROL, declaredBy, type Declared } from './declared';

/** The first output: what people get where there is no test, or where their variant is no longer drawn. */
const BASELINE = 0;

/** Divides people among variants; the same lead gets the same one for as long as the experiment is there. */
export function startSplit(kit: NodeKit): void {
  const declared = declaredBy(kit);
  startSwitch(kit, {
    decide: (marketing, people) => decide(kit, declared, marketing, people),
    shown: ({ yes, no }): Badge => ({ fill: 'green', text: 'divided', values: { shown: shortCount(yes + no) } }),
    badgeOf: (error) => (codeOf(error) === 'E_EXPERIMENT' ? { fill: 'red', text: 'invalid' } : undefined),
  });
}

/** One statement for all who arrive together, per journey that the node is a part of. */
async function decide(
  kit: NodeKit,
  declared: Declared,
  marketing: Marketing,
  people: readonly Candidate[],
): Promise<Verdict[]> {
  const verdicts = new Map<Candidate, Verdict>();
  for (const definition of new Set(people.map(({ journey }) => journey.definition))) {
    const own = people.filter(({ journey }) => journey.definition === definition);
    const assigned = await marketing.experiments.split(
      own.map(({ journey, lead }) => ({ campaign: journey.campaign, lead: lead.id })),
      { ...declared.input, key: `${definition}/${declared.experiment}`.slice(0, 255) },
    );
    for (const [at, one] of own.entries()) {
      const found = assigned[at];
      if (found) verdicts.set(one, verdictOf(kit, declared, found));
    }
  }
  return people.flatMap((one) => verdicts.get(one) ?? []);
}

function verdictOf(
  { title }: NodeKit,
  { outputs }: Declared,
  { variant, bucket, because, control }: Assigned,
): Verdict {
  const port = outputs.indexOf(variant);
  const gone = port < 0 ? `; the variant "${variant}" is no longer drawn` : '';
  return {
    port: port < 0 ? BASELINE : port,
    decision: {
      node: title,
      kind: 'split',
      outcome: variant,
      because: `${REASONS[because]}${gone}`,
      saw: { bucket },
    },
    endReason: control || variant === CONTROL ? 'control group of an experiment' : 'completed',
  };
}

const REASONS: Readonly<Record<Assigned['because'], string>> = {
  stays: 'was given it before',
  new: 'by the bucket',
  decided: 'the experiment is decided',
  too_small: 'fewer than 100 people: no test, everybody gets the baseline',
};
