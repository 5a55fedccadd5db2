import type { Application, Request, RequestHandler, Response } from 'express';
import type { NodeAPI } from 'node-red';
import type { Marketing } from '../../lib';
import type { Campaign } from '../../lib/campaigns';
import { ConflictError, InputError, MarketingError, messageOf, NotFoundError } from '../../lib/errors';
import { triggerContracts } from '../../lib/triggers';
import { guardPost, refuseBody } from './admin-guard';
import { checkContent } from './content-check';
import { launcherOf } from './launch';
import { text } from './names';
import { previewOf } from './preview';
import { runningStores } from './store-node';

/** Answers one request; what it throws becomes `{code, message}` with the status that fits. */
type Answer = (request: Request) => Promise<unknown>;

const mounted = new WeakSet<object>();

/**
 * Adds what the editor asks the runtime for: `marketing/…` below the admin root. Routes cannot be taken away again, so
 * they are added once per app and look up the running store for each request.
 */
export function mountAdmin(RED: NodeAPI): void {
  const { httpAdmin: app, auth } = RED;
  if (!app || mounted.has(app)) return;
  mounted.add(app);
  const read = auth.needsPermission('marketing.read');
  const write = auth.needsPermission('marketing.write');
  const outer = outerOf(app);
  const post = (path: string, permission: RequestHandler, work: Answer): void => {
    app.post(path, guardPost, permission, answer(work));
    outer.use(path, refuseBody);
  };
  post('/marketing/condition/check', read, checkCondition);
  post('/marketing/segment/preview', read, previewSegment);
  post('/marketing/template/check', read, async ({ body }) => checkContent(field(body, 'content')));
  post('/marketing/preview', read, preview);
  app.get('/marketing/trigger/:node/estimate', read, answer(estimate));
  post('/marketing/trigger/:node/launch', write, launch);
  // The lists by name: anything wider would also catch the public pages (/marketing/u/…) where both roots are "/".
  app.get(
    '/marketing/:store/:list(segments|attributes|events|definitions|campaigns|templates|contracts)',
    read,
    answer(list),
  );
  post('/marketing/:store/segments', write, createSegment);
}

/** The app that Node-RED mounts the nodes' one in: it reads the bodies, and its errors do not come down to the nodes. */
function outerOf(app: Application): Application {
  const parent = Reflect.get(app, 'parent') as Application | undefined;
  return parent ?? app;
}

function answer(work: Answer): RequestHandler {
  return (request, response) => {
    work(request).then(
      (body) => void response.json(body ?? {}),
      (error: unknown) => refuse(response, error),
    );
  };
}

function refuse(response: Response, error: unknown): void {
  if (error instanceof MarketingError) {
    const { code, message, details } = error;
    response.status(statusOf(error)).json({ code, message, ...positionOf(error), details });
    return;
  }
  response.status(500).json({ code: 'E_UNEXPECTED', message: messageOf(error) });
}

function statusOf(error: MarketingError): number {
  if (error instanceof NotFoundError) return 404;
  if (error instanceof ConflictError) return 409;
  if (error instanceof InputError) return 400;
  return error.retryable ? 503 : 500;
}

function positionOf(error: MarketingError): { position?: number } {
  const position: unknown = Reflect.get(error, 'position');
  return typeof position === 'number' ? { position } : {};
}

/** The open store with this node id. @throws NotFoundError E_UNKNOWN_STORE; MarketingError E_STORE_UNAVAILABLE */
async function marketingOf(id: string): Promise<Marketing> {
  const hub = runningStores().get(id);
  if (!hub)
    throw new NotFoundError(
      'E_UNKNOWN_STORE',
      'This store does not run. Deploy the flow that contains it, then try again.',
    );
  // Somebody sits in front of a dialog: no point in waiting as long as a message does.
  return hub.connection.whenOpen(AbortSignal.timeout(3_000));
}

async function checkCondition({ body }: Request): Promise<object> {
  const marketing = await marketingOf(text(field(body, 'store')));
  try {
    const source = conditionOf(body);
    const { normalised, attributes } =
      field(body, 'about') === 'event'
        ? await marketing.conditions.compileForEvent(source)
        : await marketing.conditions.compile(source);
    return { ok: true, normalised, attributes };
  } catch (error) {
    if (!(error instanceof MarketingError)) throw error;
    return { ok: false, code: error.code, message: error.message, ...positionOf(error) };
  }
}

async function previewSegment({ body }: Request): Promise<object> {
  const marketing = await marketingOf(text(field(body, 'store')));
  const segment = text(field(body, 'segment'));
  return marketing.segments.preview(segment === '' ? { condition: conditionOf(body) } : { key: segment });
}

async function preview({ body }: Request): Promise<object> {
  const marketing = await marketingOf(text(field(body, 'store')));
  const [lead] = (await marketing.leads.list({ limit: 1 })).leads;
  return previewOf(marketing, body, lead);
}

async function estimate({ params }: Request): Promise<object> {
  const { hub, definition } = launcherOf(text(params['node']));
  const marketing = await hub.connection.whenOpen(AbortSignal.timeout(3_000));
  const key = definition();
  const campaign = await campaignOf(marketing, key);
  const state = campaign?.state ?? 'draft';
  // A launch takes over the trigger's segment; what runs keeps its own.
  const running = state === 'active' || state === 'paused';
  const source = running ? campaign : await marketing.definitions.get(key);
  if (!source) {
    const advice = 'This trigger is not at work yet. Try again in a moment.';
    throw new MarketingError('E_NOT_DEPLOYED', advice, { retryable: true });
  }
  return { ...(await marketing.campaigns.estimateSegment(source.segment)), state };
}

/** The campaign that a trigger's button launches, if there is one already. Makes none: looking must not write. */
async function campaignOf(marketing: Marketing, definition: string): Promise<Campaign | undefined> {
  try {
    return await marketing.campaigns.get(definition);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

async function launch(request: Request): Promise<object> {
  const { hub, definition } = launcherOf(text(request.params['node']));
  const marketing = await hub.connection.whenOpen(AbortSignal.timeout(3_000));
  const actor = actorOf(request);
  const campaign = await marketing.campaigns.ensure(definition(), { actor });
  // Whoever may deploy runs code here: they were shown how many people it is, and pressed the button.
  return marketing.campaigns.launch(campaign.key, { actor, approved: true });
}

async function list({ params }: Request): Promise<unknown> {
  const marketing = await marketingOf(text(params['store']));
  const what = text(params['list']);
  switch (what) {
    case 'segments':
      return (await marketing.segments.list()).map(({ key, name, kind, count }) => ({
        key,
        name,
        kind,
        leadCount: count,
      }));
    case 'attributes': {
      const { lead } = await marketing.conditions.schema();
      return Object.entries(lead).map(([name, type]) => ({ name, type }));
    }
    case 'events':
      return marketing.events.names();
    case 'definitions':
      return (await marketing.definitions.list()).map(({ key, name, deployed }) => ({
        key,
        name,
        state: deployed ? 'deployed' : 'not deployed',
      }));
    case 'campaigns':
      return (await marketing.campaigns.all()).map(({ key, name, state, definition }) => ({
        key,
        name,
        state,
        definition,
      }));
    case 'contracts':
      return triggerContracts();
    case 'templates':
      return templatesOf(marketing);
    default:
      throw new NotFoundError(
        'E_UNKNOWN_LIST',
        `There is no list "${what}": ask for segments, attributes, events, definitions, campaigns, templates or contracts.`,
      );
  }
}

/** Templates for a picker: those beyond the first thousand are found by typing their key. */
async function templatesOf(marketing: Marketing): Promise<object[]> {
  const found: object[] = [];
  for (let page = 1; page <= 10; page++) {
    const { items, cursor } = await marketing.templates.list({ page, limit: 100 });
    found.push(...items.map(({ key, name, type }) => ({ key, name, type })));
    if (cursor === undefined) break;
  }
  return found;
}

async function createSegment({ params, body }: Request): Promise<object> {
  const marketing = await marketingOf(text(params['store']));
  const key = text(field(body, 'key'));
  return marketing.segments.create({
    kind: 'dynamic',
    key,
    name: text(field(body, 'name')) || key,
    condition: conditionOf(body),
  });
}

function conditionOf(body: unknown): string {
  const condition = field(body, 'condition');
  if (typeof condition === 'string') return condition;
  throw new InputError('E_CONDITION_FORMAT', 'Send the condition as text.');
}

/** Who is logged in, for the history. */
function actorOf(request: Request): string {
  const username = field(Reflect.get(request, 'user'), 'username');
  return typeof username === 'string' && username !== '' ? `editor ${username}` : 'editor';
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
