import { coerce, toNumber, typeOfValue } from './coerce';
import { normaliseCountry } from './country';
import { normaliseEmail } from './email';
import { normalisePhone } from './phone';
import { reject, Rejected, shown } from './reject';
import { normaliseTimeZone } from './time-zone';
import {
  RESERVED_FIELDS,
  type AttributeType,
  type AttributeValue,
  type LeadInput,
  type Rejection,
  type UndeclaredPolicy,
} from './types';

/** What an input says, normalised. A field that is absent is kept, `null` removes it. */
export interface Said {
  /** The lead that is meant, by our id; otherwise its keys say which. */
  id?: number;
  externalId?: string | null;
  email?: string | null;
  name?: string | null;
  phone?: string | null;
  /** A number written the local way, while the input does not say which country: the stored lead may know it. */
  localPhone?: string;
  country?: string | null;
  timeZone?: string | null;
  score?: number;
  /** Own map, never an object: names come from outside. */
  attributes: Map<string, AttributeValue | null>;
  /** Fields that were left out because nobody declared them. */
  warnings: string[];
}

const RESERVED = new Set(RESERVED_FIELDS);
const LONGEST_NAME = 255;
const LONGEST_EXTERNAL_ID = 191;

/** The fields of an input that are neither built in nor ours, with those of an object `attributes`: in two rows, names and values. */
export function attributesOf(input: LeadInput): {
  readonly names: readonly string[];
  readonly values: readonly unknown[];
} {
  const names: string[] = [];
  const values: unknown[] = [];
  const nested = input['attributes'];
  for (const fields of isRecord(nested) ? [input, nested] : [input]) {
    for (const name of Object.keys(fields)) {
      if (RESERVED.has(name)) continue;
      names.push(name);
      values.push(fields[name]);
    }
  }
  return { names, values };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Brings what somebody says about a lead into the form in which it is stored. Nothing is written.
 * @param declared the tenant's attributes and their types
 * @param id the lead that is meant, where the input need not say so
 */
export function normaliseInput(
  input: unknown,
  declared: ReadonlyMap<string, AttributeType>,
  undeclared: UndeclaredPolicy,
  id?: number,
): Said | Rejection {
  try {
    if (!isRecord(input))
      reject('E_LEAD_INPUT', 'lead', `A lead is an object with fields such as "email", not "${shown(input)}".`);
    return normalise(input, declared, undeclared, id);
  } catch (error) {
    if (error instanceof Rejected) return error.reason;
    throw error;
  }
}

function normalise(
  input: LeadInput,
  declared: ReadonlyMap<string, AttributeType>,
  undeclared: UndeclaredPolicy,
  id: number | undefined,
): Said {
  const said: Said = { ...(id === undefined ? {} : { id }), attributes: new Map(), warnings: [] };
  sayIdentity(said, input);
  sayPlace(said, input);
  sayPhone(said, input['phone']);
  if (input['name'] !== undefined) said.name = cleanName(input['name']);
  if (input['score'] !== undefined) said.score = scoreOf(input['score']);
  const { names, values } = attributesOf(input);
  // By index: iterating over entries makes an array for each, which a million rows feel.
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    const value = values[index];
    if (value === undefined) continue;
    const type = declared.get(name);
    if (type !== undefined) said.attributes.set(name, coerce(name, type, value));
    else if (value === null) continue;
    else if (undeclared === 'ignore') said.warnings.push(name.slice(0, 80));
    else refuseUndeclared(name, value, undeclared);
  }
  return said;
}

function refuseUndeclared(name: string, value: unknown, policy: 'declare' | 'reject'): never {
  const field = name.slice(0, 80);
  if (policy === 'declare' && typeOfValue(value) === undefined) {
    reject(
      'E_ATTRIBUTE_VALUE',
      field,
      `The field "${field}" is an object or a mixed list: an attribute is a number, a text, a date, true or false, or a list of texts.`,
    );
  }
  const what =
    policy === 'declare'
      ? 'has a name that no attribute can have'
      : 'is not declared: declare it as an attribute first';
  reject('E_ATTRIBUTE_UNDECLARED', field, `The field "${shown(name)}" ${what}, or leave it out.`);
}

function sayIdentity(said: Said, input: LeadInput): void {
  const email = input['email'];
  if (email !== undefined) {
    if (isNothing(email)) said.email = null;
    else {
      if (typeof email !== 'string')
        reject('E_LEAD_EMAIL', 'email', `"${shown(email)}" is no e-mail address: it is not a text.`);
      const check = normaliseEmail(email);
      if ('problem' in check)
        reject('E_LEAD_EMAIL', 'email', `"${shown(email)}" is no e-mail address: ${check.problem}.`);
      said.email = check.address;
    }
  }
  const externalId = input['externalId'];
  if (externalId !== undefined) said.externalId = isNothing(externalId) ? null : cleanExternalId(externalId);
  if (said.id === undefined && !said.email && !said.externalId) {
    reject('E_LEAD_IDENTITY', 'email', 'A lead needs an e-mail address or an external id: give at least one of them.');
  }
}

function sayPlace(said: Said, input: LeadInput): void {
  const { country, timeZone } = input;
  if (country !== undefined) {
    if (isNothing(country)) said.country = null;
    else {
      said.country =
        (typeof country === 'string' ? normaliseCountry(country) : undefined) ??
        reject(
          'E_LEAD_COUNTRY',
          'country',
          `"${shown(country)}" is no country that we know: give its ISO code of two letters, such as DE.`,
        );
    }
  }
  if (timeZone !== undefined) {
    if (isNothing(timeZone)) said.timeZone = null;
    else {
      said.timeZone =
        (typeof timeZone === 'string' ? normaliseTimeZone(timeZone) : undefined) ??
        reject(
          'E_LEAD_TIME_ZONE',
          'timeZone',
          `"${shown(timeZone)}" is no time zone: give its IANA name, such as Europe/Berlin.`,
        );
    }
  }
}

function sayPhone(said: Said, given: unknown): void {
  if (given === undefined) return;
  if (isNothing(given)) {
    said.phone = null;
    return;
  }
  const text = typeof given === 'number' ? String(given) : given;
  if (typeof text !== 'string') wrongPhone(given);
  const phone = normalisePhone(text, said.country ?? undefined);
  if (phone) said.phone = phone;
  else if (said.country === undefined && /^[\d\s()/.-]{3,40}$/.test(text.trim())) said.localPhone = text;
  else wrongPhone(given);
}

/** @throws Rejected `E_LEAD_PHONE` */
export function wrongPhone(given: unknown): never {
  reject(
    'E_LEAD_PHONE',
    'phone',
    `"${shown(given)}" is no telephone number: write it with its country code, such as +49 30 1234567, or give the country.`,
  );
}

function isNothing(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value.trim() === '');
}

function cleanName(given: unknown): string | null {
  if (isNothing(given)) return null;
  if (typeof given !== 'string' && typeof given !== 'number')
    reject('E_LEAD_NAME', 'name', `"${shown(given)}" is no name: it is not a text.`);
  const name = tidy(String(given));
  if (name.length > LONGEST_NAME)
    reject('E_LEAD_NAME', 'name', `A name has at most ${LONGEST_NAME} characters; this one has ${name.length}.`);
  return name === '' ? null : name;
}

/** Words of printable ASCII with one space between them: nothing to tidy up. */
const TIDY = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

function tidy(text: string): string {
  if (TIDY.test(text)) return text;
  return text
    .replace(/\p{Cs}/gu, '\u{FFFD}')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .normalize('NFC');
}

function cleanExternalId(given: unknown): string {
  if (typeof given !== 'string' && !(typeof given === 'number' && Number.isSafeInteger(given))) {
    reject('E_LEAD_EXTERNAL_ID', 'externalId', `"${shown(given)}" is no external id: give a text or a whole number.`);
  }
  const id = String(given).trim();
  if (id.length > LONGEST_EXTERNAL_ID || /[\p{Cc}\p{Cs}]/u.test(id)) {
    reject(
      'E_LEAD_EXTERNAL_ID',
      'externalId',
      `"${shown(id)}" is no external id: at most ${LONGEST_EXTERNAL_ID} characters, none of them a control character.`,
    );
  }
  return id;
}

function scoreOf(given: unknown): number {
  if (isNothing(given)) return 0;
  try {
    return toNumber('score', given);
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return reject(
      'E_LEAD_SCORE',
      'score',
      `"${shown(given)}" is no score: write a number with a decimal point, such as 42.5.`,
    );
  }
}
