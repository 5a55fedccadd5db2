/** Campaigns: instances of definitions, as data. */
export { Campaigns, type CampaignDefinition, type CampaignDeps } from './campaigns';
export { CampaignDesk, type DeadLetter, type StoryLine, type UnknownMessage } from './desk';
export { releaseCampaigns } from './holds';
export { parkUnfinished } from './people';
export { campaignViews } from './rows';
export { TRANSITIONS } from './lifecycle';
export type { ActionOptions, Campaign, CampaignAction, CampaignReport, CampaignState, NewCampaign } from './types';
