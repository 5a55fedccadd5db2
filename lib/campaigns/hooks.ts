import type { Actor } from '../access';
import { ConflictError, messageOf } from '../errors';
import type { Scope } from '../store';
import type { LifecycleStep } from './lifecycle';
import type { Campaign } from './types';

/**
 * Whether something may be done to a campaign: true, false, or the reason why not. Has no effects; reads with `db`, if at all.
 */
export type ActionGuard = (
  campaign: Campaign,
  actor: Actor | undefined,
  db: Scope,
) => boolean | string | Promise<boolean | string>;

/**
 * Called in the transaction of an action, before or after the change. What it throws takes the action back, all of it. A
 * transaction may be repeated: it changes nothing but what `tx` writes.
 */
export type ActionHook = (tx: Scope, campaign: Campaign, action: string) => void | Promise<void>;

/** The guards and hooks that programs register. An action is named as declared, by what it does (`launch`), or by `*`. */
export class Hooks {
  private readonly guards: { action: string; ask: ActionGuard }[] = [];
  private readonly hooks: { when: 'before' | 'after'; action: string; call: ActionHook }[] = [];

  guard(action: string, ask: ActionGuard): () => void {
    return added(this.guards, { action, ask });
  }

  on(when: 'before' | 'after', action: string, call: ActionHook): () => void {
    return added(this.hooks, { when, action, call });
  }

  /** @throws ConflictError `E_GUARD` with the first reason against it; what a guard throws */
  async ask(step: LifecycleStep, campaign: Campaign, actor: Actor | undefined, db: Scope, blame: Blame): Promise<void> {
    for (const { action, ask } of [...this.guards]) {
      if (!means(action, step)) continue;
      const answer = await blame.on(() => ask(campaign, actor, db));
      if (answer !== true) throw refusal(campaign, step.action, answer === false ? 'a guard says no' : answer);
    }
  }

  async run(when: 'before' | 'after', step: LifecycleStep, campaign: Campaign, tx: Scope, blame: Blame): Promise<void> {
    for (const hook of [...this.hooks]) {
      if (hook.when === when && means(hook.action, step)) {
        await blame.on(() => hook.call(tx, campaign, step.action));
      }
    }
  }
}

/**
 * Remembers that an error came from a guard or a hook. It is turned into `E_GUARD` outside of the transaction only: within, it
 * may be contention, which the transaction waits out.
 */
export class Blame {
  private readonly errors: unknown[] = [];

  async on<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.errors.push(error);
      throw error;
    }
  }

  /** The error as callers get it. */
  explain(error: unknown, campaign: Campaign, action: string): unknown {
    return this.errors.includes(error) ? refusal(campaign, action, messageOf(error), error) : error;
  }
}

/** The error for an action that a guard, a hook or a condition is against. */
export function refusal({ key }: Campaign, action: string, reason: string, cause?: unknown): ConflictError {
  return new ConflictError(
    'E_GUARD',
    `"${action}" of the campaign "${key}" is not allowed: ${reason.replace(/\.$/, '')}.`,
    { details: { campaign: key, action, reason }, ...(cause === undefined ? {} : { cause }) },
  );
}

function means(name: string, { action, effect }: LifecycleStep): boolean {
  return name === '*' || name === action || name === effect;
}

function added<T>(list: T[], entry: T): () => void {
  list.push(entry);
  return () => {
    const at = list.indexOf(entry);
    if (at >= 0) list.splice(at, 1);
  };
}
