import type { Rejection } from './types';

/** Thrown inside normalisation to give up on one input; becomes its {@link Rejection}. Never leaves this folder. */
export class Rejected extends Error {
  constructor(readonly reason: Rejection) {
    super(reason.message);
  }
}

/** Gives up on an input. */
export function reject(code: string, field: string, message: string): never {
  throw new Rejected({ code, field, message });
}

/** A value as it may be shown in a sentence: short, on one line. */
export function shown(value: unknown): string {
  let text: string;
  try {
    text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    text = String(value);
  }
  const flat = text.replace(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, ' ');
  return flat.length > 60 ? `${flat.slice(0, 57)}…` : flat;
}
