import { ConflictError, NotFoundError } from '../errors';
import { record } from '../history';
import { parseJson, type Scope, type Sql } from '../store';
import { authorise, nameOf, type Actor, type Permission, type Principal, type Role } from './principal';
import { checkGrant, checkTokenInput, type TokenInput } from './token-input';
import { hashOf, looksLikeToken, makeToken } from './token-text';

/** A token as it is shown: never the token itself. Times are milliseconds since 1970. */
export interface Token {
  readonly id: number;
  /** `nmk_ab12cd34`: how it begins. */
  readonly prefix: string;
  readonly name: string;
  readonly owner: string;
  readonly roles: readonly Role[];
  readonly scopes?: readonly Permission[];
  readonly teams?: readonly string[];
  readonly state: 'usable' | 'expired' | 'revoked';
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt?: number;
  /** To the minute. */
  readonly lastUsedAt?: number;
  readonly revokedAt?: number;
}

/** A token that was just made. `token` is shown this once and cannot be found out again. */
export interface NewToken extends Token {
  readonly token: string;
}

/** Who a token stands for. The tenant comes from here and from nowhere else. */
export interface Authenticated {
  readonly principal: Principal;
  readonly tenant: string;
  /** Id of the token. */
  readonly token: number;
}

interface Options {
  readonly actor?: Actor;
}

/** Tokens of one tenant that are not revoked; more is a program that forgets what it made. */
const MOST_TOKENS = 1_000;
/** `last_used_at` is written at most this often per token. */
const USED_EVERY_MS = 60_000;

/** Bearer tokens: made, listed, taken back, and recognised. */
export class Tokens {
  /** Tokens whose use is being written down. */
  private readonly touching = new Map<number, Promise<void>>();

  /**
   * @param scope the tenant whose tokens are managed
   * @param system the door to all tenants: a token says whose it is, so it is looked for everywhere
   */
  constructor(
    private readonly scope: Scope,
    private readonly system: Sql,
  ) {}

  /**
   * Makes a token. Nobody can give it more than they have.
   * @throws ForbiddenError `E_FORBIDDEN`; InputError `E_TOKEN`; ConflictError `E_TOO_MANY_TOKENS`
   */
  async create(input: TokenInput, options: Options = {}): Promise<NewToken> {
    const { actor } = options;
    authorise(actor, 'token:manage');
    checkTokenInput(input, this.scope.clock.now());
    const made = makeToken();
    const owner = input.owner ?? (typeof actor === 'object' ? actor.id : `token:${made.prefix}`);
    checkGrant(actor, { ...input, owner });
    const id = await this.scope.transaction(async (tx) => {
      await assertRoom(tx);
      const inserted = await tx.insert(
        `INSERT INTO marketing_tokens (tenant_id, prefix, hash, name, owner, roles, scopes, teams, created_by, created_at, expires_at)
         VALUES (:tenant, :prefix, :hash, :name, :owner, :roles, :scopes, :teams, :actor, :now, :expires)`,
        {
          ...{
            prefix: made.prefix,
            hash: made.hash,
            name: input.name.trim(),
            owner,
            actor: nameOf(actor).slice(0, 128),
          },
          roles: JSON.stringify([...new Set(input.roles)]),
          scopes: input.scopes ? JSON.stringify([...new Set(input.scopes)]) : null,
          teams: input.teams ? JSON.stringify([...new Set(input.teams)]) : null,
          now: tx.clock.now(),
          expires: input.expiresAt ?? null,
        },
      );
      await tell(tx, 'token.created', actor, { token: inserted, prefix: made.prefix, owner, roles: input.roles });
      return inserted;
    });
    return { ...(await this.read(id)), token: made.text };
  }

  /** All tokens, the newest first; revoked ones only when asked for. */
  async list(options: Options & { revoked?: boolean } = {}): Promise<Token[]> {
    authorise(options.actor, 'token:manage');
    const rows = await this.scope.all<TokenRow>(
      `SELECT ${COLUMNS} FROM marketing_tokens WHERE tenant_id = :tenant ${options.revoked ? '' : 'AND revoked_at IS NULL'}
        ORDER BY id DESC LIMIT ${MOST_TOKENS}`,
    );
    return rows.map((row) => tokenOf(row, this.scope.clock.now()));
  }

  /** @throws NotFoundError `E_UNKNOWN_TOKEN` */
  async get(id: number, options: Options = {}): Promise<Token> {
    authorise(options.actor, 'token:manage');
    return this.read(id);
  }

  /** Takes a token back: the very next request with it is refused. Revoking it again changes nothing. @throws NotFoundError `E_UNKNOWN_TOKEN` */
  async revoke(id: number, options: Options = {}): Promise<Token> {
    authorise(options.actor, 'token:manage');
    const token = await this.read(id);
    await this.scope.transaction(async (tx) => {
      const changed = await tx.run(
        'UPDATE marketing_tokens SET revoked_at = :now WHERE tenant_id = :tenant AND id = :id AND revoked_at IS NULL',
        { id, now: tx.clock.now() },
      );
      if (changed > 0) await tell(tx, 'token.revoked', options.actor, { token: id, prefix: token.prefix });
    });
    return this.read(id);
  }

  /**
   * Gives a token a new text, with everything else as it was; the old one stops working at once. For a change without a
   * gap, create a second token and revoke the first one afterwards.
   * @throws NotFoundError `E_UNKNOWN_TOKEN`; ConflictError `E_TOKEN_REVOKED`; ForbiddenError `E_FORBIDDEN`
   */
  async rotate(id: number, options: Options = {}): Promise<NewToken> {
    authorise(options.actor, 'token:manage');
    const token = await this.read(id);
    // Whoever rotates a token holds it afterwards.
    checkGrant(options.actor, token);
    const made = makeToken();
    await this.scope.transaction(async (tx) => {
      const changed = await tx.run(
        `UPDATE marketing_tokens SET prefix = :prefix, hash = :hash, last_used_at = NULL
          WHERE tenant_id = :tenant AND id = :id AND revoked_at IS NULL`,
        { id, prefix: made.prefix, hash: made.hash },
      );
      if (changed === 0) {
        throw new ConflictError('E_TOKEN_REVOKED', `The token ${token.prefix} is revoked: create a new one.`);
      }
      await tell(tx, 'token.rotated', options.actor, { token: id, was: token.prefix, prefix: made.prefix });
    });
    return { ...(await this.read(id)), token: made.text };
  }

  /**
   * Who a token stands for; undefined when there is no such token, or it is expired or revoked.
   *
   * Looked up anew each time, by the unique index over its hash: so that a token that is revoked anywhere is refused
   * everywhere at once. The comparison needs no constant time: an attacker does not choose the hash that is compared, only
   * the text behind it, so how far two hashes agree tells nothing about the next text to try.
   */
  async authenticate(text: string): Promise<Authenticated | undefined> {
    if (!looksLikeToken(text)) return undefined;
    const row = await this.system.get<TokenRow & { tenant_id: string }>(
      `SELECT tenant_id, ${COLUMNS} FROM marketing_tokens /* :any_tenant */ WHERE hash = :hash`,
      { hash: hashOf(text) },
    );
    const now = this.system.clock.now();
    if (!row) return undefined;
    const token = tokenOf(row, now);
    if (token.state !== 'usable') return undefined;
    if (token.lastUsedAt === undefined || now - token.lastUsedAt >= USED_EVERY_MS) this.touch(row.id, now);
    const { owner, roles, scopes, teams } = token;
    return {
      principal: { id: owner, roles, ...(scopes ? { scopes } : {}), ...(teams ? { teams } : {}) },
      tenant: row.tenant_id,
      token: row.id,
    };
  }

  /** Whether any tenant has a token that works: without one, nobody could be let in. */
  async anyUsable(): Promise<boolean> {
    const row = await this.system.get<{ id: number }>(
      `SELECT id FROM marketing_tokens /* :any_tenant */
        WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now) LIMIT 1`,
      { now: this.system.clock.now() },
    );
    return row !== undefined;
  }

  /** Resolves when every use has been written down. */
  async idle(): Promise<void> {
    await Promise.all(this.touching.values());
  }

  private async read(id: number): Promise<Token> {
    const row = await this.scope.get<TokenRow>(
      `SELECT ${COLUMNS} FROM marketing_tokens WHERE tenant_id = :tenant AND id = :id`,
      { id },
    );
    if (!row) throw new NotFoundError('E_UNKNOWN_TOKEN', `There is no token ${id}.`);
    return tokenOf(row, this.scope.clock.now());
  }

  /** Beside the request: nobody waits, or is refused, because this could not be written. */
  private touch(id: number, now: number): void {
    if (this.touching.has(id)) return;
    const writing = this.system
      .run(
        `UPDATE marketing_tokens /* :any_tenant */ SET last_used_at = :now
          WHERE id = :id AND (last_used_at IS NULL OR last_used_at <= :before)`,
        { id, now, before: now - USED_EVERY_MS },
      )
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.touching.delete(id));
    this.touching.set(id, writing);
  }
}

const COLUMNS =
  'id, prefix, name, owner, roles, scopes, teams, created_by, created_at, expires_at, last_used_at, revoked_at';

interface TokenRow {
  id: number;
  prefix: string;
  name: string;
  owner: string;
  roles: unknown;
  scopes: unknown;
  teams: unknown;
  created_by: string;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
  revoked_at: number | null;
}

function tokenOf(row: TokenRow, now: number): Token {
  const scopes = parseJson<Permission[] | undefined>(row.scopes, undefined);
  const teams = parseJson<string[] | undefined>(row.teams, undefined);
  const expired = row.expires_at !== null && row.expires_at <= now;
  return {
    id: row.id,
    prefix: row.prefix,
    name: row.name,
    owner: row.owner,
    roles: parseJson<Role[]>(row.roles, []),
    ...(scopes === undefined ? {} : { scopes }),
    ...(teams === undefined ? {} : { teams }),
    state: row.revoked_at !== null ? 'revoked' : expired ? 'expired' : 'usable',
    createdBy: row.created_by,
    createdAt: row.created_at,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  };
}

async function assertRoom(tx: Scope): Promise<void> {
  const row = await tx.get<{ n: number }>(
    'SELECT COUNT(*) AS n FROM marketing_tokens WHERE tenant_id = :tenant AND revoked_at IS NULL',
  );
  if ((row?.n ?? 0) < MOST_TOKENS) return;
  throw new ConflictError(
    'E_TOO_MANY_TOKENS',
    `There are ${MOST_TOKENS} tokens already: revoke some that nobody uses.`,
  );
}

async function tell(tx: Scope, event: string, actor: Actor | undefined, payload: object): Promise<void> {
  await record(tx, { event, actor: nameOf(actor), payload });
}
