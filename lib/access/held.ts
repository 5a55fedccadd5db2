import { allows, authorise, type Actor, type Permission } from './principal';

/** What calling each method takes: any one of these permissions. */
export type Permits<Method extends string> = Readonly<Record<Method, readonly [Permission, ...Permission[]]>>;

/** Names of the methods that answer with a promise. */
type Askable<Service> = {
  [Name in keyof Service]: Service[Name] extends (...args: never[]) => Promise<unknown> ? Name : never;
}[keyof Service] &
  string;

/**
 * A service as somebody may use it: each call is checked first, and what has no permission is not there at all. For
 * services whose own methods do not ask who calls.
 * @returns methods that throw ForbiddenError `E_FORBIDDEN`
 */
export function heldTo<Service extends object, Method extends Askable<Service>>(
  actor: Actor | undefined,
  service: Service,
  permits: Permits<Method>,
): Pick<Service, Method> {
  const held = Object.entries<Permits<string>[string]>(permits).map(([name, anyOf]) => {
    const call = async (...args: unknown[]): Promise<unknown> => {
      if (!anyOf.some((permission) => allows(actor, permission))) authorise(actor, anyOf[0]);
      const method = Reflect.get(service, name) as (...given: unknown[]) => Promise<unknown>;
      return method.apply(service, args);
    };
    return [name, call] as const;
  });
  return Object.fromEntries(held) as unknown as Pick<Service, Method>;
}
