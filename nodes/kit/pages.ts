import type { Request, RequestHandler } from 'express';
import type { NodeAPI } from 'node-red';
import type { Marketing } from '../../lib';
import { optOut, unsubscribeRouter } from '../../lib/http';
import { runningStores, type StoreHub } from './store-node';

type Pages = ReturnType<typeof unsubscribeRouter>;

const mounted = new WeakSet<object>();
const pagesOf = new WeakMap<Marketing, Pages>();

/**
 * Adds the public pages (unsubscribing) to Node-RED's HTTP root. `httpNodeAuth` stands before it. Routes cannot be taken away again,
 * so one handler is added per app, which finds the store by its path and its signature for each request.
 */
export function mountPages(RED: NodeAPI): void {
  const { httpNode: app } = RED;
  if (!app || mounted.has(app)) return;
  mounted.add(app);
  app.use(serve);
}

const serve: RequestHandler = (request, response, next) => {
  const found = [...runningStores().values()].filter(({ httpPath }) => below(httpPath, request.path));
  if (found.length === 0) return next();
  const chosen = choose(found, tokenOf(request));
  const { state } = chosen.connection;
  if (state.kind !== 'open') {
    // Mail providers try again: an opt-out must not get lost in a restart.
    response
      .status(503)
      .set('Retry-After', '30')
      .type('text/plain')
      .send('The service is starting. Please try again in a minute.');
    return;
  }
  const address = request.url;
  request.url = address.slice(chosen.httpPath.length) || '/';
  pagesFor(state.marketing)(request, response, (error?: unknown) => {
    request.url = address;
    next(error);
  });
};

function below(httpPath: string, path: string): boolean {
  return path.startsWith(`${httpPath}/u/`);
}

/** Several stores may share a path: the one that signed the link, or the one that may still turn out to have. */
function choose(hubs: readonly StoreHub[], token: string): StoreHub {
  const signed = hubs.find(
    ({ connection: { state } }) => state.kind === 'open' && state.marketing.unsubscribe.verify(token),
  );
  return signed ?? hubs.find(({ connection }) => connection.state.kind !== 'open') ?? (hubs[0] as StoreHub);
}

function tokenOf({ path }: Request): string {
  const encoded = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(encoded);
  } catch {
    return '';
  }
}

function pagesFor(marketing: Marketing): Pages {
  const known = pagesOf.get(marketing);
  if (known) return known;
  const pages = unsubscribeRouter({
    clock: marketing.clock,
    verify: (token) => marketing.unsubscribe.verify(token),
    apply: (payload) => optOut(marketing.leads, payload),
  });
  pagesOf.set(marketing, pages);
  return pages;
}
