import { authorise, nameOf, type Actor } from '../access';
import { messageOf } from '../errors';
import { record } from '../history';
import type { LedgerLog } from '../ledger';
import type { Scope } from '../store';
import { checkTenantSendRules, refuseProblems } from './check';
import { cappedPeople, type CappedPerson } from './capped-people';
import { completionOf, type Completion } from './completion';
import { PacingGate } from './gate';
import { forgetLines, waitsInSharedLine } from './pace-rows';
import { readTenantRules, SETTING } from './read';
import type { TenantSendRules } from './types';
import { askAgain } from './waking';

/** What the send rules need from their surroundings. */
export interface SendRulesDeps {
  readonly scope: Scope;
  readonly log: Pick<LedgerLog, 'warn'>;
  /** Has a station look at its people. */
  wake(station: number): void;
  /** @throws NotFoundError `E_UNKNOWN_CAMPAIGN` */
  campaign(key: number | string): Promise<{ id: number; state: string; channels: readonly string[] }>;
  /** How many people a launch of the campaign would enter now. */
  audienceOf(campaign: number): Promise<number>;
}

/** A tenant's send rules: read, changed, and heard before every message. */
export class SendRulesService {
  readonly gate = new PacingGate();
  private asking: Promise<void> = Promise.resolve();

  constructor(private readonly deps: SendRulesDeps) {}

  /** The tenant's rules, as they were set; what is absent is the default. */
  async get({ actor }: { actor?: Actor } = {}): Promise<TenantSendRules> {
    authorise(actor, 'campaign:read');
    return readTenantRules(this.deps.scope);
  }

  /**
   * Sets the tenant's rules, all of them; they count from the next message on, for those who wait as well.
   * @throws InputError `E_SEND_RULES` with `details.problems`; ForbiddenError without `settings:manage`
   */
  async set(rules: TenantSendRules, { actor }: { actor?: Actor } = {}): Promise<TenantSendRules> {
    authorise(actor, 'settings:manage');
    refuseProblems(checkTenantSendRules(rules));
    await this.deps.scope.transaction(async (tx) => {
      const before = await readTenantRules(tx);
      await tx.run(
        `INSERT INTO marketing_settings (tenant_id, name, value, updated_at) VALUES (:tenant, :name, :value, :now)
         ${tx.dialect.upsertTail(['tenant_id', 'name'], ['value', 'updated_at'])}`,
        { name: SETTING, value: JSON.stringify(rules), now: tx.clock.now() },
      );
      await record(tx, { event: 'settings.send_rules_changed', actor: nameOf(actor), before, after: rules });
      this.changed(tx);
    });
    return rules;
  }

  /**
   * When the last of those who wait for a message now gets it; before the launch, when the last of the audience would, if it were now.
   * @throws NotFoundError `E_UNKNOWN_CAMPAIGN`
   */
  async completion(key: number | string, { actor }: { actor?: Actor } = {}): Promise<Completion> {
    authorise(actor, 'campaign:read');
    const { id, state, channels } = await this.deps.campaign(key);
    const ahead = ['draft', 'scheduled', 'queued'].includes(state);
    return completionOf(this.deps.scope, {
      campaign: id,
      channels: channels.length === 0 ? ['email'] : channels,
      ...(ahead ? { audience: await this.deps.audienceOf(id) } : {}),
    });
  }

  /**
   * Who would get no message on a channel now because they have had enough: enrollment → why. Reads only; the send node decides,
   * when it sends.
   */
  async capped(people: readonly CappedPerson[], channel: string): Promise<Map<number, string>> {
    return cappedPeople(this.deps.scope, people, channel);
  }

  /** The rules have changed in this transaction: of one campaign, or of the tenant. */
  changed(tx: Scope, campaign?: number): void {
    tx.afterCommit(() => {
      this.asking = this.asking
        .then(() => askAgain(this.deps.scope, campaign))
        .then((stations) => stations.forEach((station) => this.deps.wake(station)))
        .catch((error: unknown) => {
          this.deps.log.warn(`Those who wait do not know of the new send rules yet: ${messageOf(error)}`);
        });
    });
  }

  /** A campaign begins its next run: nobody waits from the last one. */
  async launches(tx: Scope, campaign: number): Promise<void> {
    await forgetLines(tx, campaign);
  }

  /**
   * A campaign stands still or is over: those of its people who wait in a line that campaigns share (a channel's, an account's, the
   * tenant's) leave their places, and everybody else moves up. Otherwise nobody would be sent anything until those places have passed.
   */
  async stops(tx: Scope, campaign: number): Promise<void> {
    if (await waitsInSharedLine(tx, campaign)) this.changed(tx);
  }

  /** Resolves when those who wait have been asked again. */
  async idle(): Promise<void> {
    await this.asking;
  }
}
