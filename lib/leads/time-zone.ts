const known = new Map<string, string | undefined>();

/** The IANA name of a time zone in its usual spelling, or undefined when there is none. Offsets ("+02:00") are none: they know no summer time. */
export function normaliseTimeZone(given: string): string | undefined {
  const text = given.trim();
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(text)) return undefined;
  if (known.has(text)) return known.get(text);
  let zone: string | undefined;
  try {
    zone = new Intl.DateTimeFormat('en-US', { timeZone: text }).resolvedOptions().timeZone;
    // Renamed zones ("Asia/Calcutta") come back under one of their names; keep what was asked for unless only the case differs.
    if (zone.toLowerCase() !== text.toLowerCase()) zone = text;
  } catch {
    zone = undefined;
  }
  if (known.size > 2_000) known.clear();
  known.set(text, zone);
  return zone;
}
