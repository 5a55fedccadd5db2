import type { RefusalReason, TriggerConfig } from './types';

/** How somebody stands with a campaign: over all of its runs. */
export interface Standing {
  readonly entries: number;
  /** Entries that have not ended. */
  readonly active: number;
  /** Ms since 1970; undefined: never. */
  readonly lastEntered: number | undefined;
  readonly lastEnded: number | undefined;
}

/** Somebody who was never in. */
export const STRANGER: Standing = { entries: 0, active: 0, lastEntered: undefined, lastEnded: undefined };

/** Whether the rules need to know how people stand with the campaign. */
export function asksForStanding({ reentry, frequencyMs, cooldown }: TriggerConfig): boolean {
  return reentry.when !== 'always' || frequencyMs !== undefined || cooldown.leadMs !== undefined;
}

/**
 * What keeps somebody out who stands so (AC-004.5, FR-P3-010); undefined: nothing. A limit of 24 hours lets in again when
 * exactly 24 hours have passed.
 */
export function keptOut(
  { reentry, frequencyMs, cooldown }: Pick<TriggerConfig, 'reentry' | 'frequencyMs' | 'cooldown'>,
  standing: Standing,
  now: number,
): RefusalReason | undefined {
  if (standing.entries === 0) return undefined;
  switch (reentry.when) {
    case 'always':
      break;
    case 'never':
      return 'reentry';
    case 'finished':
      if (standing.active > 0) return 'reentry';
      break;
    case 'pause': {
      if (reentry.since === 'end' && standing.active > 0) return 'reentry';
      if (within(reentry.since === 'end' ? standing.lastEnded : standing.lastEntered, reentry.ms, now))
        return 'reentry';
    }
  }
  if (within(standing.lastEntered, frequencyMs, now)) return 'frequency';
  return within(standing.lastEntered, cooldown.leadMs, now) ? 'cooldown' : undefined;
}

/** How somebody stands who comes in now. */
export function entering(standing: Standing, now: number): Standing {
  return { ...standing, entries: standing.entries + 1, active: standing.active + 1, lastEntered: now };
}

function within(since: number | undefined, ms: number | undefined, now: number): boolean {
  return since !== undefined && ms !== undefined && now - since < ms;
}
