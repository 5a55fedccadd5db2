import { createHash, randomBytes, randomInt } from 'node:crypto';

/*
 * A token reads `nmk_<prefix>_<secret>`: a fixed beginning that secret scanners can look for, eight characters that name the
 * token without giving it away, and 256 random bits.
 */
const FORM = /^nmk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}$/;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A fresh token. */
export interface TokenText {
  /** What its owner gets, once. */
  readonly text: string;
  /** `nmk_ab12cd34`: what is shown from then on. */
  readonly prefix: string;
  /** What is stored. */
  readonly hash: string;
}

/** Makes a token. */
export function makeToken(): TokenText {
  const name = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  const prefix = `nmk_${name}`;
  const text = `${prefix}_${randomBytes(32).toString('base64url')}`;
  return { text, prefix, hash: hashOf(text) };
}

/** Whether a text may be a token at all; what is not never reaches the database. */
export function looksLikeToken(text: string): boolean {
  return FORM.test(text);
}

/**
 * What is stored of a token. A plain SHA-256, not a slow password hash: slowness protects secrets that can be guessed, and
 * nobody guesses 256 random bits; it would only cost every request a tenth of a second.
 */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
