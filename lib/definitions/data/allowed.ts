import { compilePattern } from '../../conditions';
import { messageOf } from '../../errors';
import { FORMATS } from '../ajv';
import { isObject } from '../plain';
import { at, type Problems } from '../problems';

/*
 * A user's JSON Schema is compiled only from what is named here, with values as they are described here: no references,
 * nothing that grows out of hand.
 */

const TYPES = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'];
const SCALARS: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean']);
const DEEPEST = 8;
const MOST_SCHEMAS = 300;
const MOST_PATTERNS = 20;
const MOST_CHOICES = 500;
const MOST_BRANCHES = 20;
/** JavaScript gives these a meaning on any object. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

type Check = (value: unknown, path: string) => void;

/** Adds a problem for each thing that must not be in a schema; `path` is where the schema stands. */
export function checkSchema(schema: unknown, path: string, problems: Problems): void {
  new SchemaCheck(problems).schema(schema, path, 1);
}

/** Whether a field of a campaign's data may have this name; a problem when not. */
export function checkName(name: string, path: string, problems: Problems): void {
  if (RESERVED.has(name)) problems.add(path, 'JavaScript uses this name itself. Choose another.');
  else if (name.trim() === '' || name.length > 64) problems.add(path, 'A field has a name of 1 to 64 characters.');
  else if (/[`"\\\p{Cc}]/u.test(name))
    problems.add(path, 'A field’s name has no quotes, backslashes or control characters in it.');
}

class SchemaCheck {
  private schemas = 0;
  private patterns = 0;

  constructor(private readonly problems: Problems) {}

  schema(schema: unknown, path: string, depth: number): void {
    if (!isObject(schema)) return this.problems.add(path, 'A schema is an object, such as {"type": "string"}.');
    if (depth > DEEPEST) return this.problems.add(path, `Schemas may be nested ${DEEPEST} deep.`);
    if (++this.schemas > MOST_SCHEMAS) {
      if (this.schemas === MOST_SCHEMAS + 1)
        this.problems.add(path, `A schema may have ${MOST_SCHEMAS} schemas in it. Make it simpler.`);
      return;
    }
    const checks = this.keywords(depth);
    for (const [keyword, value] of Object.entries(schema)) {
      const inside = at(path, keyword);
      const check = Object.hasOwn(checks, keyword) ? checks[keyword] : undefined;
      if (check) check(value, inside);
      else if (/^\$(?:ref|dynamicRef|recursiveRef|id|defs|anchor)$|^definitions$/.test(keyword))
        this.problems.add(inside, 'References are not available. Write the schema out in its place.');
      else this.problems.add(inside, `The keyword "${keyword.slice(0, 64)}" is not available in a data schema.`);
    }
    if (schema['uniqueItems'] === true && !SCALARS.has(isObject(schema['items']) ? schema['items']['type'] : undefined))
      this.problems.add(
        at(path, 'uniqueItems'),
        'This works on lists of text, numbers or booleans: say so in "items".',
      );
  }

  private keywords(depth: number): Readonly<Record<string, Check>> {
    const nested: Check = (value, path) => this.schema(value, path, depth + 1);
    const text: Check = this.must((value) => typeof value === 'string', 'This must be text.');
    const number = this.must((value) => typeof value === 'number', 'This must be a number.');
    const count = this.must(
      (value) => typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1_000_000,
      'This must be a whole number from 0.',
    );
    const flag = this.must((value) => typeof value === 'boolean', 'This must be true or false.');
    const anything: Check = () => undefined;
    const branches: Check = (value, path) => {
      if (!Array.isArray(value) || value.length === 0 || value.length > MOST_BRANCHES)
        return this.problems.add(path, `This must be a list of 1 to ${MOST_BRANCHES} schemas.`);
      value.forEach((branch, index) => nested(branch, at(path, index)));
    };
    return {
      $schema: depth === 1 ? text : this.must(() => false, 'This belongs at the top.'),
      title: text,
      description: text,
      $comment: text,
      examples: anything,
      default: anything,
      type: this.must(isType, `This must be one of: ${TYPES.join(', ')}; or a list of them.`),
      enum: this.must(isChoice, `This must be a list of 1 to ${MOST_CHOICES} texts, numbers or booleans, each once.`),
      const: this.must((value) => value === null || typeof value !== 'object', 'This must be a single value.'),
      minimum: number,
      maximum: number,
      exclusiveMinimum: number,
      exclusiveMaximum: number,
      multipleOf: this.must((value) => typeof value === 'number' && value > 0, 'This must be a number above 0.'),
      minLength: count,
      maxLength: count,
      minItems: count,
      maxItems: count,
      minProperties: count,
      maxProperties: count,
      uniqueItems: flag,
      pattern: (value, path) => this.pattern(value, path),
      format: this.must(
        (value) => (FORMATS as readonly unknown[]).includes(value),
        `This must be one of: ${FORMATS.join(', ')}.`,
      ),
      items: nested,
      properties: (value, path) => this.properties(value, path, nested),
      required: this.must(isNames, 'This must be a list of names, each once.'),
      additionalProperties: (value, path) => {
        if (typeof value !== 'boolean') nested(value, path);
      },
      anyOf: branches,
      oneOf: branches,
      allOf: branches,
    };
  }

  private must(holds: (value: unknown) => boolean, message: string): Check {
    return (value, path) => {
      if (!holds(value)) this.problems.add(path, message);
    };
  }

  private properties(value: unknown, path: string, nested: Check): void {
    if (!isObject(value)) return this.problems.add(path, 'This must be an object: a schema for each name.');
    for (const [name, schema] of Object.entries(value)) {
      checkName(name, at(path, name), this.problems);
      nested(schema, at(path, name));
    }
  }

  private pattern(value: unknown, path: string): void {
    if (typeof value !== 'string') return this.problems.add(path, 'This must be text: a regular expression.');
    if (++this.patterns > MOST_PATTERNS)
      return this.problems.add(path, `A schema may have ${MOST_PATTERNS} patterns in it.`);
    try {
      compilePattern(value);
    } catch (error) {
      this.problems.add(path, messageOf(error));
    }
  }
}

function isType(value: unknown): boolean {
  if (!Array.isArray(value)) return typeof value === 'string' && TYPES.includes(value);
  return (
    value.length > 0 &&
    new Set(value).size === value.length &&
    value.every((type) => !Array.isArray(type) && isType(type))
  );
}

function isChoice(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_CHOICES) return false;
  return new Set(value).size === value.length && value.every((entry) => entry === null || typeof entry !== 'object');
}

function isNames(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return (
    new Set(value).size === value.length &&
    value.every((name) => typeof name === 'string' && name !== '' && !RESERVED.has(name))
  );
}
