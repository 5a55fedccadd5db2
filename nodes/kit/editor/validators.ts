import { current } from './dialog';
import { stationOfSameName, stepName, triggerOfSameKey, definitionKey } from './journey';
import { text } from './texts';
import { type Verdict } from './types';
import { checkConditionLater, knownCondition } from './verdicts';

/** Node-RED replaces `${NAME}` when the flow starts, so that such a value cannot be judged here. */
export function isEnvironmentReference(value: unknown): boolean {
  return typeof value === 'string' && /\$\{[^}]+\}/.test(value);
}

/** A config node must be chosen, exist, and be valid itself. `kind` is 'store' or 'account'. */
export function configNode(_node: RedNode, value: unknown, kind: 'store' | 'account'): Verdict {
  if (typeof value !== 'string' || value === '' || value === '_ADD_') return text(`invalid.${kind}.missing`);
  if (isEnvironmentReference(value)) return true;
  const chosen = RED.nodes.node(value);
  if (chosen === null || chosen === undefined) return text(`invalid.${kind}.unknown`);
  return chosen.valid === false ? text(`invalid.${kind}.invalid`) : true;
}

/** A text that must not be empty. `key` names the sentence shown when it is. */
export function required(value: unknown, key: string): Verdict {
  return String(value ?? '').trim() === '' ? text(`invalid.required.${key}`) : true;
}

/** A number within bounds; whole when asked. `${NAME}` passes. */
export function number(
  value: unknown,
  bounds: { min: number; max?: number; whole?: boolean; allowBlank?: boolean },
): Verdict {
  const written = String(value ?? '').trim();
  if (isEnvironmentReference(written)) return true;
  if (written === '' && bounds.allowBlank === true) return true;
  const parsed = Number(written);
  if (written === '' || !Number.isFinite(parsed)) return text('invalid.number.notANumber');
  if (bounds.whole === true && !Number.isInteger(parsed)) return text('invalid.number.notWhole');
  if (parsed < bounds.min || parsed > (bounds.max ?? Infinity)) {
    return bounds.max === undefined
      ? text('invalid.number.tooSmall', { min: bounds.min })
      : text('invalid.number.outOfRange', { min: bounds.min, max: bounds.max });
  }
  return true;
}

/** An e-mail address; Liquid such as `{{ campaign.data.from }}` passes where the runtime renders the field. */
export function emailAddress(value: unknown, options: { liquid?: boolean } = {}): Verdict {
  const written = String(value ?? '').trim();
  if (written === '' || isEnvironmentReference(written)) return true;
  if (options.liquid === true && written.includes('{{')) return true;
  return /^[^\s@<>]+@[^\s@<>]+$/.test(written) ? true : text('invalid.email');
}

/** An absolute http(s) address; Liquid passes where the runtime renders the field. */
export function httpUrl(value: unknown, options: { liquid?: boolean } = {}): Verdict {
  const written = String(value ?? '').trim();
  if (written === '' || isEnvironmentReference(written)) return true;
  if (options.liquid === true && written.includes('{{')) return true;
  return /^https?:\/\/[^\s/]+/i.test(written) ? true : text('invalid.url');
}

/** The name of an HTTP header (RFC 9110 5.6.2); empty means the usual one. */
export function headerName(value: unknown): Verdict {
  const written = String(value ?? '').trim();
  if (written === '' || isEnvironmentReference(written)) return true;
  return /^[\w!#$%&'*+.^`|~-]+$/.test(written) ? true : text('invalid.headerName');
}

/** Schemes of addresses that the store opens. A database without a scheme is a SQLite file. */
const databaseSchemes = ['sqlite', 'file', 'postgres', 'postgresql', 'mysql', 'mariadb'];
const timersSchemes = [...databaseSchemes, 'mongodb', 'mongodb+srv', 'redis', 'rediss'];

/** A database address whose scheme is one that the store opens. */
export function databaseUrl(value: unknown): Verdict {
  return schemeVerdict(value, databaseSchemes, true);
}

/** A timers address whose scheme is one that the store opens. */
export function timersUrl(value: unknown): Verdict {
  return schemeVerdict(value, timersSchemes, false);
}

function schemeVerdict(value: unknown, known: readonly string[], fileAllowed: boolean): Verdict {
  const written = String(value ?? '').trim();
  if (written === '' || written === ':memory:' || isEnvironmentReference(written)) return true;
  // One letter is a Windows drive.
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(written)?.[1]?.toLowerCase();
  if (scheme === undefined) return fileAllowed ? true : text('invalid.databaseUrl.noScheme');
  return known.includes(scheme) ? true : text('invalid.databaseUrl.scheme', { scheme, known: known.join(', ') });
}

/** A station's step name must be its own behind each trigger that leads to it. */
export function step(node: RedNode): Verdict {
  const other = stationOfSameName(node);
  if (other === undefined) return true;
  return text('invalid.step.taken', { step: stepName(node), other: String(other.name || other.type) });
}

/** A trigger's definition key must be its own within a store. */
export function definition(node: RedNode): Verdict {
  const other = triggerOfSameKey(node);
  if (other === undefined) return true;
  return text('invalid.definition.taken', { key: definitionKey(node), other: String(other.name || other.type) });
}

/** The name of an event, as the runtime takes it. */
export function eventName(value: unknown): Verdict {
  const present = required(value, 'event');
  const written = String(value ?? '').trim();
  if (present !== true || isEnvironmentReference(written)) return present;
  return /^[a-z][\w.:-]{0,95}$/i.test(written) ? true : text('invalid.eventName');
}

/** A time of day, `09:00`. */
export function timeOfDay(value: unknown): Verdict {
  const written = String(value ?? '').trim();
  if (isEnvironmentReference(written)) return true;
  return /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(written) ? true : text('invalid.timeOfDay');
}

/** A condition is present and, as far as this session knows, accepted by the runtime. `about`: what it may read besides leads. */
export function condition(node: RedNode, value: unknown, about?: 'event'): Verdict {
  const written = String(value ?? '').trim();
  if (written === '') return text('invalid.required.condition');
  if (isEnvironmentReference(written)) return true;
  const store = current(node, 'store');
  const known = knownCondition(store, written, about);
  if (known === undefined) {
    checkConditionLater(node, store, written, about);
    return true;
  }
  return known.ok ? true : text('invalid.condition', { message: known.message });
}

/** An e-mail address that must be there. `key` names the sentence shown when it is not. */
export function requiredEmail(value: unknown, key: string): Verdict {
  const present = required(value, key);
  return present === true ? emailAddress(value) : present;
}

/** Variants of a split: 2 to 5, each with a key of its own, shares that are 100 % together with the control's. */
export function variants(node: RedNode, value: unknown): Verdict {
  const list = Array.isArray(value) ? (value as { key?: unknown; share?: unknown }[]) : [];
  if (list.length < 2 || list.length > 5) return text('invalid.variants.count');
  const keys = list.map(({ key }) => String(key ?? '').trim());
  const control = current(node, 'control') === 'true';
  if (keys.some((key) => !/^[\p{L}\p{N}_-]{1,32}$/u.test(key)) || new Set(keys).size < keys.length) {
    return text('invalid.variants.key');
  }
  if (control && keys.includes('control')) return text('invalid.variants.key');
  const shares = [...list.map(({ share }) => share), ...(control ? [current(node, 'controlShare')] : [])];
  return isWhole(shares) ? true : text('invalid.variants.sum');
}

/** Whether shares are 100 % together, each with at most two decimals. */
export function isWhole(shares: readonly unknown[]): boolean {
  const hundredths = shares.map((share) => (String(share ?? '').trim() === '' ? NaN : Number(share) * 100));
  if (hundredths.some((one) => !(one >= 0) || Math.abs(one - Math.round(one)) > 1e-6)) return false;
  return hundredths.reduce((sum, one) => sum + Math.round(one), 0) === 10_000;
}

/** A path below the HTTP root, such as `/marketing`. */
export function httpPath(value: unknown): Verdict {
  const written = String(value ?? '').trim();
  if (isEnvironmentReference(written)) return true;
  return /^\/[\w\-./]*$/.test(written) ? true : text('invalid.httpPath');
}

/** A date and time that says its zone (`2026-12-24T18:00:00+01:00`) or leaves it to the lead (`2026-12-24T18:00`). */
export function dateTime(value: unknown): Verdict {
  const written = String(value ?? '').trim();
  if (isEnvironmentReference(written)) return true;
  const shape = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$/i;
  // The browser reads fewer forms than the runtime: date and time are enough to tell the 31st of June.
  return shape.test(written) && isDate(written.slice(0, 10)) ? true : text('invalid.dateTime');
}

function isDate(written: string): boolean {
  const read = new Date(`${written}T00:00:00Z`);
  return !Number.isNaN(read.getTime()) && read.toISOString().startsWith(written);
}

/** JSON that is an object. */
export function jsonObject(value: unknown): Verdict {
  const written = String(value ?? '').trim();
  if (isEnvironmentReference(written)) return true;
  try {
    const parsed: unknown = JSON.parse(written);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return true;
  } catch {
    // Falls through to the message: what is wrong with it is the same for the user.
  }
  return text('invalid.jsonObject');
}
