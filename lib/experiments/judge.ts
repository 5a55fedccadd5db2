import {
  alwaysValidP,
  fisherTest,
  holm,
  lnMixtureRatio,
  lnRatioOf,
  lnTwoSided,
  probability,
  sampleSize,
  tau2Of,
  zTest,
} from './statistics';
import type { ExperimentMetric, ExperimentSettings, Looks, PairMinimum, Variant, VariantCounts } from './types';

/** Name and version of the rules and formulas: a decision says by which it was made. */
export const METHOD = 'experiments/1';
/** Tables with fewer expected people in a cell are tested exactly. */
const COCHRAN = 5;
const DAY = 86_400_000;

/** One arm as it is judged: variants with a message; the control is not among them. */
export interface Arm {
  readonly key: string;
  /** People exposed. */
  readonly n: number;
  /** People in whom it succeeded; for revenue, all that was brought. */
  readonly sum: number;
  /** Sum of squares of what each person brought; for the other metrics the same as `sum`. */
  readonly squares: number;
}

/** What a look says. */
export type Verdict =
  /** People go on being divided. */
  | { readonly kind: 'undecided'; readonly because: string }
  /** The sample-ratio check gave an alarm: nothing is decided until a person has looked. */
  | { readonly kind: 'blocked'; readonly because: string }
  | { readonly kind: 'winner'; readonly winner: string; readonly because: string }
  /** It was looked for as long as planned, and nothing was found. */
  | { readonly kind: 'no_winner'; readonly because: string };

/** What is judged by. */
export interface JudgeOptions {
  readonly metric: ExperimentMetric;
  readonly settings: ExperimentSettings;
  readonly looks: Looks;
  /** Whether the sample-ratio check gave an alarm. */
  readonly alarm: boolean;
  /** Whether those who make up the size that ends a test have had their time to answer, see {@link haveAnswered}. Default: yes. */
  readonly answered?: boolean;
}

/** A look: the verdict, and what has to be remembered of it. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly pairs: Readonly<Record<string, PairMinimum>>;
  /** True when this look is the one at the planned size: there is no other. */
  readonly planned: boolean;
  /** True when each variant has had as many people as end the test: from the first such look on they have time to answer. */
  readonly full: boolean;
}

/** How an arm counts under a metric. */
export function armOf(key: string, counts: VariantCounts, metric: ExperimentMetric): Arm {
  const { exposed: n } = counts;
  switch (metric) {
    case 'open':
      return { key, n, sum: counts.opened, squares: counts.opened };
    case 'click':
      return { key, n, sum: counts.clicked, squares: counts.clicked };
    case 'conversion':
      return { key, n, sum: counts.converted, squares: counts.converted };
    case 'revenue':
      return { key, n, sum: counts.revenue, squares: counts.revenueSquares };
  }
}

/** The rate, or mean, of an arm; 0 of nobody. */
export function meanOf({ n, sum }: Arm): number {
  return n === 0 ? 0 : sum / n;
}

/** The variance of an arm's mean, for money. */
export function varianceOfMean({ n, sum, squares }: Arm): number {
  return n < 2 ? 0 : Math.max(0, squares - (sum * sum) / n) / (n - 1) / n;
}

/** People per variant that the plan asks for. For money nothing can be said without its variance: the smallest sample. */
export function plannedSize(metric: ExperimentMetric, settings: ExperimentSettings): number {
  const { baseline, lift, power, minSample } = settings;
  if (metric === 'revenue') return minSample;
  return sampleSize({ from: baseline, to: baseline * (1 + lift), alpha: alphaOf(settings), power });
}

/** People per variant after which an always-valid test ends without a winner. */
export function longestSample(metric: ExperimentMetric, settings: ExperimentSettings): number {
  return settings.maxSample ?? Math.max(settings.minSample, 3 * plannedSize(metric, settings));
}

/**
 * Whether everybody who was there when the size was first reached has had time to answer: a campaign that is sent within minutes has all its
 * people before anybody has clicked, and would end with nothing found. Opens and clicks have a day, conversions and money the
 * experiment's window.
 */
export function haveAnswered(
  { fullAt }: Looks,
  metric: ExperimentMetric,
  { windowDays }: ExperimentSettings,
  now: number,
): boolean {
  return fullAt !== undefined && now >= fullAt + (metric === 'open' || metric === 'click' ? 1 : windowDays) * DAY;
}

/** Whether a variant is compared: not the control, and not one that gets nobody (any more) and has had too few people to say anything. */
export function isCompared(
  { control, share }: Pick<Variant, 'control' | 'share'>,
  { exposed }: VariantCounts,
  { minSample }: ExperimentSettings,
): boolean {
  return !control && (share > 0 || exposed >= minSample);
}

/** The error that a threshold leaves. */
export function alphaOf({ threshold }: Pick<ExperimentSettings, 'threshold'>): number {
  switch (threshold) {
    case 90:
      return 0.1;
    case 95:
      return 0.05;
    case 99:
      return 0.01;
  }
}

/** How two arms are written together, in the order of the variants. */
export function pairKey(a: string, b: string): string {
  return `${a}|${b}`;
}

/** The fixed-horizon p of two arms: valid for one look. Exact where the counts are small. */
export function fixedP(a: Arm, b: Arm, metric: ExperimentMetric): number | null {
  if (a.n === 0 || b.n === 0) return null;
  if (metric === 'revenue') {
    const variance = varianceOfMean(a) + varianceOfMean(b);
    return variance > 0 ? probability(lnTwoSided((meanOf(b) - meanOf(a)) / Math.sqrt(variance))) : null;
  }
  const [one, other] = [countsOf(a), countsOf(b)];
  const hits = a.sum + b.sum;
  const rarer = Math.min(hits, a.n + b.n - hits);
  if (rarer === 0) return null;
  const expected = (Math.min(a.n, b.n) * rarer) / (a.n + b.n);
  return expected < COCHRAN ? fisherTest(one, other) : zTest(one, other).p;
}

/** ln of the mixture likelihood ratio of two arms. */
export function lnRatio(a: Arm, b: Arm, metric: ExperimentMetric, tau2: number): number {
  if (metric !== 'revenue') return lnRatioOf(countsOf(a), countsOf(b), tau2);
  return lnMixtureRatio(meanOf(b) - meanOf(a), varianceOfMean(a) + varianceOfMean(b), tau2);
}

/**
 * Decides what a look says. Pure: the same counts, settings and former looks give the same verdict; the simulation in the tests runs
 * exactly this. A winner must be ahead of every other arm with a p that, corrected for all pairs by Holm's method, is within the
 * threshold: an always-valid p at any look, or the fixed-horizon p at the one look at the planned size.
 */
export function judge(
  arms: readonly Arm[],
  { metric, settings, looks, alarm, answered = true }: JudgeOptions,
): Judgement {
  const former = looks.pairs ?? {};
  const stay = (verdict: Verdict): Judgement => ({ verdict, pairs: former, planned: false, full: false });
  if (settings.mode === 'bandit')
    return stay({ kind: 'undecided', because: 'A bandit moves people and names no winner.' });
  const least = arms.reduce((min, { n }) => Math.min(min, n), Infinity);
  if (alarm) {
    return stay({
      kind: 'blocked',
      because: 'The sample-ratio check gave an alarm: find out why before anything is decided.',
    });
  }
  if (arms.length < 2) return stay({ kind: 'undecided', because: 'Only one variant gets people.' });
  if (least < settings.minSample) {
    return stay({ kind: 'undecided', because: `Each variant needs ${settings.minSample} people first.` });
  }
  return settings.rule === 'planned_size'
    ? atPlannedSize(arms, { metric, settings, looks, least, answered })
    : atAnyTime(arms, { metric, settings, former, least, answered });
}

interface Ready {
  readonly metric: ExperimentMetric;
  readonly settings: ExperimentSettings;
  readonly least: number;
  readonly answered: boolean;
}

function atAnyTime(
  arms: readonly Arm[],
  { metric, settings, former, least, answered }: Ready & { former: Readonly<Record<string, PairMinimum>> },
): Judgement {
  const tau2 = tau2Of(settings.baseline * settings.lift);
  const pairs: Record<string, PairMinimum> = {};
  for (const [a, b] of pairsOf(arms)) {
    const key = pairKey(a.key, b.key);
    const before = former[key];
    const p = alwaysValidP(before?.p ?? 1, lnRatio(a, b, metric, tau2));
    pairs[key] = before && before.p <= p ? before : { p, ahead: meanOf(b) > meanOf(a) ? b.key : a.key };
  }
  const longest = longestSample(metric, settings);
  const full = least >= longest;
  const end = (verdict: Verdict): Judgement => ({ verdict, pairs, planned: false, full });
  const winner = clearWinner(arms, settings, (a, b) => pairs[pairKey(a, b)]);
  if (winner !== undefined) {
    const because = `"${winner}" is ahead of every other variant, by an always-valid p (${settings.threshold} %, Holm).`;
    return end({ kind: 'winner', winner, because });
  }
  if (!full) return end({ kind: 'undecided', because: 'No difference is certain enough yet.' });
  if (!answered) return end({ kind: 'undecided', because: NOT_ANSWERED });
  return end({ kind: 'no_winner', because: `Each variant has had ${longest} people, and no difference was found.` });
}

const NOT_ANSWERED = 'Each variant has had its people; they are given time to answer.';

function atPlannedSize(
  arms: readonly Arm[],
  { metric, settings, looks, least, answered }: Ready & { looks: Looks },
): Judgement {
  const pairs = looks.pairs ?? {};
  const size = Math.max(settings.minSample, plannedSize(metric, settings));
  const wait = (because: string): Judgement => {
    return { verdict: { kind: 'undecided', because }, pairs, planned: false, full: least >= size };
  };
  if (looks.plannedAt !== undefined) return wait('It was decided at the planned size.');
  if (least < size) return wait(`It is looked at once, when each variant has had ${size} people.`);
  if (!answered) return wait(NOT_ANSWERED);
  const found = new Map(
    pairsOf(arms).map(([a, b]) => [
      pairKey(a.key, b.key),
      { p: fixedP(a, b, metric) ?? 1, ahead: meanOf(b) > meanOf(a) ? b.key : a.key },
    ]),
  );
  const winner = clearWinner(arms, settings, (a, b) => found.get(pairKey(a, b)));
  const verdict: Verdict =
    winner === undefined
      ? { kind: 'no_winner', because: `At the planned size of ${size} people each, no variant is ahead of all others.` }
      : {
          kind: 'winner',
          winner,
          because: `At the planned size of ${size} people each, "${winner}" is ahead of every other variant (${settings.threshold} %, Holm).`,
        };
  return { verdict, pairs, planned: true, full: true };
}

/** The arm that is ahead of each other one now and was when the p of that pair was seen, all p within the error after Holm. */
function clearWinner(
  arms: readonly Arm[],
  settings: ExperimentSettings,
  seen: (a: string, b: string) => PairMinimum | undefined,
): string | undefined {
  let best = arms[0];
  for (const arm of arms) if (best === undefined || meanOf(arm) > meanOf(best)) best = arm;
  if (best === undefined) return undefined;
  const all = pairsOf(arms).map(([a, b]) => ({ a: a.key, b: b.key, seen: seen(a.key, b.key) }));
  const corrected = holm(all.map(({ seen: pair }) => pair?.p ?? 1));
  const alpha = alphaOf(settings);
  const { key } = best;
  const wins = all.every(
    (pair, at) => (pair.a !== key && pair.b !== key) || (pair.seen?.ahead === key && (corrected[at] ?? 1) <= alpha),
  );
  return wins ? key : undefined;
}

/** All pairs, in the order of the arms. */
export function pairsOf<T>(arms: readonly T[]): [T, T][] {
  return arms.flatMap((a, at) => arms.slice(at + 1).map((b): [T, T] => [a, b]));
}

/** An arm's counts, for tests of rates. */
export function countsOf({ n, sum }: Arm): { conversions: number; n: number } {
  return { conversions: Math.min(sum, n), n };
}
