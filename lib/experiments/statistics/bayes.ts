import type { Counts } from './types';

/** What is believed about one arm after what was seen: a density on the line, as ln of it up to a constant. */
export interface Posterior {
  readonly mean: number;
  readonly deviation: number;
  /** Where it may be. */
  readonly from: number;
  readonly to: number;
  /** `lnX`, `lnRest`: ln x and ln(1 − x), which all arms share. */
  lnDensity(x: number, lnX: number, lnRest: number): number;
}

/** How good each arm's chances are. */
export interface Chances {
  /** Probability that the arm is the best one. */
  readonly best: readonly number[];
  /** What is lost on average by choosing the arm although another one may be better: E[max] − E[arm], in the unit of the rates. */
  readonly loss: readonly number[];
}

/** The posterior of a rate with a uniform prior, Beta(1, 1). */
export function betaPosterior({ conversions, n }: Counts): Posterior {
  const [a, b] = [conversions, n - conversions];
  const mean = (a + 1) / (n + 2);
  // Relative to the mode, so that nothing overflows.
  const top = (a === 0 ? 0 : a * Math.log(a / n)) + (b === 0 ? 0 : b * Math.log(b / n));
  return {
    mean,
    deviation: Math.sqrt((mean * (1 - mean)) / (n + 3)),
    from: 0,
    to: 1,
    lnDensity: (_x, lnX, lnRest) => (a === 0 ? 0 : a * lnX) + (b === 0 ? 0 : b * lnRest) - top,
  };
}

/** The posterior of a mean whose sample is large: normal. For money. */
export function normalPosterior(mean: number, deviation: number): Posterior {
  const width = Math.max(deviation, 1e-12);
  return {
    mean,
    deviation: width,
    from: -Infinity,
    to: Infinity,
    lnDensity: (x) => -((x - mean) ** 2) / (2 * width * width),
  };
}

/** Chance to be best and expected loss of arms with uniform priors. Empty arms count with their prior. */
export function betaChances(arms: readonly Counts[]): Chances {
  return chancesOf(arms.map(betaPosterior));
}

/** Points at which a posterior is cut, in deviations from its mean: dense where it lives, far out for skewed ones. */
const CUTS = [-30, -20, -13, -9, -6.5, -4.5, -3, -2, -1, 0, 1, 2, 3, 4.5, 6.5, 9, 13, 20, 30];
/** Points per piece. */
const ORDER = 8;

/**
 * Chance to be best and expected loss by quadrature: P(i best) = ∫ fᵢ ∏ Fⱼ and loss(i) = ∫ Fᵢ − ∏ Fⱼ, with Gauss–Legendre points on pieces
 * that are cut where the posteriors change. The distribution functions F are integrated along on the same points. Right to about
 * 1e-9, and fast: five arms take a fraction of a millisecond.
 */
export function chancesOf(posteriors: readonly Posterior[]): Chances {
  const cuts = cutsOf(posteriors);
  const arms = posteriors.length;
  const pieces = cuts.length - 1;
  const density = posteriors.map(() => new Float64Array(pieces * ORDER));
  const distribution = posteriors.map(() => new Float64Array(pieces * ORDER));
  const mass = new Float64Array(arms);
  for (let piece = 0; piece < pieces; piece++) {
    const low = cuts[piece] ?? 0;
    const half = ((cuts[piece + 1] ?? 0) - low) / 2;
    for (let k = 0; k < ORDER; k++) {
      const x = low + half * (1 + at(NODES, k));
      const [lnX, lnRest] = [Math.log(x), Math.log1p(-x)];
      for (let arm = 0; arm < arms; arm++) {
        const own = density[arm];
        const posterior = posteriors[arm];
        if (own && posterior) own[piece * ORDER + k] = Math.exp(posterior.lnDensity(x, lnX, lnRest));
      }
    }
    for (let arm = 0; arm < arms; arm++) {
      const [own, upTo] = [density[arm], distribution[arm]];
      if (own && upTo) mass[arm] = along(own, upTo, piece, half, at(mass, arm));
    }
  }
  const best = new Array<number>(arms).fill(0);
  const loss = new Array<number>(arms).fill(0);
  for (let piece = 0; piece < pieces; piece++) {
    const half = ((cuts[piece + 1] ?? 0) - (cuts[piece] ?? 0)) / 2;
    for (let k = 0; k < ORDER; k++) addPoint(piece * ORDER + k, half * at(WEIGHTS, k));
  }
  return { best: best.map((one) => Math.min(1, one)), loss: loss.map((one) => Math.max(0, one)) };

  function addPoint(point: number, weight: number): void {
    let all = 1;
    for (let arm = 0; arm < arms; arm++) all *= shareBelow(arm, point);
    for (let arm = 0; arm < arms; arm++) {
      const below = shareBelow(arm, point);
      loss[arm] = at(loss, arm) + weight * (below - all);
      let others = 1;
      for (let other = 0; other < arms; other++) if (other !== arm) others *= shareBelow(other, point);
      best[arm] = at(best, arm) + (weight * others * at(density[arm] ?? NODES, point)) / at(mass, arm);
    }
  }
  function shareBelow(arm: number, point: number): number {
    return at(distribution[arm] ?? NODES, point) / at(mass, arm);
  }
}

/** Integrates a density over a piece, up to each of its points. @returns the integral up to the piece's end */
function along(density: Float64Array, upTo: Float64Array, piece: number, half: number, before: number): number {
  const first = piece * ORDER;
  let end = before;
  for (let k = 0; k < ORDER; k++) {
    let sum = 0;
    for (let m = 0; m < ORDER; m++) sum += at(RUNNING, k * ORDER + m) * at(density, first + m);
    upTo[first + k] = before + half * sum;
    end += half * at(WEIGHTS, k) * at(density, first + k);
  }
  return end;
}

function cutsOf(posteriors: readonly Posterior[]): number[] {
  const cuts = posteriors.flatMap(({ mean, deviation, from, to }) =>
    CUTS.map((cut) => Math.min(to, Math.max(from, mean + cut * deviation))),
  );
  cuts.sort((one, other) => one - other);
  return cuts.filter((cut, index) => index === 0 || cut - (cuts[index - 1] ?? 0) > Number.EPSILON * Math.abs(cut));
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? 0;
}

/** Legendre's polynomial of this degree at x, and its derivative. */
function legendre(degree: number, x: number): [value: number, slope: number] {
  let [before, value] = [1, x];
  for (let n = 2; n <= degree; n++) [before, value] = [value, ((2 * n - 1) * x * value - (n - 1) * before) / n];
  return [value, (degree * (x * value - before)) / (x * x - 1)];
}

/** Gauss–Legendre points on [−1, 1], rising, found by Newton's method. */
const NODES = Float64Array.from({ length: ORDER }, (_, k) => {
  let x = -Math.cos((Math.PI * (k + 0.75)) / (ORDER + 0.5));
  for (let n = 0; n < 20; n++) {
    const [value, slope] = legendre(ORDER, x);
    x -= value / slope;
  }
  return x;
});

const WEIGHTS = NODES.map((x) => 2 / ((1 - x * x) * legendre(ORDER, x)[1] ** 2));

/**
 * Weights that integrate from −1 up to each point: those of the polynomial through all points, which in Legendre's polynomials is
 * Σ (2l+1)/2 · wₘ Pₗ(xₘ) Pₗ, and ∫ Pₗ = (Pₗ₊₁ − Pₗ₋₁)/(2l+1).
 */
const RUNNING = Float64Array.from({ length: ORDER * ORDER }, (_, index) => {
  const [k, m] = [Math.floor(index / ORDER), index % ORDER];
  const [x, xm] = [at(NODES, k), at(NODES, m)];
  let sum = (1 + x) / 2;
  for (let l = 1; l < ORDER; l++) {
    sum += 0.5 * polynomial(l, xm) * (polynomial(l + 1, x) - polynomial(l - 1, x));
  }
  return at(WEIGHTS, m) * sum;
});

function polynomial(degree: number, x: number): number {
  return degree === 0 ? 1 : legendre(degree, x)[0];
}
