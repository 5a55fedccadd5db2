import {
  Context,
  IfTag,
  Output,
  toValue,
  toValueSync,
  TypeGuards,
  UnlessTag,
  type Filter,
  type Liquid,
  type Template,
  type Value,
} from 'liquidjs';
import { engineOf, escapeFor, stringify, type TemplateKind } from './engine';
import { templateError, type ContentPart } from './errors';
import { isDirectFilter } from './filters';
import type { RenderContext } from './types';

/**
 * Templates that only print (`{{ path | filter }}`) and choose (`if`, `unless`) become a list of strings and closures; filling
 * them is a concatenation. liquidjs evaluates the same template through generators, about ten times slower.
 * What is not surely the same here stays with liquidjs: {@link fastPieces} then answers undefined.
 */

/** One lead's fill: its data, and liquidjs' context for the filters that ask for one. */
export interface Fill {
  readonly data: RenderContext;
  /** Made by the first filter that needs it. */
  context: Context | undefined;
}

/** A fixed text, or what is different for everybody. */
export type Piece = string | ((fill: Fill) => string);

type Getter = (fill: Fill) => unknown;

function own(object: object | string | number | boolean, key: PropertyKey): boolean {
  return Object.hasOwn(Object(object) as object, key);
}

function sizeOf(value: unknown): unknown {
  if (Array.isArray(value) || typeof value === 'string') return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined;
}

/** One step of a path, as liquidjs takes it with `ownPropertyOnly`. */
function readProperty(scope: unknown, key: string | number): unknown {
  if (scope === undefined || scope === null) return scope;
  if (Array.isArray(scope) && typeof key === 'number') {
    const index = key < 0 ? scope.length + key : key;
    return Object.hasOwn(scope, index) ? (scope[index] as unknown) : undefined;
  }
  const target = scope as Record<string | number, unknown>;
  if (own(target, key)) return target[key];
  if (key === 'size') return sizeOf(scope);
  if (!Array.isArray(scope)) return undefined;
  if (key === 'first') return scope[0] as unknown;
  return key === 'last' ? (scope.at(-1) as unknown) : undefined;
}

function pathGetter(keys: readonly (string | number)[]): Getter | undefined {
  const [root, ...rest] = keys;
  // liquidjs looks `size` up in an empty scope when the data has none, and prints 0.
  if (typeof root !== 'string' || root === 'size') return undefined;
  const [first, second] = rest;
  if (first === undefined) return ({ data }) => readProperty(data, root);
  if (second === undefined) return ({ data }) => readProperty(readProperty(data, root), first);
  return ({ data }) => {
    let value = readProperty(data, root);
    for (const key of rest) value = readProperty(value, key);
    return value;
  };
}

function getterOf(token: unknown): Getter | undefined {
  if (TypeGuards.isQuotedToken(token) || TypeGuards.isNumberToken(token)) {
    const { content } = token;
    return () => content;
  }
  // `nil`, `empty` and `blank` are objects with rules of their own.
  if (TypeGuards.isLiteralToken(token)) {
    const { content } = token;
    return typeof content === 'boolean' ? () => content : undefined;
  }
  if (!TypeGuards.isPropertyAccessToken(token) || token.variable !== undefined) return undefined;
  const keys: (string | number)[] = [];
  for (const prop of token.props) {
    if (TypeGuards.isQuotedToken(prop) || TypeGuards.isNumberToken(prop) || TypeGuards.isWordToken(prop))
      keys.push(prop.content);
    else return undefined;
  }
  return pathGetter(keys);
}

function defaultGetter(value: Getter, fallback: Getter): Getter {
  return (fill) => {
    const given = value(fill);
    const missing =
      typeof given === 'string' || Array.isArray(given)
        ? given.length === 0
        : given === undefined || given === null || given === false;
    return missing ? fallback(fill) : given;
  };
}

function filtered(value: Getter, filter: Filter, engine: Liquid): Getter | undefined {
  if (!isDirectFilter(filter.name)) return undefined;
  const args: Getter[] = [];
  for (const arg of filter.args) {
    const getter = Array.isArray(arg) ? undefined : getterOf(arg);
    if (!getter) return undefined;
    args.push(getter);
  }
  if (filter.name === 'raw') return value;
  const [first] = args;
  if (filter.name === 'default' && first && args.length === 1) return defaultGetter(value, first);
  const impl = engine.filters[filter.name];
  const handler = typeof impl === 'function' ? impl : impl?.handler;
  if (!handler) return undefined;
  return (fill) =>
    Reflect.apply(handler, { context: contextOf(fill, engine), liquid: engine }, [
      value(fill),
      ...args.map((arg) => arg(fill)),
    ]) as unknown;
}

function contextOf(fill: Fill, engine: Liquid): Context {
  fill.context ??= new Context(fill.data, engine.options, { sync: true }, { liquid: engine });
  return fill.context;
}

function valueGetter({ initial }: Value, filters: readonly Filter[], engine: Liquid): Getter | undefined {
  if (initial.postfix.length !== 1) return undefined;
  let getter = getterOf(initial.postfix[0]);
  for (const filter of filters) getter = getter && filtered(getter, filter, engine);
  return getter;
}

/** A piece whose errors say where in the template they happened. */
function placed(template: Template, part: ContentPart, print: (fill: Fill) => string): Piece {
  const { token } = template;
  return (fill) => {
    try {
      return print(fill);
    } catch (error) {
      throw templateError(part, 'filled', error, '', token.getPosition());
    }
  };
}

function outputPiece(output: Output, kind: TemplateKind, part: ContentPart): Piece | undefined {
  const { filters } = output.value;
  // liquidjs has appended its escape as a last, nameless filter unless the last written one is raw.
  const escapes = kind !== 'plain' && filters.at(-1)?.raw !== true;
  const value = valueGetter(output.value, escapes ? filters.slice(0, -1) : filters, engineOf(kind));
  if (!value) return undefined;
  const print = escapes ? escapeFor(kind) : stringify;
  return placed(output, part, (fill) => print(value(fill)));
}

/** Whether a condition holds. Comparisons are left to liquidjs; a value by itself is looked up directly. */
function conditionOf(value: Value, engine: Liquid): (fill: Fill) => boolean {
  const get =
    valueGetter(value, value.filters, engine) ??
    ((fill: Fill): unknown => toValue(toValueSync(value.value(contextOf(fill, engine)))));
  return (fill) => {
    const result = get(fill);
    return result !== undefined && result !== null && result !== false;
  };
}

function choicePiece(tag: IfTag | UnlessTag, kind: TemplateKind, part: ContentPart): Piece | undefined {
  const engine = engineOf(kind);
  const otherwise = fastPieces(tag.elseTemplates ?? [], kind, part);
  if (!otherwise) return undefined;
  const branches: { holds: (fill: Fill) => boolean; pieces: readonly Piece[] }[] = [];
  for (const [index, { value, templates }] of tag.branches.entries()) {
    const pieces = fastPieces(templates, kind, part);
    if (!pieces) return undefined;
    const holds = conditionOf(value, engine);
    branches.push({ pieces, holds: tag instanceof UnlessTag && index === 0 ? (fill) => !holds(fill) : holds });
  }
  return placed(tag, part, (fill) => {
    for (const { holds, pieces } of branches) if (holds(fill)) return fillPieces(pieces, fill);
    return fillPieces(otherwise, fill);
  });
}

/** A parsed template as pieces, or undefined when liquidjs has to render it. Neighbouring strings are joined. */
export function fastPieces(templates: readonly Template[], kind: TemplateKind, part: ContentPart): Piece[] | undefined {
  const pieces: Piece[] = [];
  for (const template of templates) {
    const { token } = template;
    let piece: Piece | undefined;
    if (TypeGuards.isHTMLToken(token)) piece = token.getContent();
    else if (template instanceof Output) piece = outputPiece(template, kind, part);
    else if (template instanceof IfTag || template instanceof UnlessTag) piece = choicePiece(template, kind, part);
    if (piece === undefined) return undefined;
    const last = pieces.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') pieces[pieces.length - 1] = last + piece;
    else if (piece !== '') pieces.push(piece);
  }
  return pieces;
}

/** Pieces filled for one lead. */
export function fillPieces(pieces: readonly Piece[], fill: Fill): string {
  let text = '';
  for (const piece of pieces) text += typeof piece === 'string' ? piece : piece(fill);
  return text;
}
