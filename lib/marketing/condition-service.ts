import {
  compileCondition,
  compileEventCondition,
  type Condition,
  type ConditionSchema,
  type JsonCondition,
} from '../conditions';
import type { Leads } from '../leads';
import type { Segments } from '../segments';
import type { Scope } from '../store';

/** Conditions, compiled against the tenant's declared attributes. */
export class ConditionService {
  constructor(
    private readonly leads: Leads,
    private readonly segments: Segments,
  ) {}

  /** @param sql inside a transaction: it */
  async schema(sql?: Scope): Promise<ConditionSchema> {
    return { ...(await this.leads.schema(sql)), campaign: {} };
  }

  /** @throws ConditionError with the position */
  async compile(source: string | JsonCondition, sql?: Scope): Promise<Condition> {
    // A campaign's data are declared by its definition, which is not known here: their types follow from what they are compared with.
    return compileCondition(source, await this.schema(sql), { infer: ['data'], campaign: { channels: 'string[]' } });
  }

  /** The same for a condition that may also read an event (`event.value > 50`). @throws ConditionError with the position */
  async compileForEvent(source: string | JsonCondition, sql?: Scope): Promise<Condition> {
    return compileEventCondition(source, await this.schema(sql), {
      infer: ['data'],
      campaign: { channels: 'string[]' },
    });
  }

  /** Which of these leads a condition is true of, by what the database holds now: one statement. */
  async matching(
    leadIds: readonly number[],
    condition: Condition,
    campaign?: Record<string, unknown>,
  ): Promise<Set<number>> {
    return this.segments.matchesCondition(leadIds, condition, campaign && { campaign });
  }
}
