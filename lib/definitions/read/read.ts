import type { FieldTypes } from '../../conditions';
import { addErrors, compileOwn } from '../ajv';
import { checkName } from '../data/allowed';
import { checkDataSchema } from '../data/validator';
import type { Automation, DefinitionDocument } from '../document';
import { DOCUMENT_LIMITS, plainCopy } from '../plain';
import { at, Problems } from '../problems';
import { readAutomation } from './automation';
import { readChannels } from './channels';
import { readCondition, type ConditionScope } from './conditions';
import { DEFINITION_SCHEMA } from './schema';
import { readLifecycle } from './transitions';
import { BREACH_ACTIONS, type BreachAction, type ReadDefinition, type ReadField } from './types';

/** How {@link readDocument} looks at a document. */
export interface ReadOptions {
  /** The tenant's declared attributes of leads. Not given: any attribute is taken for declared. */
  readonly attributes?: FieldTypes;
}

const CODE = 'E_DEFINITION';

/**
 * Reads a definition document: checks all of it, and brings it to one form.
 * @throws InputError `E_DEFINITION`; `details.problems` lists everything that is wrong, each with its path
 */
export function readDocument(input: unknown, options: ReadOptions = {}): ReadDefinition {
  const document = shaped(plainCopy(input, DOCUMENT_LIMITS, CODE, 'The definition'));
  const problems = new Problems();
  const read = new DocumentReader(document, options, problems).read();
  problems.throwIfAny(CODE, `The definition "${document.id}"`);
  return read;
}

/** @throws InputError `E_DEFINITION` when it is not shaped as {@link DEFINITION_SCHEMA} says */
function shaped(copy: unknown): DefinitionDocument {
  const problems = new Problems();
  const validate = compileOwn(DEFINITION_SCHEMA);
  if (!validate(copy)) addErrors(problems, validate.errors);
  problems.throwIfAny(CODE, 'The definition');
  return copy as DefinitionDocument;
}

class DocumentReader {
  constructor(
    private readonly document: DefinitionDocument,
    private readonly options: ReadOptions,
    private readonly problems: Problems,
  ) {}

  read(): ReadDefinition {
    const { document, problems } = this;
    const { id, description, version, type, targeting } = document;
    const { dataSchema, fields } = this.data();
    const scope: ConditionScope = { fields, lead: this.options.attributes ?? 'unknown' };
    const { stages, transitions } = readLifecycle(document, scope, problems);
    const channels = readChannels(document.channels, '/channels', problems);
    const automation = readAutomation(this.automations(), scope, problems);
    return {
      key: id,
      name: document.name ?? document.label ?? id,
      ...(description === undefined ? {} : { description }),
      ...(version === undefined ? {} : { version: String(version) }),
      ...(type === undefined ? {} : { type }),
      ...(stages === undefined ? {} : { stages }),
      transitions,
      ...(dataSchema === undefined ? {} : { dataSchema }),
      fields,
      channels,
      targeting: this.targeting(targeting, scope),
      ...automation,
      roi: this.roi(),
      compliance: this.compliance(),
      journeyless: channels.length === 0 && automation.sequence.length === 0 && automation.triggers.length === 0,
      document,
    };
  }

  /** The declared fields, and those that the sales-marketing form only names. */
  private data(): { dataSchema?: Readonly<Record<string, unknown>>; fields: readonly ReadField[] } {
    const { dataSchema, entities = {} } = this.document;
    const read = dataSchema === undefined ? undefined : checkDataSchema(dataSchema, '/dataSchema', this.problems);
    const fields: ReadField[] = [...(read?.fields ?? [])];
    const names: readonly string[] = entities['campaign']?.fields ?? [];
    names.forEach((name, index) => {
      const where = at('/entities/campaign/fields', index);
      checkName(name, where, this.problems);
      if (names.indexOf(name) !== index) this.problems.add(where, `The field "${name}" is there twice.`);
      else if (!fields.some((field) => field.name === name)) fields.push({ name, type: 'any', required: false });
    });
    return { ...(read ? { dataSchema: read.schema } : {}), fields };
  }

  private automations(): (readonly [string, Automation | undefined])[] {
    const { automation, entities = {} } = this.document;
    return [
      ['/automation', automation] as const,
      ...Object.entries(entities).map(
        ([name, entity]) => [at(at('/entities', name), 'automation'), entity.automation] as const,
      ),
    ];
  }

  /** Text is a segment's key when it looks like one, otherwise an expression. */
  private targeting(written: DefinitionDocument['targeting'], scope: ConditionScope): ReadDefinition['targeting'] {
    const { segment, condition } = written ?? {};
    const own = readCondition(condition, '/targeting/condition', scope, this.problems);
    if (segment === undefined) return own;
    if (typeof segment === 'string' && /^[\p{L}\p{N}_.-]+$/u.test(segment)) return { segment, ...own };
    const inPlace = readCondition(segment, '/targeting/segment', scope, this.problems);
    if (condition !== undefined)
      this.problems.add('/targeting/segment', 'Where there is a condition too, this must be a saved segment’s key.');
    return inPlace;
  }

  private roi(): ReadDefinition['roi'] {
    const { roi = {}, budget } = this.document;
    if (budget !== undefined && roi.budget !== undefined && budget !== roi.budget)
      this.problems.add('/roi/budget', 'There is another budget at the top of this definition. Write one.');
    const amount = roi.budget ?? budget;
    const threshold = roi.threshold === undefined ? undefined : this.threshold(roi.threshold);
    return {
      ...(amount === undefined ? {} : { budget: amount }),
      ...(roi.target_revenue === undefined ? {} : { targetRevenue: roi.target_revenue }),
      ...(threshold === undefined ? {} : { threshold }),
      breachActions: roi.breach_action === undefined ? [] : this.breachActions(roi.breach_action),
    };
  }

  /** "2x" and 2 are twice the cost, "150%" one and a half times. */
  private threshold(written: string | number): number | undefined {
    if (typeof written === 'number') return written;
    const match = /^\s*(\d{1,9}(?:\.\d{1,6})?)\s*(x|%)?\s*$/i.exec(written);
    if (!match) {
      this.problems.add('/roi/threshold', `"${written}" is no threshold. Write it as "2x" or "150%".`);
      return undefined;
    }
    return match[2] === '%' ? Number(match[1]) / 100 : Number(match[1]);
  }

  private breachActions(written: string): BreachAction[] {
    const known = (word: string): word is BreachAction => (BREACH_ACTIONS as readonly string[]).includes(word);
    const words = written.split(/_and_|\s*,\s*/);
    const unknown = words.find((word) => !known(word));
    if (unknown !== undefined)
      this.problems.add(
        '/roi/breach_action',
        `There is no action "${unknown}". Use ${BREACH_ACTIONS.join(', ')}; two are joined as in pause_and_alert.`,
      );
    return words.filter(known);
  }

  private compliance(): ReadDefinition['compliance'] {
    const { gdpr = false, consent_required: consent, data_retention_days: days } = this.document.compliance ?? {};
    return { gdpr, consentRequired: consent ?? false, ...(days === undefined ? {} : { retentionDays: days }) };
  }
}
