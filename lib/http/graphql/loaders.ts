import DataLoader from 'dataloader';
import type { LeadView } from '../../leads';
import { figuresOf, noFigures, type Figures } from '../../metrics';
import type { Segment } from '../../segments';
import type { ApiServices } from '../api';
import { USUAL_LENGTH } from './limits';
import {
  engagementsOf,
  leadsOfCampaigns,
  leadsOfSegments,
  segmentsOfLeads,
  type EngagementNode,
  type Wanted,
} from './reads';

/** Lists in one statement: SQLite joins at most 500. Of other lists, a query cannot ask for so many. */
const MOST_TOGETHER = 100;

/** Reads together what one request asks for piece by piece: one statement per level of the query, however wide that is. */
export interface Loaders {
  readonly lead: DataLoader<number, LeadView | undefined>;
  readonly segment: DataLoader<number, Segment | undefined>;
  readonly figures: DataLoader<number, Figures>;
  readonly leadsOfCampaign: DataLoader<number, number[]>;
  readonly leadsOfSegment: DataLoader<Wanted, number[], string>;
  readonly segmentsOfLead: DataLoader<number, number[]>;
  readonly engagementsOfLead: DataLoader<number, EngagementNode[]>;
  engagementsOfCampaign(type: string | undefined): DataLoader<number, EngagementNode[]>;
}

/** Fresh loaders for one request: what they remember is as old as it at most, and nobody else's. */
export function createLoaders({ scope, leads, segments }: Pick<ApiServices, 'scope' | 'leads' | 'segments'>): Loaders {
  const usual = (ids: readonly number[]): Wanted[] => ids.map((of) => ({ of, limit: USUAL_LENGTH }));
  const byType = new Map<string | undefined, DataLoader<number, EngagementNode[]>>();
  return {
    lead: new DataLoader(async (ids) => {
      const views = await leads.views(ids);
      return ids.map((id) => views.get(id));
    }),
    segment: new DataLoader(async (ids) => {
      const all = new Map((await segments.list()).map((segment) => [segment.id, segment]));
      return ids.map((id) => all.get(id));
    }),
    figures: new DataLoader(async (ids) => {
      const found = await figuresOf(scope, ids);
      return ids.map((id) => found.get(id)?.figures ?? noFigures());
    }),
    leadsOfCampaign: new DataLoader((ids) => leadsOfCampaigns(scope, usual(ids))),
    leadsOfSegment: new DataLoader((wanted) => leadsOfSegments(scope, wanted), {
      maxBatchSize: MOST_TOGETHER,
      cacheKeyFn: ({ of, limit, offset }) => `${of} ${limit} ${offset ?? 0}`,
    }),
    segmentsOfLead: new DataLoader((ids) => segmentsOfLeads(scope, usual(ids))),
    engagementsOfLead: new DataLoader((ids) => engagementsOf(scope, 'lead_id', usual(ids))),
    engagementsOfCampaign(type) {
      const known = byType.get(type) ?? new DataLoader((ids) => engagementsOf(scope, 'campaign_id', usual(ids), type));
      byType.set(type, known);
      return known;
    },
  };
}
