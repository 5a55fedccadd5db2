import { authorise, nameOf, type Actor } from '../../access';
import { readCampaign, type Campaign } from '../../campaigns';
import { ConflictError, InputError, messageOf } from '../../errors';
import type { Scope } from '../../store';
import type { ArrivedStep } from '../../ledger';
import { isSamePerson } from '../delegation';
import { checkComment, checkVote } from './checks';
import { Clockwork } from './clockwork';
import type { ApprovalDeps } from './deps';
import { fingerprintOf } from './fingerprint';
import {
  changedSinceLaunch,
  keepLaunched,
  launchApproval,
  voidChanged,
  withdrawEnded,
  type LaunchApproval,
} from './launches';
import { ApprovalLinks, type ApprovalLink } from './link-desk';
import type { ApprovalPass } from './links';
import { joinRequests, wakePeople } from './people';
import { lockApproval, lockLatest, readApproval, readApprovals, shown, type KeptApproval } from './rows';
import { setTerms, shownTerms, termsFor } from './tenant-terms';
import { closeRequest, openRequest, voidWhenChanged } from './transitions';
import { APPROVAL_STATES, type Approval, type ApprovalState, type ApprovalTerms, type Decision } from './types';
import { castVote, mustBePending, type Vote, type VoteOptions } from './voting';

/** Which requests to list. */
export interface ApprovalQuery {
  readonly campaign?: number | string;
  readonly state?: ApprovalState;
  /** Requests in which this user, role or team has a seat. */
  readonly approver?: string;
  /** 1 to 100, default 20. */
  readonly limit?: number;
  /** Where the last page ended. */
  readonly before?: number;
}

type By = { readonly actor?: Actor };

/**
 * Approvals: requests for the launch of a campaign or for its people at a station, and votes on them. Each vote and decision is one
 * transaction with its history and announcement.
 */
export class Approvals {
  private readonly scope: Scope;
  private readonly clockwork: Clockwork;
  private readonly links: ApprovalLinks;

  constructor(private readonly deps: ApprovalDeps) {
    this.scope = deps.scope;
    this.clockwork = new Clockwork(deps);
    this.links = new ApprovalLinks(deps);
  }

  /**
   * Asks for the approval of a campaign's launch. A tenant may have terms of its own, which others than administrators cannot change.
   * @throws ConflictError `E_APPROVAL_PENDING`, `E_APPROVAL_GRANTED` where there is nothing to ask for, `E_APPROVAL_SELF`, `E_CAMPAIGN_STATE`,
   *   `E_CAMPAIGN_DELETED`; InputError `E_APPROVAL_TERMS`, `E_APPROVAL_QUORUM`; NotFoundError `E_UNKNOWN_CAMPAIGN`; ForbiddenError
   */
  async request(
    key: number | string,
    { comment, ...terms }: ApprovalTerms & { comment?: string } = {},
    { actor }: By = {},
  ): Promise<Approval> {
    authorise(actor, 'campaign:write');
    checkComment(comment);
    const settled = await termsFor(this.scope, terms, actor);
    const seen = await readCampaign(this.scope, key);
    mustBeLaunchable(seen);
    const audience = await this.deps.countAudience?.(seen);
    const by = nameOf(actor);
    const made = await this.scope.transaction(async (tx) => {
      const last = await lockLatest(tx, seen.id, 'launch');
      const campaign = await readCampaign(tx, seen.id);
      mustBeLaunchable(campaign);
      const fingerprint = await fingerprintOf(tx, campaign);
      if (last && (last.state === 'pending' || last.state === 'approved')) {
        const changed = await voidWhenChanged(tx, last, { campaign, fingerprint, by });
        if (!changed) await this.mustBeNews(tx, last, campaign, audience);
      }
      const about = { campaign, terms: settled, fingerprint, by };
      const more = { ...(audience === undefined ? {} : { audience }), ...(comment === undefined ? {} : { comment }) };
      return openRequest(tx, { ...about, ...more }, last);
    });
    await this.clockwork.wind(made);
    return shown(made);
  }

  /**
   * Votes. Who votes must be asked, or have had it delegated; the same said twice counts once, and a vote may be changed until the request
   * is decided. As soon as the votes that are still open cannot change the outcome, it is.
   * @throws ConflictError `E_APPROVAL_DECIDED`, `E_APPROVAL_EXPIRED`, `E_APPROVAL_VOIDED`, `E_APPROVAL_VOTED`, `E_APPROVAL_LINK_USED`;
   *   ForbiddenError `E_FORBIDDEN`, `E_APPROVAL_SELF`, `E_APPROVAL_NOT_ASKED`; NotFoundError `E_UNKNOWN_APPROVAL`, `E_UNKNOWN_APPROVER`;
   *   InputError `E_APPROVAL_VOTE`
   */
  async vote(id: number, vote: Vote, options: VoteOptions = {}): Promise<{ approval: Approval; counted: boolean }> {
    checkVote(vote);
    const { approval, counted } = await castVote(this.deps, id, vote, options);
    if (approval.state !== 'pending') {
      // What is interrupted here, the upkeep ends.
      if (approval.station !== undefined) await wakePeople(this.deps, id);
      await this.clockwork.wind(approval);
    }
    return { approval: shown(approval), counted };
  }

  /** Takes a request for a launch back: whoever asked, or who may approve. @throws ConflictError `E_APPROVAL_DECIDED` …; ForbiddenError */
  async withdraw(id: number, { reason, actor }: { reason?: string; actor?: Actor } = {}): Promise<Approval> {
    authorise(actor, 'campaign:write');
    checkComment(reason);
    const after = await this.scope.transaction(async (tx) => {
      const approval = await lockApproval(tx, id);
      const own = isSamePerson(approval.requestedBy, nameOf(actor));
      if (!own) authorise(actor, 'campaign:approve');
      mustBePending(approval, tx.clock.now());
      if (approval.station !== undefined) {
        throw new ConflictError('E_APPROVAL_STATION', 'People wait for this decision: reject it, so that they go on.');
      }
      const campaign = await readCampaign(tx, approval.campaign);
      await closeRequest(tx, approval, {
        ...{ campaign, state: 'withdrawn', by: nameOf(actor) },
        ...(reason === undefined ? {} : { reason }),
      });
      return readApproval(tx, id);
    });
    await this.clockwork.wind(after);
    return shown(after);
  }

  /** One request with its votes. @throws NotFoundError `E_UNKNOWN_APPROVAL` */
  async get(id: number, { actor }: By = {}): Promise<Approval> {
    authorise(actor, 'campaign:read');
    return shown(await readApproval(this.scope, id));
  }

  /** Requests, the newest first. @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
  async list(query: ApprovalQuery = {}, { actor }: By = {}): Promise<Approval[]> {
    authorise(actor, 'campaign:read');
    const { state, approver, limit = 20, before } = query;
    if (state !== undefined && !APPROVAL_STATES.includes(state)) {
      throw new InputError('E_QUERY', `state is one of ${APPROVAL_STATES.join(', ')}.`);
    }
    const campaign = query.campaign === undefined ? undefined : (await readCampaign(this.scope, query.campaign)).id;
    const parts: [unknown, string][] = [
      [campaign, 'a.campaign_id = :campaign'],
      [state, 'a.state = :state'],
      [before, 'a.id < :before'],
      [
        approver,
        `EXISTS (SELECT 1 FROM marketing_approval_seats s
                 WHERE s.tenant_id = :tenant AND s.approval_id = a.id AND s.approver = :approver)`,
      ],
    ];
    const where = parts.flatMap(([value, text]) => (value === undefined ? [] : [text]));
    const found = await readApprovals(this.scope, `${where.join(' AND ') || '1 = 1'} ORDER BY a.id DESC LIMIT :most`, {
      ...(campaign === undefined ? {} : { campaign }),
      ...(state === undefined ? {} : { state }),
      ...(before === undefined ? {} : { before }),
      ...(approver === undefined ? {} : { approver }),
      most: Math.min(Math.max(limit, 1), 100),
    });
    return found.map(shown);
  }

  /**
   * A link with which somebody votes without an account: for themselves, or (administrators and trusted programs) for others. It is for one
   * vote. For a role or a team, `as` says who votes with it.
   * @throws NotFoundError `E_UNKNOWN_APPROVER`; InputError `E_APPROVAL_LINK`; ForbiddenError; ConflictError as {@link vote}
   */
  linkFor(...args: Parameters<ApprovalLinks['linkFor']>): Promise<ApprovalLink> {
    return this.links.linkFor(...args);
  }

  /**
   * Links for everybody who has not voted yet: for users, and for the addresses of roles and teams. For trusted programs that mail them; who
   * holds a link can vote with it.
   */
  linksFor(...args: Parameters<ApprovalLinks['linksFor']>): Promise<ApprovalLink[]> {
    return this.links.linksFor(...args);
  }

  /** Whether a link's token was made here. */
  signed(token: string): boolean {
    return this.links.signed(token);
  }

  /** What a link's page shows, and whether it can still be used. */
  behind(token: string): ReturnType<ApprovalLinks['behind']> {
    return this.links.behind(token);
  }

  /** Votes by a link. @throws as {@link vote}; ConflictError `E_APPROVAL_EXPIRED` */
  async voteByLink(pass: ApprovalPass, vote: { decision: Decision; comment?: string }): Promise<Approval> {
    if (pass.expiresAt <= this.scope.clock.now()) {
      throw new ConflictError('E_APPROVAL_EXPIRED', 'This link has expired. Ask for another one.');
    }
    const link = { seat: pass.seat, version: pass.version };
    return (await this.vote(pass.approval, vote, { actor: pass.voter, link })).approval;
  }

  /**
   * The tenant's terms for launches; empty: whoever may approve, one is enough, no time-out. Where links go is shown to those only who may
   * set them.
   */
  settings({ actor }: By = {}): Promise<ApprovalTerms> {
    return shownTerms(this.scope, actor);
  }

  /** Sets them; from then on others than administrators cannot ask on other terms. @throws InputError `E_APPROVAL_TERMS` */
  setSettings(terms: ApprovalTerms, { actor }: By = {}): Promise<ApprovalTerms> {
    return setTerms(this.scope, terms, actor);
  }

  /** How many have voted in requests that people at a station wait for. */
  async openAt(definition: string, step: string): Promise<{ requests: number; votes: number; seats: number }> {
    const open = await readApprovals(
      this.scope,
      `a.state = 'pending' AND a.station_id = (SELECT t.id FROM marketing_stations t
         WHERE t.tenant_id = :tenant AND t.definition_key = :definition AND t.step = :step) ORDER BY a.id LIMIT 100`,
      { definition, step },
    );
    const seats = open.flatMap((approval) => approval.seats);
    return { requests: open.length, votes: seats.filter(({ decision }) => decision).length, seats: seats.length };
  }

  /** People have arrived at an approval station: in the transaction of their arrival. See `StationSpec.arrived`. */
  async arrived(tx: Scope, steps: readonly ArrivedStep[]): Promise<void> {
    const [first] = steps;
    const row = await tx.get<{ station_id: number }>(
      `SELECT station_id FROM marketing_steps WHERE tenant_id = :tenant AND id = :step`,
      { step: first?.id ?? 0 },
    );
    if (!row) return;
    const { station_id: station } = row;
    const fresh = await joinRequests(this.deps, tx, station, steps);
    tx.afterCommit(() => {
      for (const approval of fresh) this.clockwork.windSoon(approval);
      this.deps.wakeStation(station);
    });
  }

  /** Whether the launch of a campaign was approved, as it is now. */
  launchApproval(campaign: Campaign, people: number | undefined): Promise<LaunchApproval> {
    return launchApproval(this.deps, campaign, people);
  }

  /** After a launch, in its transaction: what was launched is remembered. */
  launched(tx: Scope, campaign: Campaign): Promise<void> {
    return keepLaunched(tx, campaign);
  }

  /** Whether a campaign under way is another one by now than was launched. */
  changedSinceLaunch(campaign: Campaign): Promise<boolean> {
    return changedSinceLaunch(this.scope, campaign);
  }

  /** After a change of a campaign, in its transaction. */
  changed(tx: Scope, campaign: Campaign, actor: string): Promise<void> {
    return voidChanged(this.deps, tx, campaign, actor);
  }

  /** After the end of a run, in its transaction. */
  ended(tx: Scope, campaign: Campaign): Promise<void> {
    return withdrawEnded(this.deps, tx, campaign, 'system:approval');
  }

  /** Call once the timers have started. */
  recover(): Promise<void> {
    return this.clockwork.recover();
  }

  /** Ends what was interrupted; called every few seconds by the ledger's watchdog. */
  upkeep(): Promise<void> {
    return this.clockwork.upkeep();
  }

  /** Asks anew where people wait for something that was voided: soon, rather than with the next {@link upkeep}. */
  upkeepSoon(): void {
    this.upkeep().catch((error: unknown) => this.deps.warn(`Approvals are looked at later: ${messageOf(error)}`));
  }

  /** @throws ConflictError `E_APPROVAL_PENDING`, `E_APPROVAL_GRANTED` */
  private async mustBeNews(
    tx: Scope,
    last: KeptApproval,
    campaign: Campaign,
    people: number | undefined,
  ): Promise<void> {
    const details = { details: { approval: last.id } };
    if (last.state === 'pending') {
      throw new ConflictError(
        'E_APPROVAL_PENDING',
        `The request ${last.id} for this launch is not decided yet.`,
        details,
      );
    }
    const { granted } = await launchApproval({ ...this.deps, scope: tx }, campaign, people);
    if (granted) {
      throw new ConflictError('E_APPROVAL_GRANTED', `This launch was approved (${last.id}): launch it.`, details);
    }
  }
}

/** @throws ConflictError `E_CAMPAIGN_DELETED`, `E_CAMPAIGN_STATE` */
function mustBeLaunchable({ key, state, deletedAt }: Campaign): void {
  if (deletedAt !== undefined)
    throw new ConflictError('E_CAMPAIGN_DELETED', `The campaign "${key}" is deleted. Restore it first.`);
  if (state !== 'cancelled') return;
  throw new ConflictError(
    'E_CAMPAIGN_STATE',
    `The campaign "${key}" is cancelled and is not launched again. Clone it.`,
    {
      details: { campaign: key, state },
    },
  );
}
