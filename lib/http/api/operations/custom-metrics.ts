import { FORMULA_NAMES, METRIC_KINDS, type MetricDefinition, type MetricInput } from '../../../metrics';
import { by, withMoments } from '../present';
import { created, gone, ok } from '../replies';
import { choice, integer, list, moment, number, object, ref, text, type Schema } from '../schema';
import { operation, type Operation, type Reply } from '../types';

const TAG = 'Analytics';
const NAME = object({ name: text(64) });
const KIND = choice(METRIC_KINDS);
const FORMULA = text(2_000, {
  description: `A formula over figures and rates. It may read: ${FORMULA_NAMES.join(', ')}.`,
  examples: ['revenue / sent * 1000'],
});
const INPUT = { title: text(255), kind: KIND, formula: FORMULA };

export const CUSTOM_METRIC_SCHEMAS: Readonly<Record<string, Schema>> = {
  MetricDefinition: object(
    {
      name: text(64),
      title: text(255),
      kind: KIND,
      formula: FORMULA,
      version: integer(1),
      createdBy: text(128),
      createdAt: moment(),
    },
    {},
    { description: 'A metric that people define. It is in force at once, and conditions may read it as `data.NAME`.' },
  ),
  CustomMetric: object(
    { name: text(64), title: text(255), kind: KIND },
    { value: number(undefined, 1e300, { description: 'Absent: something would be divided by zero.' }) },
    { description: 'The value of a custom metric.' },
  ),
};

interface Named {
  params: { name: string };
}

function out(definition: MetricDefinition): object {
  return withMoments(definition, ['createdAt']);
}

function reply(definition: MetricDefinition): Reply {
  return { body: out(definition), version: definition.version };
}

export const customMetricOperations: readonly Operation[] = [
  operation({
    id: 'customMetrics.list',
    method: 'GET',
    path: '/metrics/definitions',
    tag: TAG,
    summary: 'List the metrics that people have defined',
    permission: 'analytics:read',
    responses: ok('Those in force, by name.', object({ items: list(ref('MetricDefinition')) })),
    handler: async ({ services: { customMetrics }, actor }) => ({
      body: { items: (await customMetrics.list({ actor })).map(out) },
    }),
  }),
  operation<Named>({
    id: 'customMetrics.get',
    method: 'GET',
    path: '/metrics/definitions/{name}',
    tag: TAG,
    summary: 'Get a metric that people have defined',
    permission: 'analytics:read',
    params: NAME,
    responses: ok('The metric.', ref('MetricDefinition')),
    problems: [404],
    handler: async ({ services: { customMetrics }, params: { name }, actor }) =>
      reply(await customMetrics.get(name, { actor })),
  }),
  operation<Named>({
    id: 'customMetrics.versions',
    method: 'GET',
    path: '/metrics/definitions/{name}/versions',
    tag: TAG,
    summary: 'List the versions of a metric',
    permission: 'analytics:read',
    params: NAME,
    responses: ok('The newest first.', object({ items: list(ref('MetricDefinition')) })),
    problems: [404],
    handler: async ({ services: { customMetrics }, params: { name }, actor }) => ({
      body: { items: (await customMetrics.versions(name, { actor })).map(out) },
    }),
  }),
  operation<{ body: MetricInput & { name: string } }>({
    id: 'customMetrics.create',
    method: 'POST',
    path: '/metrics/definitions',
    tag: TAG,
    summary: 'Define a metric',
    description: 'It is in force at once.',
    permission: 'settings:manage',
    body: object({
      name: text(64, { pattern: '^[a-z][a-z0-9_]*$', description: 'What conditions call it: `data.NAME`.' }),
      ...INPUT,
    }),
    responses: created('The metric.', ref('MetricDefinition')),
    problems: [409],
    handler: async ({ services: { customMetrics }, body: { name, ...input }, actor }) =>
      reply(await customMetrics.set(name, input, { actor, must: 'new' })),
  }),
  operation<Named & { body: MetricInput }>({
    id: 'customMetrics.update',
    method: 'PUT',
    path: '/metrics/definitions/{name}',
    tag: TAG,
    summary: 'Change a metric',
    description: 'A change is a new version, in force at once.',
    permission: 'settings:manage',
    params: NAME,
    body: object(INPUT),
    responses: ok('The metric.', ref('MetricDefinition')),
    problems: [404, 409],
    versioned: true,
    handler: async ({ services: { customMetrics }, params: { name }, body, actor, version }) =>
      reply(await customMetrics.set(name, body, { ...by({ actor, version }), must: 'exist' })),
  }),
  operation<Named>({
    id: 'customMetrics.remove',
    method: 'DELETE',
    path: '/metrics/definitions/{name}',
    tag: TAG,
    summary: 'Put a metric out of force',
    permission: 'settings:manage',
    params: NAME,
    responses: gone('It is out of force; its versions stay.'),
    problems: [404],
    handler: async ({ services: { customMetrics }, params: { name }, actor }) => {
      await customMetrics.remove(name, { actor });
      return {};
    },
  }),
];
