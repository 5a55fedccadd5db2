import express, { Router, type Request, type RequestHandler, type Response } from 'express';
import type { Campaign } from '../campaigns';
import type { Clock } from '../clock';
import { securityHeaders, type PageLanguage } from '../compliance';
import { codeOf, MarketingError } from '../errors';
import type { Approval, ApprovalPass, Approvals } from '../governance';
import { approvalPage, APPROVAL_STYLE_HASH, type ApprovalFacts, type ApprovalPageState } from './approval-page';
import { createGuesses } from './guesses';

/** What the pages behind links that decide need. */
export interface ApprovalRouterOptions {
  readonly clock: Clock;
  readonly approvals: Pick<Approvals, 'behind' | 'voteByLink'>;
  /** Told about a vote that could not be stored. */
  onError?(error: unknown): void;
  /** Used where the browser asks for none of ours. Default: English. */
  readonly language?: PageLanguage;
  /** Unreadable tokens that one address may try in a minute. Default 60. */
  readonly guessesPerMinute?: number;
}

const HEADERS: Readonly<Record<string, string>> = {
  ...securityHeaders,
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${APPROVAL_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
};

/** What a refusal looks like, and its status. */
const REFUSALS: Readonly<Record<string, readonly [ApprovalPageState, number]>> = {
  E_APPROVAL_DECIDED: ['decided', 409],
  E_APPROVAL_LINK_USED: ['decided', 409],
  E_APPROVAL_VOTED: ['decided', 409],
  E_APPROVAL_VOIDED: ['void', 409],
  E_APPROVAL_EXPIRED: ['expired', 410],
  E_APPROVAL_SELF: ['refused', 403],
  E_APPROVAL_NOT_ASKED: ['refused', 403],
};

type Behind = { pass: ApprovalPass; approval: Approval; campaign: Campaign };

/**
 * `GET /a/:token` shows what is asked and changes nothing, because mail scanners open every link. `POST /a/:token` votes, from the page's
 * buttons. The signed URL says who votes on what, once; what it does not say is checked by the engine.
 */
export function approvalRouter(options: ApprovalRouterOptions): Router {
  const { approvals, clock } = options;
  const guesses = createGuesses(clock, options.guessesPerMinute ?? 60);
  const router = Router();

  const answer = (
    request: Request,
    response: Response,
    status: number,
    state: ApprovalPageState,
    found?: Behind,
  ): void => {
    const language = languageOf(request, options.language ?? 'en');
    response.status(status).set(HEADERS).set('Content-Language', language).vary('Accept-Language');
    response.send(approvalPage(state, language, found && factsOf(found)));
  };
  const refuse = (request: Request, response: Response): void => {
    const limited = guesses.tooMany(request.socket.remoteAddress ?? '');
    if (limited) response.set('Retry-After', '60');
    answer(request, response, limited ? 429 : 404, 'invalid');
  };
  const show: RequestHandler = async (request, response) => {
    const found = await approvals.behind(tokenOf(request));
    if (!found) return refuse(request, response);
    const [state, status] = standing(found, clock.now());
    answer(request, response, status, state, found);
  };
  const vote: RequestHandler = async (request, response) => {
    const found = await approvals.behind(tokenOf(request));
    if (!found) return refuse(request, response);
    const { decision, comment } = formOf(request);
    if (decision === undefined) return answer(request, response, 422, 'ask', found);
    try {
      await approvals.voteByLink(found.pass, { decision, ...(comment === '' ? {} : { comment }) });
    } catch (error) {
      const refusal = REFUSALS[codeOf(error)];
      if (refusal) return answer(request, response, refusal[1], refusal[0]);
      if (!(error instanceof MarketingError) || error.retryable) {
        options.onError?.(error);
        response.set('Retry-After', '30');
        return answer(request, response, 503, 'error', found);
      }
      return answer(request, response, 422, 'error', found);
    }
    answer(request, response, 200, 'done');
  };
  const wrongMethod: RequestHandler = (_request, response) => {
    response.status(405).set(HEADERS).set('Allow', 'GET, HEAD, POST').type('text/plain').send('Use GET or POST.');
  };
  const form = express.urlencoded({ extended: false, limit: '64kb', parameterLimit: 10 });
  router.route('/a/:token').get(show).post(form, vote).all(wrongMethod);
  return router;
}

/** What a GET shows: whether the link can still be used. */
function standing({ pass, approval }: Behind, now: number): readonly [ApprovalPageState, number] {
  const seat = approval.seats.find((one) => one.seat === pass.seat);
  if (approval.state === 'voided') return ['void', 200];
  if (approval.state === 'expired' || pass.expiresAt <= now || (approval.dueAt ?? Infinity) <= now)
    return ['expired', 200];
  return approval.state !== 'pending' || seat?.version !== pass.version ? ['decided', 200] : ['ask', 200];
}

function factsOf({ pass, approval, campaign }: Behind): ApprovalFacts {
  const { budget, currency = '' } = campaign;
  return {
    campaign: campaign.name,
    subject: approval.subject,
    requestedBy: approval.requestedBy,
    voter: pass.voter,
    votes: approval.seats.filter(({ decision }) => decision !== undefined).length,
    seats: approval.seats.length,
    ...(approval.audience === undefined ? {} : { audience: approval.audience }),
    ...(budget === undefined ? {} : { budget: `${budget} ${currency}`.trim() }),
    ...(approval.comment === undefined ? {} : { comment: approval.comment }),
  };
}

function tokenOf(request: Request): string {
  const token: unknown = request.params['token'];
  return typeof token === 'string' ? token : '';
}

/** What the buttons say; a body that somebody has parsed before us is there already. */
function formOf(request: Request): { decision: 'approve' | 'reject' | undefined; comment: string } {
  const body: unknown = request.body;
  const read = (name: string): unknown =>
    typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  const decision = read('decision');
  const comment = read('comment');
  return {
    decision: decision === 'approve' || decision === 'reject' ? decision : undefined,
    comment: typeof comment === 'string' ? comment.trim() : '',
  };
}

/** The page's language: what the browser prefers among ours. */
function languageOf(request: Request, fallback: PageLanguage): PageLanguage {
  const others: PageLanguage[] = (['en', 'de'] as const).filter((language) => language !== fallback);
  const wanted = request.get('accept-language') ? request.acceptsLanguages(fallback, ...others) : false;
  return wanted === 'en' || wanted === 'de' ? wanted : fallback;
}
