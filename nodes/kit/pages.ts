import type { Request, RequestHandler, Response } from 'express';
import type { NodeAPI } from 'node-red';
import type { Marketing } from '../../lib';
import { SystemClock } from '../../lib/clock';
import { approvalRouter, inboundRouter, marketingApi, optOut, ratesFrom, unsubscribeRouter } from '../../lib/http';
import { endpointAt } from './inbound';
import { runningStores, type StoreHub } from './store-node';

type Pages = ReturnType<typeof unsubscribeRouter>;
type Api = ReturnType<typeof marketingApi>;

const mounted = new WeakSet<object>();
const pagesOf = new WeakMap<Marketing, Pages>();

/**
 * Adds the public pages (unsubscribing, approving) and the API to Node-RED's HTTP root. `httpNodeAuth` stands before it. Routes cannot be taken away again,
 * so one handler is added per app, which finds the store by its path and its signature for each request.
 */
export function mountPages(RED: NodeAPI): void {
  const { httpNode: app } = RED;
  if (!app || mounted.has(app)) return;
  mounted.add(app);
  app.use(servePages);
  app.use(serveApi(RED));
  app.use(serveInbound(RED));
}

const servePages: RequestHandler = (request, response, next) => {
  const found = [...runningStores().values()].filter(({ httpPath }) => below(httpPath, request.path));
  if (found.length === 0) return next();
  const chosen = choose(found, tokenOf(request));
  const { state } = chosen.connection;
  // Mail providers try again: an opt-out must not get lost in a restart.
  if (state.kind !== 'open') return notYet(response);
  passOn(chosen.httpPath, pagesFor(state.marketing), request, response, next);
};

/** `<httpPath>/api/v1` and `<httpPath>/graphql`: of all stores that share the path; the token says whose data it is about. */
function serveApi(RED: NodeAPI): RequestHandler {
  const apis = new Map<string, Api>();
  const openAt = (httpPath: string): Marketing[] =>
    [...runningStores().values()].flatMap(({ httpPath: path, connection: { state } }) =>
      path === httpPath && state.kind === 'open' ? [state.marketing] : [],
    );
  return (request, response, next) => {
    const hub = [...runningStores().values()].find(({ httpPath }) => ofApi(httpPath, request.path));
    if (!hub) return next();
    const { httpPath } = hub;
    if (openAt(httpPath).length === 0) return notYet(response);
    const api =
      apis.get(httpPath) ??
      marketingApi(
        {
          clock: new SystemClock(),
          open: () => openAt(httpPath),
          onError: (error, incident) =>
            RED.log.error(
              `The marketing API failed (${incident}): ${error instanceof Error ? error.stack : String(error)}`,
            ),
        },
        ratesFrom(RED.settings),
      );
    apis.set(httpPath, api);
    passOn(httpPath, api.router, request, response, next);
  };
}

/** `<httpPath>/in/<key>`: inbound webhooks of triggers. */
function serveInbound(RED: NodeAPI): RequestHandler {
  const routers = new Map<string, ReturnType<typeof inboundRouter>>();
  return (request, response, next) => {
    const hub = [...runningStores().values()].find(({ httpPath }) => request.path.startsWith(`${httpPath}/in/`));
    if (!hub) return next();
    const { httpPath } = hub;
    const router =
      routers.get(httpPath) ??
      inboundRouter({
        clock: new SystemClock(),
        find: (key) => endpointAt(httpPath, key),
        onError: (error) =>
          RED.log.error(
            `An inbound event could not be taken in: ${error instanceof Error ? error.stack : String(error)}`,
          ),
      });
    routers.set(httpPath, router);
    passOn(httpPath, router, request, response, next);
  };
}

function notYet(response: Response): void {
  response
    .status(503)
    .set('Retry-After', '30')
    .type('text/plain')
    .send('The service is starting. Please try again in a minute.');
}

/** Hands a request to a router that is mounted below a store's path. */
function passOn(
  httpPath: string,
  router: RequestHandler,
  request: Request,
  response: Response,
  next: (error?: unknown) => void,
): void {
  const address = request.url;
  request.url = address.slice(httpPath.length) || '/';
  void router(request, response, (error?: unknown) => {
    request.url = address;
    next(error);
  });
}

function ofApi(httpPath: string, path: string): boolean {
  return path.startsWith(`${httpPath}/api/v1/`) || path === `${httpPath}/graphql`;
}

function below(httpPath: string, path: string): boolean {
  return path.startsWith(`${httpPath}/u/`) || path.startsWith(`${httpPath}/a/`);
}

/** Several stores may share a path: the one that signed the link, or the one that may still turn out to have. */
function choose(hubs: readonly StoreHub[], token: string): StoreHub {
  const signed = hubs.find(
    ({ connection: { state } }) =>
      state.kind === 'open' &&
      (state.marketing.unsubscribe.verify(token) !== undefined || state.marketing.approvals.signed(token)),
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
  pages.use(approvalRouter({ clock: marketing.clock, approvals: marketing.approvals }));
  pagesOf.set(marketing, pages);
  return pages;
}
