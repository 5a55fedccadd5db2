import type { Clock } from '../clock';
import { MarketingError } from '../errors';
import type { Connection, Driver, Result } from './connection';
import { assertScoped, bindValues, compileStatement, type CompiledStatement } from './statement';
import type { Dialect, Scope, SqlValues } from './types';

/** How long contention is waited out before it becomes an error. */
const PATIENCE_MS = 30_000;
/** The most that is waited between two tries. */
const LONGEST_PAUSE_MS = 50;

/** What the scopes of one database share. */
export interface ScopeHost {
  readonly driver: Driver;
  readonly dialect: Dialect;
  readonly clock: Clock;
  /** A number in [0, 1): spreads retries. */
  readonly random: () => number;
  readonly closed: () => boolean;
}

interface Checked extends CompiledStatement {
  readonly withNow: boolean;
}

/** Compiles each statement text once, and looks once whether it is scoped to a tenant. */
export class StatementCache {
  private readonly scoped = new Map<string, Checked>();
  private readonly unscoped = new Map<string, Checked>();
  constructor(private readonly dialect: Dialect) {}

  get(source: string, mustBeScoped: boolean): Checked {
    const cache = mustBeScoped ? this.scoped : this.unscoped;
    const known = cache.get(source);
    if (known) return known;
    if (mustBeScoped) assertScoped(source);
    const compiled = compileStatement(source, this.dialect.name);
    const checked = { ...compiled, withNow: compiled.names.includes('now_ms') };
    // Statements are few and written by us; conditions add one per saved text. The bound keeps a leak from growing.
    if (cache.size > 2_000) cache.clear();
    cache.set(source, checked);
    return checked;
  }
}

/** The {@link Scope} over a driver: on the pool, or bound to one connection inside a transaction or background work. */
export class DriverScope implements Scope {
  readonly dialect: Dialect;
  readonly clock: Clock;

  constructor(
    private readonly host: ScopeHost,
    private readonly cache: StatementCache,
    readonly tenant: string,
    /** False for the system scope, which serves all tenants. */
    private readonly mustBeScoped: boolean,
    private readonly connection?: Connection,
    /** What is to be done after the commit; only inside a transaction. */
    private readonly committed?: (() => void)[],
  ) {
    this.dialect = host.dialect;
    this.clock = host.clock;
  }

  async all<Row extends object>(text: string, values: SqlValues = {}): Promise<Row[]> {
    return (await this.exec(text, values)).rows as Row[];
  }
  async get<Row extends object>(text: string, values: SqlValues = {}): Promise<Row | undefined> {
    return (await this.exec(text, values)).rows[0] as Row | undefined;
  }
  async run(text: string, values: SqlValues = {}): Promise<number> {
    return (await this.exec(text, values)).changes;
  }
  async insert(text: string, values: SqlValues = {}): Promise<number> {
    const result = await this.exec(this.dialect.name === 'postgres' ? `${text} RETURNING id` : text, values);
    if (this.dialect.name !== 'postgres') return result.lastId;
    return (result.rows[0] as { id: number } | undefined)?.id ?? 0;
  }

  async transaction<T>(work: (tx: Scope) => Promise<T>): Promise<T> {
    if (this.committed) return work(this);
    return this.patiently(async () => {
      if (this.connection) return this.transact(this.connection, work);
      const connection = await this.acquire();
      try {
        return await this.transact(connection, work);
      } finally {
        await this.host.driver.release(connection);
      }
    });
  }

  async background<T>(work: (db: Scope) => Promise<T>): Promise<T> {
    if (this.connection) return work(this);
    this.assertOpen();
    return this.host.driver.background((connection) => work(this.on(connection)));
  }

  afterCommit(work: () => void): void {
    if (this.committed) this.committed.push(work);
    else attempt(work);
  }

  get database(): object {
    return this.host;
  }

  private async transact<T>(connection: Connection, work: (tx: Scope) => Promise<T>): Promise<T> {
    const committed: (() => void)[] = [];
    await connection.exec(this.host.driver.begin, []);
    let result: T;
    try {
      result = await work(this.on(connection, committed));
      await connection.exec('COMMIT', []);
    } catch (error) {
      // The rollback fails when the connection is gone or the database rolled back by itself: the first error tells more.
      await Promise.resolve(connection.exec('ROLLBACK', [])).catch(() => undefined);
      throw error;
    }
    committed.forEach(attempt);
    return result;
  }

  private on(connection: Connection, committed?: (() => void)[]): DriverScope {
    return new DriverScope(this.host, this.cache, this.tenant, this.mustBeScoped, connection, committed);
  }

  private async exec(text: string, values: SqlValues): Promise<Result> {
    const statement = this.cache.get(text, this.mustBeScoped);
    const bound = bindValues(statement, {
      tenant: this.tenant,
      ...(statement.withNow ? { now_ms: this.clock.now() } : undefined),
      ...values,
    });
    if (this.connection) {
      const connection = this.connection;
      if (this.committed) return connection.exec(statement.text, bound);
      return this.patiently(async () => connection.exec(statement.text, bound));
    }
    return this.patiently(async () => {
      const connection = await this.acquire();
      try {
        return await connection.exec(statement.text, bound);
      } finally {
        await this.host.driver.release(connection);
      }
    });
  }

  private async acquire(): Promise<Connection> {
    this.assertOpen();
    return this.host.driver.acquire();
  }

  private assertOpen(): void {
    if (this.host.closed())
      throw new MarketingError('E_STORE_CLOSED', 'The store is closed; open it again before using it.');
  }

  /** Tries again while the database says "not now", for at most {@link PATIENCE_MS}. Never blocks the event loop. */
  private async patiently<T>(work: () => Promise<T>): Promise<T> {
    const start = this.clock.monotonic();
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const again = this.host.driver.isContention(error) || (attempt < 3 && this.host.driver.isConnectionLoss(error));
        // The attempts count as well as the time: a virtual clock may stand still.
        if (!again || this.clock.monotonic() - start > PATIENCE_MS || attempt > 5_000) throw error;
        await pause(Math.min(LONGEST_PAUSE_MS, 1 + attempt) * (0.5 + this.host.random()));
      }
    }
  }
}

/** Nothing that comes after a commit may make it look as if it had failed. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // Whoever needs to hear of it catches it in `work`.
  }
}

/** A real pause even under a virtual clock: what holds the lock is another process or thread, which lives in real time. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    realTimer(resolve, ms); // not the injected clock, see above
  });
}
const realTimer = setTimeout;
