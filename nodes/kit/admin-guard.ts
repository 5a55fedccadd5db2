import type { ErrorRequestHandler, Request, RequestHandler } from 'express';

/**
 * Refuses what another web page makes a browser send: without `adminAuth` the browser's address is all the permission
 * that is needed, and a plain form can be posted anywhere. A form cannot have JSON's content type; whatever can have it
 * from another site needs the server's consent first (CORS preflight, Fetch standard 3.2.2), and its `Origin` tells.
 *
 * Answers 415 `E_CONTENT_TYPE` or 403 `E_FOREIGN_ORIGIN`.
 */
export const guardPost: RequestHandler = (request, response, next) => {
  if (isForeign(request)) {
    response.status(403).json({
      code: 'E_FOREIGN_ORIGIN',
      message:
        'This request comes from another web page. Use the editor itself; behind a proxy, let it pass on Host or X-Forwarded-Host.',
    });
    return;
  }
  if (!isJson(request)) {
    response
      .status(415)
      .json({ code: 'E_CONTENT_TYPE', message: 'Send the request with the content type application/json.' });
    return;
  }
  if (request.body === null) return void response.status(400).json(NO_OBJECT);
  next();
};

const NO_OBJECT = { code: 'E_JSON', message: 'The body of the request is no JSON object. Send one, such as {}.' };

/** Puts what the body parser refuses (syntax errors, bodies that are too long) into words; passes on everything else. */
export const refuseBody: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const status = property(error, 'status');
  if (response.headersSent || typeof status !== 'number' || status < 400 || status > 499) return next(error);
  const tooLong = { code: 'E_BODY', message: 'The body of the request cannot be read: it is too long or incomplete.' };
  response.status(status).json(property(error, 'type') === 'entity.parse.failed' ? NO_OBJECT : tooLong);
};

function isJson({ headers }: Request): boolean {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() === 'application/json';
}

function isForeign({ headers }: Request): boolean {
  if (headers['sec-fetch-site'] === 'cross-site') return true;
  const { origin, host } = headers;
  if (origin === undefined) return false;
  if (!URL.canParse(origin)) return true;
  const { host: from, protocol } = new URL(origin);
  // Each proxy may add its name; a page cannot set the header without the server's consent.
  const own = [host, ...[headers['x-forwarded-host'] ?? []].flat().flatMap((list) => list.split(','))];
  return !own.some((name) => name !== undefined && hostOf(protocol, name.trim()) === from);
}

/** As an origin spells it: lower case, without the port that is usual for the protocol. */
function hostOf(protocol: string, host: string): string | undefined {
  const address = `${protocol}//${host}`;
  return host !== '' && URL.canParse(address) ? new URL(address).host : undefined;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
