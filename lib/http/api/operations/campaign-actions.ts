import type { ActOptions, Schedule } from '../../../campaigns';
import { CAMPAIGN_ID, campaignReply, type CampaignId } from '../campaign-parts';
import { SCHEDULE } from '../campaign-schemas';
import { by, idOrKey, iso } from '../present';
import { ok } from '../replies';
import { choice, flag, integer, list, moment, object, ref, text, type Schema } from '../schema';
import { operation, type Operation } from '../types';

const TAG = 'Campaigns';
const SAID = {
  reason: text(500, { description: 'Why; kept in the history.' }),
  comment: text(10_000, { description: "Kept with the campaign's comments." }),
};
const ACTION = text(64, { pattern: '^[\\p{L}\\p{N}_.-]+$', examples: ['launch'] });

type Said = Pick<ActOptions, 'reason' | 'comment'>;

export const CAMPAIGN_ACTION_SCHEMAS: Readonly<Record<string, Schema>> = {
  ScheduledRun: object(
    {
      plannedAt: moment(),
      outcome: choice(['started', 'late', 'missed', 'skipped', 'failed']),
      at: moment('When it was dealt with.'),
    },
    { run: integer(0), reason: { type: 'string' } },
    { description: 'What became of a planned run.' },
  ),
};

/** `POST /campaigns/{id}/launch` and its like. */
function action(name: string, summary: string, description?: string): Operation {
  return operation<CampaignId & { body: Said }>({
    id: `campaigns.${name}`,
    method: 'POST',
    path: `/campaigns/{id}/${name}`,
    tag: TAG,
    summary,
    ...(description === undefined ? {} : { description }),
    permission: 'campaign:launch',
    params: CAMPAIGN_ID,
    versioned: true,
    body: object({}, SAID),
    bodyOptional: true,
    responses: ok('The campaign as it is now.', ref('Campaign')),
    handler: async (call) => {
      const options = { ...call.body, ...by(call) };
      return campaignReply(await call.services.campaigns.act(idOrKey(call.params.id), name, options));
    },
  });
}

export const campaignActionOperations: readonly Operation[] = [
  action('launch', 'Launch a campaign', 'Answers at once; its audience is entered in the background.'),
  action('pause', 'Pause a campaign', 'Everybody stays where they are. What is being sent at this moment is finished.'),
  action('resume', 'Resume a campaign', 'It goes on where it stood: nobody is skipped, nobody repeated.'),
  action('complete', 'Complete a campaign', 'Whoever is still under way ends with it.'),
  action('cancel', 'Cancel a campaign', 'Nobody gets anything any more.'),
  operation<{ params: { id: string; action: string }; body: Said }>({
    id: 'campaigns.act',
    method: 'POST',
    path: '/campaigns/{id}/actions/{action}',
    tag: TAG,
    summary: 'Do to a campaign what its definition names',
    description: 'An action of its lifecycle: those that every campaign has, and those that its definition declares.',
    // What the action needs beyond this, the engine knows and checks.
    permission: 'campaign:write',
    params: object({ id: text(128), action: ACTION }),
    versioned: true,
    body: object({}, SAID),
    bodyOptional: true,
    responses: ok('The campaign as it is now.', ref('Campaign')),
    handler: async (call) => {
      const options = { ...call.body, ...by(call) };
      return campaignReply(await call.services.campaigns.act(idOrKey(call.params.id), call.params.action, options));
    },
  }),
  operation<CampaignId>({
    id: 'campaigns.actions',
    method: 'GET',
    path: '/campaigns/{id}/actions',
    tag: TAG,
    summary: 'List the actions that the stage of a campaign has',
    permission: 'campaign:read',
    params: CAMPAIGN_ID,
    responses: ok('Their names.', object({ items: list(text(64)) })),
    handler: async ({ services: { campaigns }, params, actor }) => ({
      body: { items: await campaigns.actionsOf(idOrKey(params.id), { actor }) },
    }),
  }),
  operation<CampaignId & { query: { action: string } }>({
    id: 'campaigns.can',
    method: 'GET',
    path: '/campaigns/{id}/can',
    tag: TAG,
    summary: 'Ask whether an action is possible now',
    permission: 'campaign:read',
    params: CAMPAIGN_ID,
    query: object({ action: ACTION }),
    responses: ok('Whether it is, and if not, why.', object({ allowed: flag() }, { reason: { type: 'string' } })),
    handler: async ({ services: { campaigns }, params, query, actor }) => ({
      body: await campaigns.can(idOrKey(params.id), query.action, { actor }),
    }),
  }),
  operation<CampaignId & { body: { action: string } }>({
    id: 'campaigns.await',
    method: 'POST',
    path: '/campaigns/{id}/await',
    tag: TAG,
    summary: 'Pause a campaign until an action',
    permission: 'campaign:launch',
    params: CAMPAIGN_ID,
    versioned: true,
    body: object({ action: text(64, { examples: ['resume'] }) }),
    responses: ok('The campaign as it is now.', ref('Campaign')),
    handler: async (call) =>
      campaignReply(await call.services.campaigns.awaitAction(idOrKey(call.params.id), call.body.action, by(call))),
  }),
  operation<CampaignId & { body: Schedule }>({
    id: 'campaigns.schedule',
    method: 'POST',
    path: '/campaigns/{id}/schedule',
    tag: TAG,
    summary: 'Schedule a campaign, or schedule it anew',
    permission: 'campaign:launch',
    params: CAMPAIGN_ID,
    versioned: true,
    body: SCHEDULE,
    responses: ok('The campaign as it is now.', ref('Campaign')),
    handler: async (call) =>
      campaignReply(await call.services.schedules.schedule(idOrKey(call.params.id), call.body, by(call))),
  }),
  operation<CampaignId & { body: { reason?: string } }>({
    id: 'campaigns.unschedule',
    method: 'POST',
    path: '/campaigns/{id}/unschedule',
    tag: TAG,
    summary: 'Take the schedule of a campaign back',
    permission: 'campaign:launch',
    params: CAMPAIGN_ID,
    versioned: true,
    body: object({}, { reason: SAID.reason }),
    bodyOptional: true,
    responses: ok('The campaign as it is now.', ref('Campaign')),
    handler: async (call) =>
      campaignReply(await call.services.schedules.unschedule(idOrKey(call.params.id), { ...call.body, ...by(call) })),
  }),
  operation<CampaignId & { query: { limit: number } }>({
    id: 'campaigns.runs',
    method: 'GET',
    path: '/campaigns/{id}/runs',
    tag: TAG,
    summary: 'List what became of planned runs, and when the next ones are',
    permission: 'campaign:read',
    params: CAMPAIGN_ID,
    query: object({}, { limit: integer(1, 100, { default: 20 }) }),
    responses: ok('The runs.', object({ past: list(ref('ScheduledRun')), upcoming: list(moment()) })),
    async handler({ services: { schedules }, params, query: { limit }, actor }) {
      const past = await schedules.runs(idOrKey(params.id), { limit, actor });
      const upcoming = await schedules.upcoming(idOrKey(params.id), limit, { actor });
      const shown = past.map((run) => ({ ...run, plannedAt: iso(run.plannedAt), at: iso(run.at) }));
      return { body: { past: shown, upcoming: upcoming.map(iso) } };
    },
  }),
];
