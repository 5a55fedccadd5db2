import { LN_SQRT_2PI } from './normal';

/** ln Γ(x), x > 0: Stirling's series (Abramowitz & Stegun 6.1.41) from 10 on, shifted up to there below. */
export function lnGamma(x: number): number {
  if (x < 10) {
    let product = 1;
    let shifted = x;
    for (; shifted < 10; shifted++) product *= shifted;
    return lnGamma(shifted) - Math.log(product);
  }
  return (x - 0.5) * Math.log(x) - x + LN_SQRT_2PI + stirlingRest(x);
}

/** What Stirling's formula for ln Γ(x) leaves out, x ≥ 10. */
function stirlingRest(x: number): number {
  const r = 1 / (x * x);
  return (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360)))))) / x;
}

/** ln n! − Stirling's formula for it, n ≥ 0. */
function factorialRest(n: number): number {
  if (n === 0) return 0;
  return n >= 10 ? stirlingRest(n) : lnGamma(n + 1) - (n + 0.5) * Math.log(n) + n - LN_SQRT_2PI;
}

/** x·ln(x/m) + m − x, without losing digits where x is near m (C. Loader, "Fast and accurate computation of binomial probabilities", 2000). */
function deviance(x: number, m: number): number {
  if (x === 0) return m;
  const d = x - m;
  if (Math.abs(d) > 0.1 * (x + m)) return x * Math.log(x / m) - d;
  const v = d / (x + m);
  let sum = d * v;
  let term = 2 * x * v;
  for (let n = 1; n < 100; n++) {
    term *= v * v;
    const next = sum + term / (2 * n + 1);
    if (next === sum) break;
    sum = next;
  }
  return sum;
}

/** ln of Γ(a+b+1)/(Γ(a+1)Γ(b+1)) · x^a · y^b with y = 1 − x; a, b > 0. Loader's form: right also where a + b is in the millions. */
function lnBinomial(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  return (
    factorialRest(n) -
    factorialRest(a) -
    factorialRest(b) -
    deviance(a, n * x) -
    deviance(b, n * y) +
    0.5 * Math.log(n / a / b) -
    LN_SQRT_2PI
  );
}

/**
 * Both tails of the beta distribution at x: `[below, above]`. A continued fraction (Abramowitz & Stegun 26.5.8, evaluated by
 * Lentz's method) for the smaller one.
 */
export function betaTails(x: number, a: number, b: number): [below: number, above: number] {
  if (x <= 0) return [0, 1];
  if (x >= 1) return [1, 0];
  const y = 1 - x;
  if (x <= (a + 1) / (a + b + 2)) {
    const below = (Math.exp(lnBinomial(a, b, x, y)) * (b / (a + b))) / betaFraction(x, a, b);
    return [below, 1 - below];
  }
  const above = (Math.exp(lnBinomial(a, b, x, y)) * (a / (a + b))) / betaFraction(y, b, a);
  return [1 - above, above];
}

/** The denominator 1 + d1/(1 + d2/(1 + …)) of the incomplete beta function. */
function betaFraction(x: number, a: number, b: number): number {
  let value = 1;
  let c = 1;
  let d = 0;
  for (let n = 1; n < 20_000; n++) {
    const m = Math.floor(n / 2);
    const part =
      n % 2 === 0
        ? (m * (b - m) * x) / ((a + n - 1) * (a + n))
        : (-(a + m) * (a + b + m) * x) / ((a + n - 1) * (a + n));
    d = 1 / (1 + part * d);
    c = 1 + part / c;
    const step = c * d;
    value *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return value;
}

/** The value below which a beta-distributed one lies with probability p: bisection, hastened by Newton's steps. */
export function betaQuantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  let x = a / (a + b);
  for (let n = 0; n < 200; n++) {
    const [below, above] = betaTails(x, a, b);
    const miss = p <= 0.5 ? below - p : 1 - p - above;
    if (miss > 0) high = x;
    else low = x;
    const density = Math.exp(lnBinomial(a, b, x, 1 - x)) * ((a * b) / (a + b) / x / (1 - x));
    const newton = x - miss / density;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - x) <= 1e-15 * next) return next;
    x = next;
  }
  return x;
}
