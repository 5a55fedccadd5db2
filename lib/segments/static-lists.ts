import { ConflictError } from '../errors';
import { leadViews } from '../leads';
import type { Scope } from '../store';
import { membersAmong, settle, slices, type Compare } from './members';
import type { Segment, SegmentsDeps, Who } from './types';

/** How many of some leads were moved, how many were where they should be already, and which keys belong to nobody. */
export interface Edited {
  readonly moved: number;
  readonly same: number;
  readonly unknown: (string | number)[];
}

/** Puts leads on static segments and takes them off. Throws as `Segments.add`. */
export class StaticLists {
  constructor(
    private readonly scope: Scope,
    private readonly deps: SegmentsDeps,
    /** Told who was moved on or off which segment. */
    private readonly onMoved: (ids: readonly number[], key: string) => Promise<unknown>,
  ) {}

  /** Moves leads on (`adding`) or off a static segment. */
  async edit(segment: Segment, who: Who, adding: boolean): Promise<Edited> {
    if (segment.kind !== 'static') {
      throw new ConflictError(
        'E_SEGMENT_KIND',
        `The segment "${segment.key}" is ${segment.kind}: leads can be put on and taken off static ones only.`,
      );
    }
    const { ids, unknown } = await this.find(who, adding);
    let count = 0;
    const compare: Compare = async (scope, part) => {
      const members = await membersAmong(scope, segment.id, part);
      return adding
        ? { entered: part.filter((id) => !members.has(id)), left: [] }
        : { entered: [], left: part.filter((id) => members.has(id)) };
    };
    for (const part of slices(ids)) {
      const { entered, left } = await settle(this.scope, segment, part, compare, this.deps.onMembership);
      const moved = [...entered, ...left];
      count += moved.length;
      if (moved.length > 0) await this.onMoved(moved, segment.key);
    }
    return { moved: count, same: ids.length - count, unknown };
  }

  private async find(who: Who, mustExist: boolean): Promise<{ ids: number[]; unknown: (string | number)[] }> {
    const ids = new Set<number>();
    const unknown: (string | number)[] = [];
    for (const part of slices(who.ids ?? [])) {
      const views = mustExist ? await leadViews(this.scope, part) : undefined;
      for (const id of part)
        if (!views || views.has(id)) ids.add(id);
        else unknown.push(id);
    }
    const keys = await this.deps.leads.ids(who);
    for (const email of who.emails ?? []) note(keys.emails.get(email), email);
    for (const externalId of who.externalIds ?? []) note(keys.externalIds.get(externalId), externalId);
    return { ids: [...ids], unknown };

    function note(id: number | undefined, key: string): void {
      if (id === undefined) unknown.push(key);
      else ids.add(id);
    }
  }
}
