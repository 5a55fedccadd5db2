import { InputError } from '../../errors';

/** A moment as the API writes it: ISO 8601 in UTC. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * A moment that somebody wrote, in milliseconds since 1970.
 * @throws InputError `E_MOMENT`
 */
export function milliseconds(text: string, pointer: string): number {
  const ms = Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  const detail = 'Write a moment as 2026-05-01T09:00:00Z.';
  throw new InputError('E_MOMENT', `${pointer}: ${detail}`, {
    details: { errors: [{ pointer: `#${pointer}`, detail }] },
  });
}

/** The same with the named times, which are milliseconds, as the API writes moments; absent ones stay absent. */
export function withMoments<T extends object, Name extends keyof T & string>(
  thing: T,
  names: readonly Name[],
): Omit<T, Name> & { [name in Name]?: string } {
  const times = names.flatMap((name) => (typeof thing[name] === 'number' ? [[name, iso(thing[name])] as const] : []));
  return { ...thing, ...Object.fromEntries(times) };
}

/** The named fields only, absent ones left out: what the schema of an answer has room for. */
export function pick<T extends object, Name extends keyof T>(thing: T, names: readonly Name[]): Partial<Pick<T, Name>> {
  const picked: Partial<Pick<T, Name>> = {};
  for (const name of names) if (thing[name] !== undefined) picked[name] = thing[name];
  return picked;
}

/** What `{id}` means: a number is an id, anything else a key. */
export function idOrKey(given: string): number | string {
  return /^[1-9]\d{0,14}$/.test(given) ? Number(given) : given;
}

/** A key made of a name: lower case, words joined by "-". Empty when nothing of the name can stand in a key. */
export function keyOf(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return plain
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 100);
}

/** Who acts, and on which version, as services take it. */
export function by<Actor>({ actor, version }: { actor: Actor; version: number | undefined }): {
  actor: Actor;
  version?: number;
} {
  return { actor, ...(version === undefined ? {} : { version }) };
}
