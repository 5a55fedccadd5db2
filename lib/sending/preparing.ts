import type { LeasedStep, StepResult } from '../ledger';
import type { CampaignView, LeadView } from '../types';
import { earlierTries, type EarlierTry } from './messages';
import type { Choice, ContentShelf, Version } from './shelf';
import type { ContentSource } from './sources';
import type { SendDeps, ShownVariant } from './types';
import { FAILED, SUPPRESSED } from './ports';

/** A person whose message can be filled. */
export interface Prepared {
  readonly step: LeasedStep;
  readonly lead: LeadView;
  readonly campaign: CampaignView;
  /** What it is filled from, at this try and every later one. */
  readonly version: Version;
  /** Tries that were charged. */
  readonly attempt: number;
  /** Date of the first try, ms. */
  readonly date: number;
  /** Variant of an experiment; absent: none. */
  readonly variant?: string;
}

/** Whom there is something to send to, and what becomes of the others. */
export interface Preparation {
  readonly ready: Prepared[];
  readonly done: StepResult[];
}

/** Looks up what leased people's messages are made of: a few statements for the group. */
export async function prepare(
  steps: readonly LeasedStep[],
  { scope, clock, leads, campaigns, variants }: Pick<SendDeps, 'scope' | 'clock' | 'leads' | 'campaigns' | 'variants'>,
  { source, shelf }: { source: ContentSource; shelf: ContentShelf },
): Promise<Preparation> {
  const campaignIds = [...new Set(steps.map(({ campaign }) => campaign))];
  const [leadOf, campaignOf, earlier, newest, shown] = await Promise.all([
    leads(scope, [...new Set(steps.map(({ lead }) => lead))]),
    campaigns(scope, campaignIds),
    earlierTries(scope, steps),
    source.choose(campaignIds),
    variants?.(steps, { dividing: source.ofVariants !== undefined }),
  ]);
  const wordsOf = await variantWords(source, [...(shown?.values() ?? [])]);
  const kept = await shelf.kept([...earlier.values()].map(({ contentId }) => contentId));
  const choiceFor = (step: LeasedStep, former: EarlierTry | undefined): Choice =>
    (former && kept.get(former.contentId)) ?? wordsOf(shown?.get(step.id)) ?? newest(step.campaign);
  const ready: Prepared[] = [];
  const done: StepResult[] = [];
  for (const step of steps) {
    const lead = leadOf.get(step.lead);
    const campaign = campaignOf.get(step.campaign);
    const former = earlier.get(step.id);
    const choice = choiceFor(step, former);
    const one = shown?.get(step.id);
    if (!lead || !campaign) done.push({ step, kind: 'release', port: FAILED, reason: 'the lead is gone' });
    else if (one?.control) done.push({ step, kind: 'release', port: SUPPRESSED, reason: 'experiment_control' });
    else if ('refused' in choice) done.push({ step, kind: 'fail', reason: choice.refused });
    else {
      const variant = one === undefined ? {} : { variant: one.variant };
      const date = former?.firstAt ?? clock.now();
      ready.push({ step, lead, campaign, version: choice, attempt: former?.attempt ?? 0, date, ...variant });
    }
  }
  return { ready, done };
}

/** What messages of variants with contents of their own are filled from: each content is looked at once. */
async function variantWords(
  source: ContentSource,
  shown: readonly ShownVariant[],
): Promise<(one: ShownVariant | undefined) => Choice | undefined> {
  const contents = new Map<object, { variant: string; content: Readonly<Record<string, unknown>> }>();
  for (const { variant, content } of shown) if (content) contents.set(content, { variant, content });
  if (!source.ofVariants || contents.size === 0) return () => undefined;
  const choices = await source.ofVariants([...contents.values()]);
  const byContent = new Map([...contents.keys()].map((content, at) => [content, choices[at]]));
  return (one) => (one?.content ? byContent.get(one.content) : undefined);
}
