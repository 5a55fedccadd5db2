import { allows, authorise, nameOf, type Actor } from '../../access';
import { readCampaign, type Campaign } from '../../campaigns';
import { ForbiddenError, InputError, NotFoundError } from '../../errors';
import { record } from '../../history';
import type { Scope } from '../../store';
import { isSamePerson } from '../delegation';
import type { ApprovalDeps } from './deps';
import type { ApprovalPass } from './links';
import { readApproval, shown, type KeptApproval, type KeptSeat } from './rows';
import { barredFrom } from './seats';
import type { Approval, Approver } from './types';
import { mustBePending } from './voting';

/** How long a link works, where the request has no end of its own: 14 days. */
const LINK_MS = 14 * 86_400_000;

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

/** Makes the links with which people vote who have no account, and knows them again. */
export class ApprovalLinks {
  private readonly scope: Scope;

  constructor(private readonly deps: ApprovalDeps) {
    this.scope = deps.scope;
  }

  /** See `Approvals.linkFor`. */
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

  /** See `Approvals.linksFor`. */
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
}

function unknownApprover({ kind, approver }: Pick<Approver, 'kind' | 'approver'>): NotFoundError {
  return new NotFoundError('E_UNKNOWN_APPROVER', `${kind} "${approver}" is not asked in this request.`);
}
