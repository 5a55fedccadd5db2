import type { Field } from './schema';
import { FURTHEST, parseMoment } from './moments';
import type { AttributeType, ConditionContext } from './types';

/** A value in a condition; undefined is absent. */
export type Value = number | string | boolean | readonly string[] | undefined;

type Holder = Readonly<Record<string, unknown>>;

const hasOwn = Object.prototype.hasOwnProperty;

/** True for a property of the object itself, not of its prototype. */
export function isOwn(holder: Holder, name: string): boolean {
  return hasOwn.call(holder, name);
}

/** An own property of an object, or undefined. Never runs into a prototype. */
function own(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null && hasOwn.call(holder, name)
    ? (holder as Holder)[name]
    : undefined;
}

/**
 * What a value counts as when the field is declared as `type`: itself, or absent. Negative zero is zero, as it is
 * after a trip through JSON.
 */
export function typed(value: unknown, type: AttributeType): Value {
  switch (type) {
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? value + 0 : undefined;
    case 'date':
      return typeof value === 'number' && Math.abs(value) <= FURTHEST ? value + 0 : undefined;
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'string[]':
      return isTextList(value) ? value : undefined;
  }
}

/** What a value counts as in a root that holds values as people wrote them: a date may be text there. */
function asWritten(value: unknown, { type, open }: Field): Value {
  if (type === 'date' && typeof value === 'string') return parseMoment(value);
  if (!open) return typed(value, type);
  return typed(value, 'number') ?? typed(value, 'string') ?? typed(value, 'boolean') ?? typed(value, 'string[]');
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

/** The function that reads a field. */
export function readField(field: Field): (context: ConditionContext) => Value {
  const { root, path, type } = field;
  const [first = '', second] = path;
  if (field.written) {
    return (context) => {
      const value = own(own(context, root), first);
      return asWritten(second === undefined ? value : own(value, second), field);
    };
  }
  if (root !== 'lead') {
    return (context) => {
      const value = own(own(context, root), first);
      return typed(second === undefined ? value : own(value, second), type);
    };
  }
  switch (type) {
    // The two most frequent types once more, without the detour.
    case 'number':
      return ({ lead }) => {
        const value = lead[first];
        return typeof value === 'number' && Number.isFinite(value) && hasOwn.call(lead, first) ? value + 0 : undefined;
      };
    case 'string':
      return ({ lead }) => {
        const value = lead[first];
        return typeof value === 'string' && hasOwn.call(lead, first) ? value : undefined;
      };
    default:
      return ({ lead }) => typed(own(lead, first), type);
  }
}

const SHOWN_TEXT = 60;
const SHOWN_ENTRIES = 5;

/** A value as the trail shows it: short, and null when absent. */
export function brief(value: Value): unknown {
  if (value === undefined) return null;
  if (typeof value === 'string') return value.length > SHOWN_TEXT ? `${value.slice(0, SHOWN_TEXT)}…` : value;
  if (typeof value !== 'object') return value;
  const entries = value.slice(0, SHOWN_ENTRIES).map(brief);
  return value.length > SHOWN_ENTRIES ? [...entries, '…'] : entries;
}
