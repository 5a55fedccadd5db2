import { allows, authorise, nameOf, type Actor } from '../../access';
import { isRecord, Problems, readCampaign, type Campaign } from '../../campaigns';
import { ConflictError, ForbiddenError, InputError, messageOf, NotFoundError } from '../../errors';
import { record } from '../../history';
import { parseJson, type Scope } from '../../store';
import type { ArrivedStep } from '../../ledger';
import { isSamePerson } from '../delegation';
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
import type { ApprovalPass } from './links';
import { joinRequests, wakePeople } from './people';
import { lockApproval, lockLatest, readApproval, readApprovals, shown, type KeptApproval, type KeptSeat } from './rows';
import { barredFrom } from './seats';
import { checkTerms } from './terms';
import { closeRequest, openRequest, voidWhenChanged } from './transitions';
import {
  APPROVAL_STATES,
  type Approval,
  type ApprovalState,
  type ApprovalTerms,
  type Approver,
  type Decision,
} from './types';
import { castVote, mustBePending, type Vote, type VoteOptions } from './voting';

const SETTING = 'approval';
/** How long a link works, where the request has no end of its own: 14 days. */
const LINK_MS = 14 * 86_400_000;
const LONGEST_COMMENT = 10_000;

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

/** A link that decides. */
export interface ApprovalLink {
  readonly approver: Pick<Approver, 'kind' | 'approver'>;
  /** Who votes with it. */
  readonly voter: string;
  readonly email?: string;
  readonly url: string;
  readonly expiresAt: number;
}

type By = { readonly actor?: Actor };

/**
 * Approvals: requests for the launch of a campaign or for its people at a station, and votes on them. Each vote and decision is one
 * transaction with its history and announcement.
 */
export class Approvals {
  private readonly scope: Scope;
  private readonly clockwork: Clockwork;

  constructor(private readonly deps: ApprovalDeps) {
    this.scope = deps.scope;
    this.clockwork = new Clockwork(deps);
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
    const settled = await this.termsFor(terms, actor);
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
  async linkFor(
    id: number,
    approver: Pick<Approver, 'kind' | 'approver'>,
    { as, actor }: { as?: string; actor?: Actor } = {},
  ): Promise<ApprovalLink> {
    const approval = await readApproval(this.scope, id);
    mustBePending(approval, this.scope.clock.now());
    const seat = approval.seats.find(
      (one) => one.kind === approver.kind && isSamePerson(one.approver, approver.approver),
    );
    if (!seat) throw unknownApprover(approver);
    if (typeof actor === 'object') await this.mustNotBeBarred(approval, actor.id);
    const voter = as ?? (seat.kind === 'user' ? seat.approver : undefined);
    if (voter === undefined || voter.trim() === '' || voter.length > 128) {
      throw new InputError(
        'E_APPROVAL_LINK',
        'Say who votes with this link: a role or a team has no hands of its own.',
      );
    }
    const own = typeof actor === 'object' && isSamePerson(actor.id, voter) && isSamePerson(seat.approver, voter);
    if (!own) authorise(actor, 'token:manage');
    else if (!allows(actor, 'campaign:approve')) authorise(actor, 'campaign:approve');
    await this.mustNotBeBarred(approval, voter);
    const link = this.link(approval, seat, voter);
    await this.noteLinks(approval, [link], nameOf(actor));
    return link;
  }

  /**
   * Links for everybody who has not voted yet: for users, and for the addresses of roles and teams. For trusted programs that mail them; who
   * holds a link can vote with it.
   */
  async linksFor(id: number, { actor }: By = {}): Promise<ApprovalLink[]> {
    authorise(actor, 'token:manage');
    const approval = await readApproval(this.scope, id);
    if (approval.state !== 'pending') return [];
    if (typeof actor === 'object') await this.mustNotBeBarred(approval, actor.id);
    const campaign = await readCampaign(this.scope, approval.campaign);
    const barred = barredFrom(campaign, approval);
    const links = approval.seats
      .filter(({ decision }) => decision === undefined)
      .flatMap((seat) => {
        const [first] = seat.emails;
        if (seat.kind === 'user') return [this.link(approval, seat, seat.approver, first)];
        return seat.emails.map((email) => this.link(approval, seat, email, email));
      })
      .filter(({ voter }) => !barred.some((name) => isSamePerson(name, voter)));
    if (links.length > 0) await this.noteLinks(approval, links, nameOf(actor));
    return links;
  }

  /** Whether a link's token was made here. */
  signed(token: string): boolean {
    return this.deps.signer?.verify(token) !== undefined;
  }

  /** What a link's page shows, and whether it can still be used. */
  async behind(token: string): Promise<{ pass: ApprovalPass; approval: Approval; campaign: Campaign } | undefined> {
    const pass = this.deps.signer?.verify(token);
    if (!pass) return undefined;
    try {
      const approval = shown(await readApproval(this.scope, pass.approval));
      return { pass, approval, campaign: await readCampaign(this.scope, approval.campaign) };
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
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
  async settings({ actor }: By = {}): Promise<ApprovalTerms> {
    authorise(actor, 'campaign:read');
    const terms = await readTerms(this.scope);
    return allows(actor, 'settings:manage') ? terms : withoutAddresses(terms);
  }

  /** Sets them; from then on others than administrators cannot ask on other terms. @throws InputError `E_APPROVAL_TERMS` */
  async setSettings(terms: ApprovalTerms, { actor }: By = {}): Promise<ApprovalTerms> {
    authorise(actor, 'settings:manage');
    checkTerms(terms);
    return this.scope.transaction(async (tx) => {
      const before = await readTerms(tx);
      await tx.run(
        `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, :name, :value, :now)
         ${tx.dialect.upsertTail(['tenant_id', 'name'], ['value', 'updated_at'])}`,
        { name: SETTING, value: JSON.stringify(terms), now: tx.clock.now() },
      );
      await record(tx, {
        ...{ event: 'settings.approval_changed', actor: nameOf(actor) },
        before: withoutAddresses(before),
        after: withoutAddresses(terms),
      });
      return terms;
    });
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

  private link(approval: KeptApproval, seat: KeptSeat, voter: string, email?: string): ApprovalLink {
    const { signer } = this.deps;
    if (!signer)
      throw new InputError('E_APPROVAL_LINK', 'Links cannot be made here: there is no secret to sign them with.');
    const expiresAt = Math.min(approval.dueAt ?? Infinity, this.scope.clock.now() + LINK_MS);
    const { version } = seat;
    return {
      approver: { kind: seat.kind, approver: seat.approver },
      voter,
      ...(email === undefined ? {} : { email }),
      url: signer.url({ approval: approval.id, seat: seat.seat, version, voter, expiresAt }),
      expiresAt,
    };
  }

  private async noteLinks(
    { id, campaign }: KeptApproval,
    links: readonly ApprovalLink[],
    actor: string,
  ): Promise<void> {
    await this.scope.transaction((tx) =>
      record(tx, {
        ...{ event: 'approval.links_made', campaign, actor },
        payload: {
          approval: id,
          for: links.map(({ approver }) => `${approver.kind}:${approver.approver}`),
          voters: links.map(({ voter }) => voter),
        },
      }),
    );
  }

  /**
   * Who may not vote makes no links either: whoever holds one can vote with it, under whatever name.
   * @throws ForbiddenError `E_APPROVAL_SELF`
   */
  private async mustNotBeBarred(approval: KeptApproval, voter: string): Promise<void> {
    const campaign = await readCampaign(this.scope, approval.campaign);
    if (!barredFrom(campaign, approval).some((name) => isSamePerson(name, voter))) return;
    throw new ForbiddenError(
      'E_APPROVAL_SELF',
      `Nobody approves their own campaign: ${voter} cannot vote on this one.`,
    );
  }

  /** @throws ForbiddenError `E_FORBIDDEN`, where the tenant's terms stand */
  private async termsFor(given: ApprovalTerms, actor: Actor | undefined): Promise<ApprovalTerms> {
    checkTerms(given);
    const own = await readTerms(this.scope);
    if (namesAddresses(given) && !allows(actor, 'settings:manage')) {
      throw new ForbiddenError(
        'E_FORBIDDEN',
        'Links that decide are mailed to the addresses of approvers, so administrators name them: in the terms for approvals (PUT /settings/approval). Ask without emails.',
        { details: { permission: 'settings:manage' } },
      );
    }
    if (Object.keys(own).length === 0) return given;
    if (Object.keys(given).length > 0 && !allows(actor, 'settings:manage')) {
      throw new ForbiddenError(
        'E_FORBIDDEN',
        'This tenant has terms of its own for approvals (GET /settings/approval): ask without approvers, strategy and times.',
        { details: { permission: 'settings:manage' } },
      );
    }
    return { ...own, ...given };
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

async function readTerms(db: Scope): Promise<ApprovalTerms> {
  const row = await db.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name`,
    { name: SETTING },
  );
  return parseJson<ApprovalTerms>(row?.value, {});
}

function namesAddresses({ approvers }: ApprovalTerms): boolean {
  return approvers?.some(({ emails }) => emails !== undefined) ?? false;
}

function withoutAddresses({ approvers, ...terms }: ApprovalTerms): ApprovalTerms {
  if (approvers === undefined) return terms;
  return { ...terms, approvers: approvers.map(({ emails: _emails, ...approver }) => approver) };
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

/** @throws InputError `E_APPROVAL_VOTE` */
function checkVote(vote: Vote): void {
  const problems = new Problems();
  if (!isRecord(vote)) problems.add('', 'must be an object');
  else {
    if (vote.decision !== 'approve' && vote.decision !== 'reject') problems.add('/decision', 'is approve or reject');
    if (vote.comment !== undefined) commentProblems(problems, vote.comment);
  }
  problems.refuse('E_APPROVAL_VOTE', 'This is no vote');
}

/** @throws InputError `E_APPROVAL_TERMS` */
function checkComment(comment: string | undefined): void {
  if (comment === undefined) return;
  const problems = new Problems();
  commentProblems(problems, comment);
  problems.refuse('E_APPROVAL_TERMS', 'This cannot be kept');
}

function commentProblems(problems: Problems, comment: unknown): void {
  if (typeof comment !== 'string' || comment.length > LONGEST_COMMENT) {
    problems.add('/comment', `is a text of at most ${LONGEST_COMMENT} characters`);
  } else problems.storable(comment, '/comment');
}

function unknownApprover({ kind, approver }: Pick<Approver, 'kind' | 'approver'>): NotFoundError {
  return new NotFoundError('E_UNKNOWN_APPROVER', `${kind} "${approver}" is not asked in this request.`);
}
