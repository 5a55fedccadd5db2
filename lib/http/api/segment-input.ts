import type { JsonCondition } from '../../conditions';
import { InputError } from '../../errors';
import type { Composition, SegmentInput } from '../../segments';
import { keyOf } from './present';

/** What a new segment is made of, as the API takes it. */
export interface SegmentBody {
  key?: string;
  name: string;
  conditions?: string | JsonCondition;
  composition?: Composition;
}

/** @throws InputError `E_SEGMENT_KEY`, `E_SEGMENT_KIND` */
export function segmentInput({ key, name, conditions: condition, composition }: SegmentBody): SegmentInput {
  const named = { key: key ?? keyOf(name), name };
  if (named.key === '') {
    throw new InputError(
      'E_SEGMENT_KEY',
      'No key can be made of this name: give one, of letters, digits, "_", "-" and ".".',
    );
  }
  if (condition !== undefined && composition !== undefined)
    throw new InputError('E_SEGMENT_KIND', 'Give conditions or a composition, not both.');
  if (condition !== undefined) return { ...named, kind: 'dynamic', condition };
  if (composition !== undefined) return { ...named, kind: 'composed', composition };
  return { ...named, kind: 'static' };
}
