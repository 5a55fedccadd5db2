import { parseDate, yesOrNo } from '../coerce';
import type { AttributeType } from '../types';

const NUMBER = /^[+-]?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** The type that a column's values seem to have. Codes with leading zeros are texts, and so is a column without values. */
export function guessType(values: readonly string[]): AttributeType {
  const given = values.map((value) => value.trim()).filter((value) => value !== '');
  if (given.length === 0) return 'string';
  if (given.every((value) => NUMBER.test(value) && value.length <= 15)) return 'number';
  if (given.every((value) => yesOrNo(value) !== undefined && value.length > 1)) return 'boolean';
  if (given.every((value) => !/^-?\d+$/.test(value) && parseDate(value) !== undefined)) return 'date';
  const lists = given.filter((value) => /^[^;]{1,60}(;[^;]{1,60})+;?$/.test(value)).length;
  return lists * 4 >= given.length ? 'string[]' : 'string';
}
