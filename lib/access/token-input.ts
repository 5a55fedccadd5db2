import { ForbiddenError, InputError } from '../errors';
import { allows, nameOf, permissionsOf, PERMISSIONS, ROLES, type Actor, type Permission, type Role } from './principal';

/** What a token is made of. */
export interface TokenInput {
  /** What it is for, shown to people; 1 to 255 characters. */
  readonly name: string;
  /** Who acts with it, as the history names it. Default: who creates it, or `token:<prefix>` when that is a program. */
  readonly owner?: string;
  readonly roles: readonly Role[];
  /** Narrows what the roles allow; absent: everything that they do. */
  readonly scopes?: readonly Permission[];
  readonly teams?: readonly string[];
  /** Milliseconds since 1970; absent: it does not expire. */
  readonly expiresAt?: number;
}

interface Problem {
  readonly path: string;
  readonly message: string;
}

/** Names under which the engine and its doors write history: nobody may act as one of them through a token. */
const RESERVED_OWNER = /^(?:(?:system|deploy|editor)$|editor |cli:|lead:|model:|node |token:)/;
const MOST_TEAMS = 50;

/** @throws InputError `E_TOKEN` with every problem and its path */
export function checkTokenInput(input: TokenInput, now: number): void {
  const problems = [...problemsOf(input, now)];
  if (problems.length === 0) return;
  throw new InputError('E_TOKEN', `The token cannot be created: ${problems.map(({ message }) => message).join(' ')}`, {
    details: { problems },
  });
}

function* problemsOf({ name, owner, roles, scopes, teams, expiresAt }: TokenInput, now: number): Generator<Problem> {
  if (!isText(name, 255)) yield { path: '/name', message: 'The name is a text of 1 to 255 characters.' };
  if (owner !== undefined && (!isText(owner, 128) || RESERVED_OWNER.test(owner))) {
    const message =
      'The owner is a user id of at most 128 characters, and none of the names that the engine itself uses.';
    yield { path: '/owner', message };
  }
  if (!isList(roles, (role) => Object.hasOwn(ROLES, role)) || roles.length === 0) {
    yield { path: '/roles', message: `The roles are one or more of ${Object.keys(ROLES).join(', ')}.` };
  }
  if (scopes !== undefined && !isList(scopes, (scope) => PERMISSIONS.some((known) => known === scope))) {
    yield { path: '/scopes', message: `The scopes are some of ${PERMISSIONS.join(', ')}.` };
  }
  if (teams !== undefined && !(isList(teams, (team) => isText(team, 128)) && teams.length <= MOST_TEAMS)) {
    yield { path: '/teams', message: `The teams are at most ${MOST_TEAMS} names of at most 128 characters.` };
  }
  if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > now)) {
    yield { path: '/expiresAt', message: 'The expiry is a time in the future, in milliseconds since 1970.' };
  }
}

/** What comes over HTTP may be anything. */
function isList(value: unknown, fits: (item: string) => boolean): boolean {
  return Array.isArray(value) && value.every((item: unknown) => typeof item === 'string' && fits(item));
}

function isText(value: unknown, longest: number): boolean {
  // Control characters have no place in what logs and lists show.
  return typeof value === 'string' && value.trim() !== '' && value.length <= longest && !/\p{Cc}/u.test(value);
}

/** What a token would let somebody do. */
export interface Grant {
  readonly owner: string;
  readonly roles: readonly Role[];
  readonly scopes?: readonly Permission[] | undefined;
  readonly teams?: readonly string[] | undefined;
}

/**
 * Nobody hands out more than they have: not a permission, and not somebody else's name or team unless they may change the
 * tenant's settings.
 * @throws ForbiddenError `E_FORBIDDEN`
 */
export function checkGrant(actor: Actor | undefined, { owner, roles, scopes, teams = [] }: Grant): void {
  if (actor === undefined || typeof actor === 'string') return;
  const asked = permissionsOf({ id: owner, roles, ...(scopes ? { scopes } : {}) });
  const has = permissionsOf(actor);
  const missing = [...asked].filter((permission) => !has.has(permission));
  if (missing.length > 0) {
    throw new ForbiddenError(
      'E_FORBIDDEN',
      `${nameOf(actor)} cannot give a token more than they have themselves: ${missing.join(', ')}. Choose fewer roles or scopes.`,
      { details: { permissions: missing } },
    );
  }
  const own = owner === actor.id && teams.every((team) => actor.teams?.includes(team));
  if (own || allows(actor, 'settings:manage')) return;
  throw new ForbiddenError(
    'E_FORBIDDEN',
    `${nameOf(actor)} can create tokens for themselves and their own teams only. Ask an administrator of the tenant.`,
    { details: { permission: 'settings:manage' } },
  );
}
