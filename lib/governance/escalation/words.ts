import { parseDuration } from '../../conditions';
import type { Escalation } from '../../definitions/document';

/** What an escalation's action does to a campaign; everybody is told in any case. */
export type EscalationEffect =
  | { readonly kind: 'act'; readonly action: 'pause' | 'optimize' }
  | { readonly kind: 'assign'; readonly role: string }
  /** Nothing but telling: `notify_…`, and words that others listen for. */
  | { readonly kind: 'tell' };

const SHORT_UNITS: Readonly<Record<string, string>> = { s: 'seconds', m: 'minutes', h: 'hours', d: 'days', w: 'weeks' };

/** Milliseconds of "24 hours" or "24h"; undefined for what is no duration. */
export function delayOf({ after }: Escalation): number | undefined {
  const short = /^\s*([\d.]+)\s*([smhdw])\s*$/i.exec(after);
  return parseDuration(short ? `${short[1]} ${SHORT_UNITS[short[2]?.toLowerCase() ?? '']}` : after);
}

/** What an action of the requirement texts means: `pause…`, `optimize`, `reassign_to_<role>`, `notify…`, anything else. */
export function effectOf(action: string): EscalationEffect {
  if (action.startsWith('pause')) return { kind: 'act', action: 'pause' };
  if (action === 'optimize') return { kind: 'act', action: 'optimize' };
  const role = /^reassign_to_(.+)$/.exec(action)?.[1];
  return role === undefined ? { kind: 'tell' } : { kind: 'assign', role };
}
