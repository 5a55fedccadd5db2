import { createHash, randomBytes } from 'node:crypto';
import { authorise, nameOf, type Actor } from '../access';
import { InputError } from '../errors';
import { record } from '../history';
import type { GateVerdict, SendGate } from '../sending';
import { parseJson, type Scope } from '../store';
import { bucketOf, BUCKETS } from './allocation';

const NAME = 'control_group';
/** The most that may be kept from all messages, percent. */
const MOST = 20;

/** Part of a tenant's leads who get no message of any campaign, for comparison. */
export interface ControlGroup {
  /** 0 to 20. */
  readonly percent: number;
}

interface Kept extends ControlGroup {
  readonly salt: string;
}

/** The control group of a tenant. */
export class ControlGroups {
  constructor(private readonly scope: Scope) {}

  /** Its size; nobody by default. @throws ForbiddenError */
  async get({ actor }: { actor?: Actor } = {}): Promise<ControlGroup> {
    authorise(actor, 'campaign:read');
    const { percent } = await read(this.scope);
    return { percent };
  }

  /**
   * Sets its size. Whoever was in it stays in it when it grows, and nobody new comes in when it shrinks.
   * @throws InputError `E_CONTROL_GROUP`; ForbiddenError
   */
  async set({ percent }: ControlGroup, { actor }: { actor?: Actor } = {}): Promise<ControlGroup> {
    authorise(actor, 'settings:manage');
    if (!(percent >= 0 && percent <= MOST) || Math.abs(percent * 100 - Math.round(percent * 100)) > 1e-6) {
      throw new InputError('E_CONTROL_GROUP', `A control group is 0 to ${MOST} percent, with at most two decimals.`);
    }
    return this.scope.transaction(async (tx) => {
      const before = await read(tx);
      const salt = before.salt === '' ? randomBytes(8).toString('hex') : before.salt;
      await tx.run(
        `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, :name, :value, :now)
         ${tx.dialect.upsertTail(['tenant_id', 'name'], ['value', 'updated_at'])}`,
        { name: NAME, value: JSON.stringify({ percent, salt } satisfies Kept), now: tx.clock.now() },
      );
      await record(tx, {
        event: 'settings.control_group_changed',
        actor: nameOf(actor),
        before: { percent: before.percent },
        after: { percent },
      });
      return { percent };
    });
  }

  /** Who of these leads is in it. */
  async members(leads: readonly number[]): Promise<Set<number>> {
    return inControlGroup(await read(this.scope), leads);
  }
}

/** Who of these leads is in the control group. */
function inControlGroup({ percent, salt }: Kept, leads: readonly number[]): Set<number> {
  if (percent <= 0 || salt === '') return new Set();
  const seed = createHash('sha256').update(`control:${salt}`).digest().readInt32LE(0);
  const bound = (percent * BUCKETS) / 100;
  return new Set(leads.filter((lead) => bucketOf(seed, lead) < bound));
}

/** Refuses messages to the tenant's control group: the first gate, asked for every send of every campaign. */
export function controlGroupGate(): SendGate {
  return {
    async check(tx, candidates) {
      const group = await read(tx);
      const members = inControlGroup(
        group,
        candidates.map(({ step }) => step.lead),
      );
      const verdicts = new Map<number, GateVerdict>();
      for (const { step } of candidates) {
        if (!members.has(step.lead)) continue;
        verdicts.set(step.id, {
          kind: 'suppress',
          reason: NAME,
          detail: `in the control group (${group.percent} % of all leads get no messages, for comparison)`,
        });
      }
      return verdicts;
    },
  };
}

async function read(scope: Scope): Promise<Kept> {
  const row = await scope.get<{ value: string }>(
    `SELECT value FROM marketing_settings WHERE tenant_id = :tenant AND name = :name`,
    { name: NAME },
  );
  return { percent: 0, salt: '', ...parseJson<Partial<Kept>>(row?.value, {}) };
}
