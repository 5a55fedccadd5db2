import {
  armOf,
  countsOf,
  fixedP,
  haveAnswered,
  isCompared,
  judge,
  longestSample,
  meanOf,
  METHOD,
  pairKey,
  pairsOf,
  plannedSize,
  varianceOfMean,
  type Arm,
  type Verdict,
} from './judge';
import {
  betaPosterior,
  chancesOf,
  chiSquareTest,
  holm,
  newcombe,
  normalPosterior,
  pText,
  sampleRatio,
  wilson,
  zOf,
  type Chances,
  type Interval,
  type SampleRatio,
} from './statistics';
import type { Experiment, ExperimentMetric, Variant, VariantCounts } from './types';

/** A variant in a report. */
export interface ReportedVariant {
  readonly variant: string;
  readonly name: string;
  readonly control: boolean;
  /** Percent of those who come now. */
  readonly share: number;
  readonly exposed: number;
  readonly opened: number;
  readonly clicked: number;
  readonly converted: number;
  readonly revenue: number;
  /** What came after the decision: shown, and not counted. Absent before it. */
  readonly late?: {
    readonly exposed: number;
    readonly opened: number;
    readonly clicked: number;
    readonly converted: number;
    readonly revenue: number;
  };
  /** People in whom it succeeded ÷ exposed; for revenue, the mean per person. Null for the control (unless the metric is conversion), and of nobody. */
  readonly rate: number | null;
  /** Wilson's interval; for revenue, that of a large sample. At the experiment's threshold. */
  readonly interval: Interval | null;
  readonly chanceToBeBest: number | null;
  readonly expectedLoss: number | null;
}

/** Two variants in a report: `b` against `a`. */
export interface ReportedPair {
  readonly a: string;
  readonly b: string;
  readonly difference: number;
  /** Newcombe's interval of the difference; for revenue, that of a large sample. */
  readonly interval: Interval;
  /** Valid for one look at a size that was planned before. */
  readonly p: number | null;
  readonly pText: string;
  /** The same after Holm's correction for all pairs. */
  readonly pHolm: number | null;
  /** Valid however often one looks: the least so far. Null in comparisons with the control. */
  readonly alwaysValidP: number | null;
  readonly alwaysValidText: string;
}

/** Something to know before believing a report. */
export interface ReportWarning {
  readonly code: 'sample_ratio' | 'open_rate' | 'few_people' | 'shares_changed' | 'bandit' | 'too_small' | 'look_once';
  readonly text: string;
}

/** How an experiment stands. */
export interface ExperimentReport {
  readonly experiment: number;
  readonly campaign: number;
  readonly key: string;
  readonly name: string;
  readonly state: Experiment['state'];
  readonly mode: 'test' | 'bandit';
  readonly metric: ExperimentMetric;
  readonly threshold: number;
  readonly variants: readonly ReportedVariant[];
  /** Do the variants differ at all? Pearson's chi-square over all of them. Absent for revenue and for a bandit. */
  readonly overall?: {
    readonly chiSquare: number | null;
    readonly df: number;
    readonly p: number | null;
    readonly pText: string;
    readonly minExpected: number;
    /** False: fewer than 5 people expected in a cell. The pairs are then tested exactly (Fisher). */
    readonly reliable: boolean;
  };
  /** Empty for a bandit, which says nothing about significance. */
  readonly pairs: readonly ReportedPair[];
  /** Each variant against those who got no message: conversions only. */
  readonly againstControl: readonly ReportedPair[];
  /** Absent for a bandit. */
  readonly sampleRatio?: SampleRatio & { readonly pText: string };
  readonly plan: {
    /** People per variant that it takes to find the hoped-for difference. */
    readonly perVariant: number;
    /** People per variant after which it ends without a winner. */
    readonly longest: number;
    readonly minSample: number;
    readonly baseline: number;
    readonly lift: number;
    readonly power: number;
    /** Until the planned size, at the pace so far. Null while nobody has come, 0 when it is reached. */
    readonly daysToGo: number | null;
  };
  readonly verdict: Verdict;
  readonly decision?: Experiment['decision'];
  readonly warnings: readonly ReportWarning[];
  readonly method: string;
  readonly at: number;
}

const DAY = 86_400_000;

/** Evaluates an experiment from its variants' counters. Pure, and a fraction of a millisecond for five variants. */
export function reportOn(experiment: Experiment, at: number): ExperimentReport {
  const { metric, settings, variants, decision } = experiment;
  const counted = (variant: Variant): VariantCounts => decision?.inputs[variant.key] ?? variant.counts;
  const messages = variants.filter(({ control }) => !control);
  const control = variants.find((variant) => variant.control);
  const arms = messages.map((variant) => armOf(variant.key, counted(variant), metric));
  const bandit = settings.mode === 'bandit';
  const level = settings.threshold / 100;
  const ratio = sampleRatio(
    variants.map((variant) => counted(variant).exposed),
    variants.map((variant) => counted(variant).expected),
  );
  const chances = chancesFor(arms, metric);
  const compared = messages.filter((one) => decision !== undefined || isCompared(one, one.counts, settings));
  const judged = judge(
    arms.filter(({ key }) => compared.some((one) => one.key === key)),
    {
      metric,
      settings,
      looks: experiment.looks,
      alarm: ratio.alarm,
      answered: haveAnswered(experiment.looks, metric, settings, at),
    },
  );
  const pairs = bandit ? [] : comparisons(arms, metric, level, (key) => judged.pairs[key]?.p ?? null);
  const againstControl =
    bandit || !control
      ? []
      : controlPairs(
          messages.map((one) => ({ key: one.key, counts: counted(one) })),
          control,
          counted(control),
          level,
        );
  return {
    experiment: experiment.id,
    campaign: experiment.campaign,
    key: experiment.key,
    name: experiment.name,
    state: experiment.state,
    mode: settings.mode,
    metric,
    threshold: settings.threshold,
    variants: variants.map((variant) => {
      const place = messages.indexOf(variant);
      return reported(variant, counted(variant), decision !== undefined, metric, level, chances, place);
    }),
    ...(bandit || metric === 'revenue' ? {} : { overall: overallOf(arms) }),
    pairs,
    againstControl,
    ...(bandit ? {} : { sampleRatio: { ...ratio, pText: pText(ratio.p) } }),
    plan: planOf(experiment, arms, at),
    verdict: verdictOf(experiment, judged.verdict),
    ...(decision === undefined ? {} : { decision }),
    warnings: warningsOf(experiment, arms, ratio),
    method: METHOD,
    at,
  };
}

/** Chance to be best and expected loss of arms. */
export function chancesFor(arms: readonly Arm[], metric: ExperimentMetric): Chances {
  return chancesOf(
    arms.map((arm) =>
      metric === 'revenue'
        ? normalPosterior(meanOf(arm), Math.sqrt(varianceOfMean(arm)))
        : betaPosterior(countsOf(arm)),
    ),
  );
}

/** What is shown besides a look's verdict: what was decided, or waits to be. */
function verdictOf({ state, decision, looks, settings }: Experiment, judged: Verdict): Verdict {
  if (decision) {
    const { winner, because } = decision;
    return winner === null ? { kind: 'no_winner', because } : { kind: 'winner', winner, because };
  }
  if (looks.found) {
    const { winner, because } = looks.found;
    return winner === null ? { kind: 'no_winner', because } : { kind: 'winner', winner, because };
  }
  if (state === 'running') return judged;
  if (state === 'too_small')
    return { kind: 'undecided', because: 'The audience is too small for a test: everybody gets the baseline.' };
  if (state === 'planned') return { kind: 'undecided', because: 'It has not started: nobody has come yet.' };
  return {
    kind: 'undecided',
    because: settings.mode === 'bandit' ? 'It was stopped.' : 'It was stopped before anything was found.',
  };
}

function reported(
  variant: Variant,
  counts: VariantCounts,
  over: boolean,
  metric: ExperimentMetric,
  level: number,
  { best, loss }: Chances,
  place: number,
): ReportedVariant {
  const { key, name, control, share, counts: now } = variant;
  const arm = armOf(key, counts, metric);
  const compared = !control || metric === 'conversion';
  const { exposed, opened, clicked, converted, revenue } = counts;
  return {
    variant: key,
    name,
    control,
    share,
    exposed,
    opened,
    clicked,
    converted,
    revenue,
    ...(over
      ? {
          late: {
            exposed: now.exposed - exposed,
            opened: now.opened - opened,
            clicked: now.clicked - clicked,
            converted: now.converted - converted,
            revenue: now.revenue - revenue,
          },
        }
      : {}),
    rate: compared && arm.n > 0 ? meanOf(arm) : null,
    interval: compared && arm.n > 0 ? intervalOf(arm, metric, level) : null,
    chanceToBeBest: best[place] ?? null,
    expectedLoss: loss[place] ?? null,
  };
}

function intervalOf(arm: Arm, metric: ExperimentMetric, level: number): Interval {
  if (metric !== 'revenue') return wilson(countsOf(arm), level);
  const half = zOf(level) * Math.sqrt(varianceOfMean(arm));
  return [meanOf(arm) - half, meanOf(arm) + half];
}

function comparisons(
  arms: readonly Arm[],
  metric: ExperimentMetric,
  level: number,
  alwaysValid: (pair: string) => number | null,
): ReportedPair[] {
  const pairs = pairsOf(arms).map(([a, b]) => ({ a, b, p: fixedP(a, b, metric) }));
  const corrected = holm(pairs.map(({ p }) => p ?? 1));
  return pairs.map(({ a, b, p }, at) => {
    const least = alwaysValid(pairKey(a.key, b.key));
    return {
      a: a.key,
      b: b.key,
      difference: meanOf(b) - meanOf(a),
      interval: differenceOf(a, b, metric, level),
      p,
      pText: pText(p),
      pHolm: p === null ? null : (corrected[at] ?? null),
      alwaysValidP: least,
      alwaysValidText: pText(least),
    };
  });
}

/** Variants against the control: always on conversions, whatever the metric. Those without a message open and click nothing. */
function controlPairs(
  messages: readonly { key: string; counts: VariantCounts }[],
  control: Variant,
  counts: VariantCounts,
  level: number,
): ReportedPair[] {
  const none = armOf(control.key, counts, 'conversion');
  const pairs = messages.map(({ key, counts: own }) => {
    const arm = armOf(key, own, 'conversion');
    return { arm, p: fixedP(none, arm, 'conversion') };
  });
  const corrected = holm(pairs.map(({ p }) => p ?? 1));
  return pairs.map(({ arm, p }, at) => ({
    a: none.key,
    b: arm.key,
    difference: meanOf(arm) - meanOf(none),
    interval: differenceOf(none, arm, 'conversion', level),
    p,
    pText: pText(p),
    pHolm: p === null ? null : (corrected[at] ?? null),
    alwaysValidP: null,
    alwaysValidText: pText(null),
  }));
}

function differenceOf(a: Arm, b: Arm, metric: ExperimentMetric, level: number): Interval {
  if (metric !== 'revenue') return newcombe(countsOf(a), countsOf(b), level);
  const half = zOf(level) * Math.sqrt(varianceOfMean(a) + varianceOfMean(b));
  const difference = meanOf(b) - meanOf(a);
  return [difference - half, difference + half];
}

function overallOf(arms: readonly Arm[]): NonNullable<ExperimentReport['overall']> {
  const { statistic, df, p, minExpected, cochranOk } = chiSquareTest(arms.map(countsOf));
  return { chiSquare: statistic, df, p, pText: pText(p), minExpected, reliable: cochranOk };
}

function planOf(
  { metric, settings, startedAt }: Experiment,
  arms: readonly Arm[],
  at: number,
): ExperimentReport['plan'] {
  const { minSample, baseline, lift, power } = settings;
  const perVariant = Math.max(minSample, plannedSize(metric, settings));
  const least = arms.reduce((min, { n }) => Math.min(min, n), Infinity);
  const days = startedAt === undefined ? 0 : (at - startedAt) / DAY;
  const pace = days > 0 ? least / days : 0;
  const daysToGo = least >= perVariant ? 0 : pace > 0 ? Math.ceil((perVariant - least) / pace) : null;
  return { perVariant, longest: longestSample(metric, settings), minSample, baseline, lift, power, daysToGo };
}

function warningsOf(experiment: Experiment, arms: readonly Arm[], ratio: SampleRatio): ReportWarning[] {
  const { metric, settings, state } = experiment;
  const bandit = settings.mode === 'bandit';
  const warnings: ReportWarning[] = [];
  const warn = (code: ReportWarning['code'], text: string): void => void warnings.push({ code, text });
  if (state === 'too_small')
    warn('too_small', 'The audience has fewer than 100 people: no test was started, everybody gets the baseline.');
  if (!bandit && ratio.alarm) {
    warn(
      'sample_ratio',
      `The variants did not get the people that they were meant to get (${pText(ratio.p)}): no winner is named.`,
    );
  }
  if (metric === 'open') {
    warn(
      'open_rate',
      'Open rates are distorted by mail programs and scanners that open everything. Prefer clicks or conversions.',
    );
  }
  if (bandit) warn('bandit', 'The shares follow the results, so that nothing can be said about significance.');
  else {
    const few = metric !== 'revenue' && !chiSquareTest(arms.map(countsOf)).cochranOk;
    if (few) warn('few_people', 'Too few successes (or failures) for chi-square: pairs are tested exactly (Fisher).');
    if (settings.rule === 'always_valid') {
      warn(
        'look_once',
        '"p" and its correction are for one look at the planned size; the always-valid p may be looked at whenever you like.',
      );
    } else warn('look_once', 'A winner is named once, at the planned size. What is seen before that decides nothing.');
    if (sharesChanged(experiment)) {
      warn(
        'shares_changed',
        'The shares were changed while it ran: if success changed over time as well, the totals may mislead.',
      );
    }
  }
  return warnings;
}

/** Whether people came under another allocation than the present one. */
export function sharesChanged({ variants, decision }: Experiment): boolean {
  if (decision) return false;
  const people = variants.reduce((sum, { counts }) => sum + counts.expected, 0);
  return variants.some(
    ({ counts, share }) => Math.abs(counts.expected - (people * share) / 100) > Math.max(1, people * 1e-6),
  );
}
