import type { RateLimits } from '../../access';
import type { Clock } from '../../clock';
import type { Marketing } from '../../marketing';
import { servicesFor, type OpenServices } from './services';
import type { ApiDeps } from './types';

/** What one process has to offer to the API. */
export interface ApiSources {
  readonly clock: Clock;
  readonly limits: Pick<RateLimits, 'check'>;
  /** The data that is open now, of one tenant or several, in one database or several. Asked for each request. */
  open(): readonly SourceData[];
  onError(error: unknown, incident: string): void;
}

/** One tenant's open data, and the way to its neighbours in the same database. */
export type SourceData = OpenServices &
  Pick<Marketing, 'tenant'> & { forTenant(tenant: string): Promise<OpenServices> };

/** Once a token was seen there is no need to look again: whoever revokes the last one has closed the door behind them. */
const seen = new WeakSet<object>();

/**
 * Lets callers in by the tokens of whatever data is open: a token is looked for in every database, and says whose data its
 * bearer works with. That is the open data of its tenant, or its tenant's in the same database.
 */
export function apiDepsOf({ clock, limits, open, onError }: ApiSources): ApiDeps {
  return {
    clock,
    limits,
    onError,
    async authenticate(text) {
      for (const door of onePerDatabase(open())) {
        const found = await door.tokens.authenticate(text);
        if (!found) continue;
        const own = open().find(
          ({ tenant, scope }) => tenant === found.tenant && scope.database === door.scope.database,
        );
        return { ...found, services: servicesFor(found.principal, own ?? (await door.forTenant(found.tenant))) };
      }
      return undefined;
    },
    async tokensExist() {
      for (const { scope, tokens } of onePerDatabase(open())) {
        if (seen.has(scope.database)) return true;
        if (!(await tokens.anyUsable())) continue;
        seen.add(scope.database);
        return true;
      }
      return false;
    },
  };
}

function onePerDatabase(sources: readonly SourceData[]): SourceData[] {
  return [...new Map(sources.map((source) => [source.scope.database, source])).values()];
}
