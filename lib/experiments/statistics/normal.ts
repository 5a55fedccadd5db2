/** ln √(2π). */
export const LN_SQRT_2PI = 0.9189385332046727;
const SQRT_PI = Math.sqrt(Math.PI);
/** Above this the continued fraction converges quickly, and the series loses digits to its difference from 1. */
const FAR = 2;

/**
 * exp(x²)·erfc(x) for x ≥ 0: the complementary error function without the factor that underflows from x ≈ 27 on.
 * Series (Abramowitz & Stegun 7.1.6) near 0, continued fraction (7.1.14, evaluated by Lentz's method) far out.
 */
export function scaledErfc(x: number): number {
  if (x < FAR) return Math.exp(x * x) - (2 / SQRT_PI) * seriesOf(x);
  return 1 / (SQRT_PI * fraction(x));
}

/** The complementary error function: right to about 1e-14 of its value for as far out as a number can hold it (x ≈ 27). */
export function erfc(x: number): number {
  return x < 0 ? 2 - erfc(-x) : Math.exp(-x * x) * scaledErfc(x);
}

/** ln erfc(x), for any x: never −Infinity for a finite x. */
export function lnErfc(x: number): number {
  return x < 0 ? Math.log(2 - erfc(-x)) : Math.log(scaledErfc(x)) - x * x;
}

/** exp(x²)·erf(x)·√π/2, by a series of positive terms. */
function seriesOf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200 && term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return sum;
}

/** x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …))) */
function fraction(x: number): number {
  let value = x;
  let c = x;
  let d = 0;
  for (let n = 1; n < 500; n++) {
    d = 1 / (x + (n / 2) * d);
    c = x + n / 2 / c;
    const step = c * d;
    value *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return value;
}

/** The probability that a standard normal value lies above z. */
export function normalTail(z: number): number {
  return 0.5 * erfc(z / Math.SQRT2);
}

/** ln of the probability that a standard normal value lies further from 0 than z, on either side. */
export function lnTwoSided(z: number): number {
  return lnErfc(Math.abs(z) / Math.SQRT2);
}

/**
 * The value that a standard normal one lies above with probability `q`. Newton's method on the logarithm of the tail, from
 * Hastings' approximation (Abramowitz & Stegun 26.2.23).
 */
export function normalQuantile(q: number): number {
  if (!(q > 0 && q < 1)) return q <= 0 ? Infinity : -Infinity;
  if (q > 0.5) return -normalQuantile(1 - q);
  const t = Math.sqrt(-2 * Math.log(q));
  let z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (let n = 0; n < 4; n++) {
    const lnTail = lnErfc(z / Math.SQRT2) - Math.LN2;
    const lnDensity = -LN_SQRT_2PI - (z * z) / 2;
    z += (lnTail - Math.log(q)) * Math.exp(lnTail - lnDensity);
  }
  return z;
}
