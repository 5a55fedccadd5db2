import {
  compileCondition,
  type AttributeType,
  type Condition,
  type FieldTypes,
  type JsonCondition,
} from '../../conditions';
import type { Problems } from '../problems';
import type { ConditionSource, ReadField } from './types';

/** What `campaign.x` is in the conditions of a definition. */
export const CAMPAIGN_FIELDS: FieldTypes = {
  id: 'number',
  definition: 'string',
  state: 'string',
  stage: 'string',
  type: 'string',
  objective: 'string',
  owner: 'string',
  team: 'string',
  segment: 'string',
  budget: 'number',
  currency: 'string',
  channels: 'string[]',
  run: 'number',
  startsOn: 'date',
  endsOn: 'date',
  startedAt: 'date',
  endedAt: 'date',
  createdAt: 'date',
};

/** What a condition of a definition may read besides the campaign and its data. */
export interface ConditionScope {
  readonly fields: readonly ReadField[];
  /** The lead's declared attributes; `unknown`: any, since they are not known here. Absent: it may not read the lead. */
  readonly lead?: FieldTypes | 'unknown';
  /** It may read what came with an event (`event.value`). */
  readonly event?: boolean;
}

/** The declared fields of a campaign's data that a condition can read; of the others it finds the type by itself. */
function typesOf(fields: readonly ReadField[]): FieldTypes {
  const types: Partial<Record<ReadField['type'], AttributeType>> = {
    string: 'string',
    enum: 'string',
    number: 'number',
    integer: 'number',
    boolean: 'boolean',
    date: 'date',
  };
  return Object.fromEntries(
    fields.flatMap(({ name, type }) => {
      const known = types[type];
      return known === undefined ? [] : [[name, known]];
    }),
  );
}

/** Compiles a condition of a definition. @throws ConditionError */
export function compileScoped(source: ConditionSource, { fields, lead, event }: ConditionScope): Condition {
  return compileCondition(
    source,
    { lead: lead === undefined || lead === 'unknown' ? {} : lead, campaign: typesOf(fields) },
    {
      infer: ['data', ...(lead === 'unknown' ? ['lead'] : []), ...(event === true ? ['event'] : [])],
      campaign: CAMPAIGN_FIELDS,
    },
  );
}

/** A condition as it stands in a document, compiled once for its errors. */
export function readCondition(
  written: string | object | undefined,
  path: string,
  scope: ConditionScope,
  problems: Problems,
): { condition?: ConditionSource } {
  if (written === undefined) return {};
  const condition = written as string | JsonCondition;
  try {
    const { attributes, behaviours } = compileScoped(condition, scope);
    if (scope.lead === undefined && (attributes.length > 0 || behaviours.length > 0))
      problems.add(path, NO_LEAD(attributes[0]));
  } catch (error) {
    problems.addCondition(path, error);
  }
  return { condition };
}

/** Why a condition of a campaign cannot look at a lead. */
export function NO_LEAD(attribute: string | undefined): string {
  const instead = attribute === undefined ? '' : ` For a field of the campaign’s data write data.${attribute}.`;
  return `This is asked of a campaign, not of one lead: it can read data and campaign only.${instead}`;
}
