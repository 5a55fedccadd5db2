/*
 * Words of this folder
 *   operation   one thing that the API can do: a method and a path, what it takes, what it answers, who may, and the code
 *   call        one request for an operation, with everything checked
 *   caller      whose bearer token came with a request: a principal of one tenant, and that tenant's services
 *   problem     an error as the API tells it (RFC 9457)
 */
import type { Permission, Principal, RateLimits } from '../../access';
import type { Clock } from '../../clock';
import type { Schema } from './schema';
import type { ApiServices } from './services';

/** Somebody who gave a good token. */
export interface Caller {
  readonly tenant: string;
  readonly principal: Principal;
  /** Id of the token. */
  readonly token: number;
  /** Held to what the principal may do. */
  readonly services: ApiServices;
}

/** What the API needs from its surroundings. */
export interface ApiDeps {
  readonly clock: Clock;
  /** Whose token this is; undefined for one that is unknown, expired or revoked. */
  authenticate(token: string): Promise<Caller | undefined>;
  /** Whether any token exists at all. Asked for requests from other machines only. */
  tokensExist(): Promise<boolean>;
  /** Counted per address before anybody is let in, per token and tenant after that. */
  readonly limits: Pick<RateLimits, 'check'>;
  /** Told about errors that nobody foresaw, with the number that the caller was told. */
  onError(error: unknown, incident: string): void;
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

/** What an operation takes, as its code sees it; the schemas see to it that this is so. */
export interface Shape {
  readonly params?: object;
  readonly query?: object;
  readonly body?: unknown;
}

/** One request, checked. */
export interface Call<S extends Shape = Shape> {
  readonly services: ApiServices;
  /** Who acts: given to every service, which checks once more. */
  readonly actor: Principal;
  readonly params: S['params'] extends object ? S['params'] : Record<never, never>;
  readonly query: S['query'] extends object ? S['query'] : Record<never, never>;
  readonly body: S['body'];
  /** The version of `If-Match`; undefined when there was none, or `*`. */
  readonly version: number | undefined;
  readonly clock: Clock;
}

/** What an operation answers. */
export interface Reply {
  /** Default: the first of the operation's `responses`. */
  readonly status?: number;
  readonly body?: unknown;
  /** Text of another type than JSON. */
  readonly raw?: { readonly type: string; readonly text: string | Buffer; readonly name?: string };
  /** The version that `ETag` tells. Without one, GET answers are tagged by their content. */
  readonly version?: number;
  /** Path below the API's own root, for `Location`. */
  readonly location?: string;
  /** Query of the next page, for `Link`. */
  readonly next?: Readonly<Record<string, string | number>>;
}

/** What an operation may answer when all is well. */
export interface ResponseSpec {
  readonly description: string;
  /** Absent: no body. */
  readonly schema?: Schema;
  /** Other media types than JSON. */
  readonly media?: Readonly<Record<string, Schema>>;
}

/** One thing that the API can do: the one source of routes, validation and the OpenAPI document. */
export interface Operation<S extends Shape = Shape> {
  /** `campaigns.launch`; unique. */
  readonly id: string;
  readonly method: Method;
  /** Below the API's root, parameters in braces: `/campaigns/{id}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly permission: Permission;
  readonly params?: Schema;
  readonly query?: Schema;
  readonly body?: Schema;
  /** True: the body may be left out. */
  readonly bodyOptional?: boolean;
  /** Largest body, bytes. Default 1 MiB. */
  readonly maxBody?: number;
  /** Success statuses; the first is the usual one. */
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /** Problem statuses besides those that every operation may answer. */
  readonly problems?: readonly number[];
  /** `If-Match` is taken. */
  readonly versioned?: boolean;
  /** Its answer holds a secret: it is not kept for `Idempotency-Key`. */
  readonly confidential?: boolean;
  handler(call: Call<S>): Promise<Reply>;
}

/** Writes an operation; its type of code is forgotten, because the schemas vouch for it. */
export function operation<S extends Shape>(definition: Operation<S>): Operation {
  return definition;
}
