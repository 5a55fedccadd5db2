import {
  reportCsv,
  type ControlGroup,
  type Experiment,
  type ExperimentReport,
  type NewExperiment,
} from '../../../experiments';
import { CAMPAIGN_ID, type CampaignId } from '../campaign-parts';
import { EXPERIMENT_SCHEMAS, NEW_EXPERIMENT, SETTINGS, SHARE } from '../experiment-schemas';
import { by, idOrKey, iso, withMoments } from '../present';
import { created, idOf, idPage, ok, paged } from '../replies';
import { choice, integer, map, nullable, number, object, page, PAGING, ref, text, type Schema } from '../schema';
import { operation, type Operation, type Reply } from '../types';

export { EXPERIMENT_SCHEMAS };

const TAG = 'Experiments';
const ID: Schema = object({ id: integer(1, 1e15, { description: 'The number of the experiment.' }) });
const REASON = text(500, { description: 'Kept in the history.' });

interface ById {
  params: { id: number };
}

/** An experiment as the API shows it: without its salt, and without what only the engine reads. */
function out(experiment: Experiment): object {
  const { id, campaign, key, name, source, state, metric, settings, winner, decision, version } = experiment;
  return {
    id,
    campaign,
    key,
    name,
    source,
    state,
    metric,
    settings,
    version,
    variants: experiment.variants.map(({ key: variant, name: called, control, share, content, counts }) => ({
      key: variant,
      name: called,
      control,
      share,
      ...(content === undefined ? {} : { content }),
      exposed: counts.exposed,
    })),
    ...(winner === undefined ? {} : { winner }),
    ...(decision === undefined ? {} : { decision: { ...decision, at: iso(decision.at) } }),
    ...momentsOf(experiment),
  };
}

function momentsOf({ createdAt, updatedAt, startedAt, endedAt }: Experiment): object {
  return {
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
    ...(startedAt === undefined ? {} : { startedAt: iso(startedAt) }),
    ...(endedAt === undefined ? {} : { endedAt: iso(endedAt) }),
  };
}

function reply(experiment: Experiment): Reply {
  return { body: out(experiment), version: experiment.version };
}

function reportOut(report: ExperimentReport): object {
  const { decision, ...rest } = report;
  return {
    ...withMoments(rest, ['at']),
    ...(decision === undefined ? {} : { decision: { ...decision, at: iso(decision.at) } }),
  };
}

const reasonOf = (body: { reason?: string } | undefined): { reason?: string } =>
  body?.reason === undefined ? {} : { reason: body.reason };

export const experimentOperations: readonly Operation[] = [
  operation<CampaignId & { query: { limit: number; cursor?: string } }>({
    id: 'campaigns.experiments',
    method: 'GET',
    path: '/campaigns/{id}/experiments',
    tag: TAG,
    summary: 'List the experiments of a campaign',
    permission: 'campaign:read',
    params: CAMPAIGN_ID,
    query: object({}, PAGING),
    responses: ok('A page of experiments.', page(ref('Experiment'))),
    problems: [404],
    async handler({ services: { experiments }, params, query, actor }) {
      const after = idOf(query.cursor);
      const found = await experiments.list(
        { campaign: idOrKey(params.id), limit: query.limit, ...(after === undefined ? {} : { after }) },
        { actor },
      );
      return paged(idPage(found, query.limit), out, query);
    },
  }),
  operation<CampaignId & { body: NewExperiment }>({
    id: 'campaigns.createExperiment',
    method: 'POST',
    path: '/campaigns/{id}/experiments',
    tag: TAG,
    summary: 'Declare an experiment on a campaign',
    description:
      'Variants may bring contents of their own, per channel: send nodes take them that say "the campaign\'s content". It starts when the first person comes.',
    permission: 'campaign:write',
    params: CAMPAIGN_ID,
    body: NEW_EXPERIMENT,
    responses: created('The new experiment.', ref('Experiment')),
    problems: [404, 409],
    async handler({ services: { experiments }, params, body, actor }) {
      const experiment = await experiments.create(idOrKey(params.id), body, { actor });
      return { ...reply(experiment), location: `/experiments/${experiment.id}` };
    },
  }),
  operation<ById>({
    id: 'experiments.get',
    method: 'GET',
    path: '/experiments/{id}',
    tag: TAG,
    summary: 'Get an experiment',
    permission: 'campaign:read',
    params: ID,
    responses: ok('The experiment.', ref('Experiment')),
    problems: [404],
    handler: async ({ services: { experiments }, params, actor }) => reply(await experiments.get(params.id, { actor })),
  }),
  operation<ById & { body: { name?: string; settings?: Partial<Experiment['settings']> } }>({
    id: 'experiments.update',
    method: 'PATCH',
    path: '/experiments/{id}',
    tag: TAG,
    summary: 'Change an experiment',
    description: 'What a test is judged by is fixed once it runs; only its name and `autoWinner` may change then.',
    permission: 'campaign:write',
    params: ID,
    versioned: true,
    body: object(
      {},
      { name: text(255), settings: SETTINGS },
      { minProperties: 1, examples: [{ name: 'Subject lines' }] },
    ),
    responses: ok('The experiment as it is now.', ref('Experiment')),
    problems: [404, 409],
    handler: async ({ services: { experiments }, params, body, actor, version }) =>
      reply(await experiments.update(params.id, body, by({ actor, version }))),
  }),
  operation<ById & { query: { format?: 'json' | 'csv' } }>({
    id: 'experiments.report',
    method: 'GET',
    path: '/experiments/{id}/report',
    tag: TAG,
    summary: 'See how an experiment stands',
    description: 'Looks, and decides nothing. As CSV: a line per variant.',
    permission: 'analytics:read',
    params: ID,
    query: object({}, { format: choice(['json', 'csv']) }),
    responses: {
      200: { description: 'The report.', schema: ref('ExperimentReport'), media: { 'text/csv': { type: 'string' } } },
    },
    problems: [404],
    async handler({ services: { experiments }, params, query, actor }) {
      const report = await experiments.report(params.id, { actor });
      if (query.format !== 'csv') return { body: reportOut(report) };
      return { raw: { type: 'text/csv', text: reportCsv(report), name: `experiment-${report.experiment}.csv` } };
    },
  }),
  operation<ById & { body: { allocation: Record<string, number> } }>({
    id: 'experiments.allocate',
    method: 'PUT',
    path: '/experiments/{id}/allocation',
    tag: TAG,
    summary: 'Change the shares of the variants',
    description:
      'In percent by variant, 100 in all. Whoever was exposed keeps the variant; of the others only those move who must.',
    permission: 'campaign:write',
    params: ID,
    versioned: true,
    body: object({ allocation: map(SHARE, { maxProperties: 20, examples: [{ A: 80, B: 20 }] }) }),
    responses: ok('The experiment as it is now.', ref('Experiment')),
    problems: [404, 409],
    handler: async ({ services: { experiments }, params, body, actor, version }) =>
      reply(await experiments.allocate(params.id, body.allocation, by({ actor, version }))),
  }),
  operation<ById & { body: { variant: string; name: string; key?: string; content?: Record<string, unknown> } }>({
    id: 'experiments.clone',
    method: 'POST',
    path: '/experiments/{id}/variants',
    tag: TAG,
    summary: 'Copy a variant',
    description: 'The copy gets nobody until the shares say so. Five variants at most, besides the control.',
    permission: 'campaign:write',
    params: ID,
    versioned: true,
    body: object(
      { variant: text(32, { description: 'The key of the original.' }), name: text(255) },
      { key: text(32), content: map() },
      { examples: [{ variant: 'A', name: 'A, shorter' }] },
    ),
    responses: created('The experiment as it is now.', ref('Experiment')),
    problems: [404, 409],
    async handler({ services: { experiments }, params, body: { variant, ...as }, actor, version }) {
      return reply(await experiments.clone(params.id, variant, as, by({ actor, version })));
    },
  }),
  operation<ById>({
    id: 'experiments.look',
    method: 'POST',
    path: '/experiments/{id}/look',
    tag: TAG,
    summary: 'Look at a running experiment now',
    description: 'As the clock does every now and then: names a winner where the rule allows it.',
    permission: 'campaign:launch',
    params: ID,
    responses: ok('The experiment as it is now.', ref('Experiment')),
    problems: [404],
    handler: async ({ services: { experiments }, params, actor }) =>
      reply(await experiments.look(params.id, { actor })),
  }),
  operation<ById & { body: { winner: string | null; reason?: string } }>({
    id: 'experiments.decide',
    method: 'POST',
    path: '/experiments/{id}/decide',
    tag: TAG,
    summary: 'Decide an experiment',
    description: 'Everybody who comes from now on gets the winner; with `null` (no winner), the baseline.',
    permission: 'campaign:launch',
    params: ID,
    versioned: true,
    body: object({ winner: nullable(text(32)) }, { reason: REASON }, { examples: [{ winner: 'A' }, { winner: null }] }),
    responses: ok('The experiment, decided.', ref('Experiment')),
    problems: [404, 409],
    handler: async ({ services: { experiments }, params, body, actor, version }) =>
      reply(await experiments.decide(params.id, body.winner, { ...by({ actor, version }), ...reasonOf(body) })),
  }),
  operation<ById & { body?: { reason?: string } }>({
    id: 'experiments.stop',
    method: 'POST',
    path: '/experiments/{id}/stop',
    tag: TAG,
    summary: 'Stop evaluating an experiment',
    description: 'People go on being divided as they are now.',
    permission: 'campaign:launch',
    params: ID,
    versioned: true,
    body: object({}, { reason: REASON }),
    bodyOptional: true,
    responses: ok('The experiment, stopped.', ref('Experiment')),
    problems: [404, 409],
    handler: async ({ services: { experiments }, params, body, actor, version }) =>
      reply(await experiments.stop(params.id, { ...by({ actor, version }), ...reasonOf(body) })),
  }),
  operation({
    id: 'settings.controlGroup',
    method: 'GET',
    path: '/settings/control-group',
    tag: 'Settings',
    summary: "Get the size of the tenant's control group",
    permission: 'campaign:read',
    responses: ok('The control group.', ref('ControlGroup')),
    handler: async ({ services: { controlGroup }, actor }) => ({ body: await controlGroup.get({ actor }) }),
  }),
  operation<{ body: ControlGroup }>({
    id: 'settings.setControlGroup',
    method: 'PUT',
    path: '/settings/control-group',
    tag: 'Settings',
    summary: "Set the size of the tenant's control group",
    permission: 'settings:manage',
    body: object({ percent: number(0, 20) }, {}, { examples: [{ percent: 5 }] }),
    responses: ok('The control group.', ref('ControlGroup')),
    handler: async ({ services: { controlGroup }, body, actor }) => ({ body: await controlGroup.set(body, { actor }) }),
  }),
];
