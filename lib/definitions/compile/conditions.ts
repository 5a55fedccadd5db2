import { ConditionError, LEAD_COLUMNS, type Condition, type FieldTypes, type JsonCondition } from '../../conditions';
import { compileScoped } from '../read/conditions';
import type { ConditionSource, ReadField } from '../read/types';

/** A condition about a person, as a segment node takes it. */
export interface PersonCondition {
  readonly expression: string;
  /** Attributes of leads that it reads and nobody has declared. */
  readonly undeclared: readonly string[];
}

/** Quoted text, or a path that begins with `data.`. */
const DATA_PATH = /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|(?<![\w.$`])data\.(`[^`]+`|[\p{L}_][\p{L}\p{N}_]*)/gu;

/** The requirement texts call the score so. */
const SCORE = 'lead_score';

/**
 * A definition's condition about people as one expression. Definitions write `data.x` for what they know of somebody: it is
 * the lead's `x`, unless `x` is a field of the campaign's data.
 * @param fields those of the campaign's data
 * @param attributes the declared attributes of leads
 * @param event whether it may read what came with an event
 * @throws ConditionError
 */
export function personCondition(
  source: ConditionSource,
  fields: readonly ReadField[],
  attributes: FieldTypes,
  event = false,
): PersonCondition {
  const rename = (name: string): string => {
    const ofCampaign = fields.some((field) => field.name === name.replaceAll('`', ''));
    return ofCampaign ? `campaign.data.${name}` : `lead.${name}`;
  };
  const renamed =
    typeof source === 'string'
      ? source.replace(DATA_PATH, (found: string, _quoted: string | undefined, name: string | undefined) =>
          name === undefined ? found : rename(name),
        )
      : withFields(source, (field) => (field.startsWith('data.') ? rename(field.slice(5)) : field));
  const condition = compiled(renamed, fields, attributes, event);
  return {
    expression: typeof renamed === 'string' ? renamed : condition.normalised,
    undeclared: condition.reads
      .filter((path) => path.startsWith('lead.'))
      .map((path) => path.slice(5))
      .filter((name) => name !== SCORE && !Object.hasOwn(LEAD_COLUMNS, name) && !Object.hasOwn(attributes, name)),
  };
}

/** With the declared types where they are known, else with those that follow from what is compared. */
function compiled(
  source: ConditionSource,
  fields: readonly ReadField[],
  attributes: FieldTypes,
  event: boolean,
): Condition {
  try {
    return compileScoped(source, { fields, lead: attributes, event });
  } catch (error) {
    if (!(error instanceof ConditionError) || error.code !== 'E_UNKNOWN_ATTRIBUTE') throw error;
    return compileScoped(source, { fields, lead: 'unknown', event });
  }
}

function withFields(condition: JsonCondition, rename: (field: string) => string): JsonCondition {
  if (isList(condition)) return condition.map((part) => withFields(part, rename));
  if ('not' in condition) return { ...condition, not: withFields(condition.not, rename) };
  if ('conditions' in condition)
    return { ...condition, conditions: condition.conditions.map((part) => withFields(part, rename)) };
  return { ...condition, field: rename(condition.field) };
}

function isList(condition: JsonCondition): condition is readonly JsonCondition[] {
  return Array.isArray(condition);
}
