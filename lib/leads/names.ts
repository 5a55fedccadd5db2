import { checkAttributeName } from '../conditions';
import { InputError } from '../errors';
import { ATTRIBUTE_TYPES, RESERVED_FIELDS, type AttributeType } from './types';

const RESERVED = new Set(RESERVED_FIELDS);

/**
 * Refuses names that would hide a field of every lead, and those that conditions cannot read.
 * @throws InputError `E_ATTRIBUTE_NAME`
 */
export function checkName(name: string): void {
  checkAttributeName(name);
  if (RESERVED.has(name)) {
    throw new InputError('E_ATTRIBUTE_NAME', `"${name}" cannot name an attribute: it is part of every lead already.`);
  }
}

/** Whether a name can be an attribute's. */
export function isName(name: string): boolean {
  try {
    checkName(name);
    return true;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** @throws InputError `E_ATTRIBUTE_TYPE` */
export function checkType(type: string): asserts type is AttributeType {
  if (!(ATTRIBUTE_TYPES as readonly string[]).includes(type)) {
    throw new InputError('E_ATTRIBUTE_TYPE', `"${type}" is no attribute type: use ${ATTRIBUTE_TYPES.join(', ')}.`);
  }
}
