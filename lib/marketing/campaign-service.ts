import { authorise } from '../access';
import {
  Campaigns,
  type ActionOptions,
  type AudienceEstimate,
  type AudienceReader,
  type CampaignDeps,
  type CampaignDesk,
  type StoryLine,
  type Why,
} from '../campaigns';
import type { Definitions } from '../definitions';
import { NotFoundError } from '../errors';
import type { Leads } from '../leads';
import type { Segments } from '../segments';

/** What {@link CampaignService} needs besides what campaigns need. */
export interface CampaignHouse {
  desk: CampaignDesk;
  audiences: AudienceReader;
  segments: Segments;
  leads: Leads;
  definitions: Definitions;
}

/** Campaigns with what needs the rest of the house: estimates, reports, decisions about stuck people. */
export class CampaignService extends Campaigns {
  constructor(
    deps: CampaignDeps,
    /** Made after this, and asked only when it is needed. */
    private readonly house: () => CampaignHouse,
  ) {
    super(deps);
  }

  /** How many people a launch would enter now, and how many it would hold out. */
  async estimate(key: number | string, options?: ActionOptions): Promise<AudienceEstimate> {
    return this.house().audiences.estimate(await this.get(key, options));
  }
  /** The size of an audience: a saved segment's, or everybody. */
  async estimateSegment(segment: string | undefined): Promise<{ audience: number }> {
    if (segment === undefined) return { audience: await this.house().leads.count() };
    return { audience: (await this.house().segments.preview({ key: segment })).count };
  }

  report(...args: Parameters<CampaignDesk['report']>): ReturnType<CampaignDesk['report']> {
    return this.house().desk.report(...args);
  }
  unknown(...args: Parameters<CampaignDesk['unknown']>): ReturnType<CampaignDesk['unknown']> {
    return this.house().desk.unknown(...args);
  }
  deadLetters(...args: Parameters<CampaignDesk['deadLetters']>): ReturnType<CampaignDesk['deadLetters']> {
    return this.house().desk.deadLetters(...args);
  }
  deadCauses(...args: Parameters<CampaignDesk['deadCauses']>): ReturnType<CampaignDesk['deadCauses']> {
    return this.house().desk.deadCauses(...args);
  }
  retry(...args: Parameters<CampaignDesk['retry']>): Promise<number> {
    return this.house().desk.retry(...args);
  }
  reconcile(...args: Parameters<CampaignDesk['reconcile']>): Promise<number> {
    return this.house().desk.reconcile(...args);
  }
  /** {@link stories} in one list. */
  async why(...args: Parameters<CampaignService['stories']>): Promise<StoryLine[]> {
    return (await this.stories(...args)).flatMap(({ lines }) => lines);
  }
  /** Somebody's stories, one per enrollment. @throws NotFoundError `E_UNKNOWN_LEAD`, `E_NOT_ENROLLED` */
  async stories(key: number | string, lead: number | string, options: ActionOptions = {}): Promise<Why[]> {
    authorise(options.actor, 'lead:read');
    if (typeof lead === 'number') return this.house().desk.stories(key, lead, options);
    const found = await this.house().leads.get({ email: lead });
    if (!found) throw new NotFoundError('E_UNKNOWN_LEAD', `There is no lead "${lead}".`);
    return this.house().desk.stories(key, found.id, options);
  }
  /** The story of one enrollment. @throws NotFoundError `E_UNKNOWN_ENROLLMENT` */
  whyEnrollment(...args: Parameters<CampaignDesk['whyEnrollment']>): Promise<Why> {
    return this.house().desk.whyEnrollment(...args);
  }
  orphans(): ReturnType<Definitions['orphans']> {
    return this.house().definitions.orphans();
  }
  async move(args: Parameters<Definitions['move']>[0], { actor }: ActionOptions = {}): Promise<number> {
    authorise(actor, 'campaign:launch');
    return this.house().definitions.move(args);
  }
}
