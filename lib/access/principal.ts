import { ForbiddenError } from '../errors';

/** What somebody is in a tenant. Each role holds a set of permissions, see {@link ROLES}. */
export type Role = 'viewer' | 'marketer' | 'approver' | 'admin' | 'compliance';

/** Something that may be allowed: what it is done to, and what is done. */
export type Permission =
  | 'campaign:read'
  | 'campaign:write'
  | 'campaign:launch'
  | 'campaign:approve'
  | 'campaign:delete'
  | 'lead:read'
  | 'lead:write'
  | 'lead:erase'
  | 'segment:read'
  | 'segment:write'
  | 'template:read'
  | 'template:write'
  | 'definition:read'
  | 'definition:write'
  | 'analytics:read'
  | 'history:read'
  | 'webhook:manage'
  | 'token:manage'
  | 'settings:manage';

const READ: readonly Permission[] = [
  'campaign:read',
  'lead:read',
  'segment:read',
  'template:read',
  'definition:read',
  'analytics:read',
];
const MARKET: readonly Permission[] = [
  ...READ,
  'campaign:write',
  'campaign:launch',
  'campaign:delete',
  'lead:write',
  'segment:write',
  'template:write',
  'definition:write',
];

/** What each role may do. */
export const ROLES: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  viewer: new Set(READ),
  marketer: new Set(MARKET),
  approver: new Set<Permission>([...READ, 'campaign:approve', 'history:read']),
  admin: new Set<Permission>([
    ...MARKET,
    'campaign:approve',
    'lead:erase',
    'history:read',
    'webhook:manage',
    'token:manage',
    'settings:manage',
  ]),
  compliance: new Set<Permission>([...READ, 'lead:erase', 'history:read']),
};

/** All permissions: what an admin may do. */
export const PERMISSIONS: readonly Permission[] = [...ROLES.admin];

/** Somebody who acts: known by a token, or named by the program that calls. */
export interface Principal {
  /** Who it is, as the history names it: a user id, `token:<prefix>` … */
  readonly id: string;
  readonly roles: readonly Role[];
  /** Narrows what the roles allow; absent: everything that they do. */
  readonly scopes?: readonly Permission[];
  readonly teams?: readonly string[];
}

/**
 * Who does something. A plain name is a program that is trusted with the database anyway (a node, the CLI, the engine
 * itself); a {@link Principal} is held to its roles by everything that it calls, whichever door it came through.
 */
export type Actor = string | Principal;

/** How the history names an actor. */
export function nameOf(actor: Actor | undefined): string {
  if (actor === undefined) return 'system';
  return typeof actor === 'string' ? actor : actor.id;
}

/** Whether somebody may do this. */
export function allows(actor: Actor | undefined, permission: Permission): boolean {
  if (actor === undefined || typeof actor === 'string') return true;
  if (actor.scopes && !actor.scopes.includes(permission)) return false;
  return actor.roles.some((role) => Object.hasOwn(ROLES, role) && ROLES[role].has(permission));
}

/** Everything that somebody may do: what the roles allow, narrowed by the scopes. A plain name may do everything. */
export function permissionsOf(actor: Actor | undefined): ReadonlySet<Permission> {
  return new Set(PERMISSIONS.filter((permission) => allows(actor, permission)));
}

/** @throws ForbiddenError `E_FORBIDDEN` */
export function authorise(actor: Actor | undefined, permission: Permission): void {
  if (allows(actor, permission)) return;
  throw new ForbiddenError(
    'E_FORBIDDEN',
    `${nameOf(actor)} may not do this: it needs the permission "${permission}". Ask an administrator of the tenant for it.`,
    { details: { permission } },
  );
}
