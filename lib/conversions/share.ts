import { WHOLE, type Model, type Touch } from './types';

/** A touch with its share of a conversion. */
export interface Credit {
  readonly touch: Touch;
  /** In millionths; those of one conversion sum to {@link WHOLE}. */
  readonly share: number;
  /** How many touches share it, and which of them this is: for splitting money alike. */
  readonly of: number;
  readonly index: number;
}

/**
 * Splits a whole number into `parts` whole numbers that sum to it and differ by at most 1: part `index`. Exact up to 2^53,
 * because only the remainder is multiplied.
 */
export function part(whole: number, parts: number, index: number): number {
  const each = Math.floor(whole / parts);
  const rest = whole - each * parts;
  return each + Math.floor((rest * (index + 1)) / parts) - Math.floor((rest * index) / parts);
}

/**
 * Which touches get a conversion.
 * @param touches in the order of time; at the same moment, a message before the click on it
 */
export function credits(touches: readonly Touch[], model: Model): Credit[] {
  const chosen = chosenBy(touches, model);
  return chosen.map((touch, index) => ({ touch, share: part(WHOLE, chosen.length, index), of: chosen.length, index }));
}

function chosenBy(touches: readonly Touch[], model: Model): readonly Touch[] {
  switch (model) {
    case 'first':
      return touches.slice(0, 1);
    case 'last':
      return touches.slice(-1);
    case 'linear':
      return touches;
  }
}

/** The order of {@link credits}. */
export function inOrder(a: Touch, b: Touch): number {
  return a.at - b.at || (a.kind === b.kind ? a.id - b.id : a.kind === 'sent' ? -1 : 1);
}
