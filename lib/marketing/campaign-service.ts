import {
  Campaigns,
  type AudienceEstimate,
  type AudienceReader,
  type CampaignDeps,
  type CampaignDesk,
  type StoryLine,
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
  async estimate(key: number | string): Promise<AudienceEstimate> {
    return this.house().audiences.estimate(await this.get(key));
  }
  /** The size of an audience: a saved segment's, or everybody. */
  async estimateSegment(segment: string | undefined): Promise<{ audience: number }> {
    if (segment === undefined) return { audience: await this.house().leads.count() };
    return { audience: (await this.house().segments.preview({ key: segment })).count };
  }

  report(key: number | string): ReturnType<CampaignDesk['report']> {
    return this.house().desk.report(key);
  }
  unknown(key: number | string): ReturnType<CampaignDesk['unknown']> {
    return this.house().desk.unknown(key);
  }
  deadLetters(key: number | string): ReturnType<CampaignDesk['deadLetters']> {
    return this.house().desk.deadLetters(key);
  }
  retry(...args: Parameters<CampaignDesk['retry']>): Promise<number> {
    return this.house().desk.retry(...args);
  }
  reconcile(...args: Parameters<CampaignDesk['reconcile']>): Promise<number> {
    return this.house().desk.reconcile(...args);
  }
  /** Somebody's story. @throws NotFoundError `E_UNKNOWN_LEAD`, `E_NOT_ENROLLED` */
  async why(key: number | string, lead: number | string): Promise<StoryLine[]> {
    if (typeof lead === 'number') return this.house().desk.why(key, lead);
    const found = await this.house().leads.get({ email: lead });
    if (!found) throw new NotFoundError('E_UNKNOWN_LEAD', `There is no lead "${lead}".`);
    return this.house().desk.why(key, found.id);
  }
  orphans(): ReturnType<Definitions['orphans']> {
    return this.house().definitions.orphans();
  }
  move(args: Parameters<Definitions['move']>[0]): Promise<number> {
    return this.house().definitions.move(args);
  }
}
