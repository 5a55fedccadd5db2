/** Access: who may do what. The only file of this folder that others import. */
export {
  allows,
  authorise,
  nameOf,
  PERMISSIONS,
  ROLES,
  type Actor,
  type Permission,
  type Principal,
  type Role,
} from './principal';
