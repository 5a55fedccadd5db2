import { ConflictError, InputError } from '../errors';
import type { Scope } from '../store';
import type { Loaded } from './catalogue';
import { checkComposition, keysOf } from './composition';
import type { Composition, Segment, SegmentChange, SegmentDefinition, SegmentInput } from './types';

/** An expression that yields JSON text, as the type of a JSON column. */
export function json(scope: Scope, expression: string): string {
  return scope.dialect.name === 'postgres' ? `(${expression})::jsonb` : expression;
}

/** A name as it is stored. @throws InputError `E_SEGMENT_NAME` */
export function checkName(name: string): string {
  const text = name.trim();
  if (text === '' || text.length > 255 || /[\p{Cc}\p{Cs}]/u.test(text)) {
    throw new InputError('E_SEGMENT_NAME', "A segment's name has 1 to 255 characters, on one line.");
  }
  return text;
}

/** What makes a new segment, checked in its shape. @throws InputError `E_SEGMENT_KIND`, `E_COMPOSITION` */
export function definitionOf(input: SegmentInput): SegmentDefinition {
  switch (input.kind) {
    case 'dynamic':
      return { kind: 'dynamic', condition: input.condition };
    case 'static':
      return { kind: 'static' };
    case 'composed':
      return { kind: 'composed', composition: checkComposition(input.composition) };
    default:
      throw new InputError('E_SEGMENT_KIND', 'A segment is dynamic, static or composed.');
  }
}

/** A segment's definition after a change. @throws InputError `E_SEGMENT_KIND`, `E_COMPOSITION` */
export function changed(segment: Segment, change: SegmentChange): SegmentDefinition {
  if (
    (change.condition !== undefined && segment.kind !== 'dynamic') ||
    (change.composition !== undefined && segment.kind !== 'composed')
  ) {
    throw new InputError(
      'E_SEGMENT_KIND',
      `The segment "${segment.key}" is ${segment.kind} and stays so: make a new one of the other kind.`,
    );
  }
  switch (segment.kind) {
    case 'dynamic':
      return { kind: 'dynamic', condition: change.condition ?? segment.condition };
    case 'static':
      return { kind: 'static' };
    case 'composed':
      return {
        kind: 'composed',
        composition: change.composition === undefined ? segment.composition : checkComposition(change.composition),
      };
  }
}

/** What decides about the members of a composition: what decides about its parts, and the parts themselves. */
export function composedReads(segments: ReadonlyMap<string, Loaded>, composition: Composition): string[] {
  const reads = new Set<string>();
  const visit = (part: Composition): void => {
    for (const key of keysOf(part)) {
      reads.add(`segment:${key}`);
      const segment = segments.get(key)?.segment;
      if (segment?.kind === 'composed') visit(segment.composition);
      else for (const field of segment?.reads ?? []) reads.add(field);
    }
  };
  visit(composition);
  return [...reads].sort();
}

/** Dynamic segments, then composed ones, contained before containing. */
export function affectedOrder(segments: ReadonlyMap<string, Loaded>): Loaded[] {
  const composed = [...segments.values()].filter(({ segment }) => segment.kind === 'composed');
  const depths = new Map(composed.map((loaded) => [loaded, depth(segments, loaded)]));
  composed.sort((a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0));
  return [...[...segments.values()].filter(({ segment }) => segment.kind === 'dynamic'), ...composed];
}

/** 0 for a simple segment; for a composed one, one more than its deepest part. */
export function depth(segments: ReadonlyMap<string, Loaded>, { segment }: Loaded): number {
  if (segment.kind !== 'composed') return 0;
  return (
    1 +
    Math.max(
      0,
      ...keysOf(segment.composition).map((key) =>
        segments.get(key) ? depth(segments, segments.get(key) as Loaded) : 0,
      ),
    )
  );
}

/** The error for a change of a version that is no longer the current one. */
export function outdated(segment: Segment, version: number): ConflictError {
  return new ConflictError(
    'E_VERSION',
    `The segment "${segment.key}" was changed by somebody else (it is at version ${segment.version}, you changed version ${version}): look at it again.`,
    { details: { key: segment.key, version: segment.version } },
  );
}
