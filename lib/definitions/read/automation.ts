import { parseDuration } from '../../conditions';
import type { Automation, Escalation, EventTrigger, SequenceStep, WaitUntil } from '../document';
import { at, type Problems } from '../problems';
import { others, pick } from './channels';
import { readCondition, type ConditionScope } from './conditions';
import {
  TRIGGER_FREQUENCIES,
  type ReadEscalation,
  type ReadStep,
  type ReadTrigger,
  type ReadWait,
  type TriggerFrequency,
} from './types';

/** What an automation says, together. */
export interface ReadAutomation {
  readonly sequence: ReadStep[];
  readonly escalation: ReadEscalation[];
  readonly triggers: ReadTrigger[];
}

const CONTENT = ['name', 'template', 'subject', 'html', 'text'] as const;
const STEP: ReadonlySet<string> = new Set([...CONTENT, 'delay', 'wait_until', 'at', 'action', 'channel', 'condition']);
const TRIGGER: ReadonlySet<string> = new Set([
  ...['event', 'condition', 'action', 'delay', 'frequency', 'cooldown', 'reentry'],
]);
/** AC-004.3. */
const LONGEST_TRIGGER_DELAY_MS = 30 * 86_400_000;
const EVENT = /^[a-z][\w.:-]{0,95}$/i;
/** Further than this in the future, a duration is a mistake in typing. */
const LONGEST_MS = 10 * 365 * 86_400_000;

/**
 * The automation of a document: what stands at the top and in its entities. Only one of them may have a sequence; the other
 * lists are joined.
 * @param written by the path where each stands
 */
export function readAutomation(
  written: readonly (readonly [path: string, automation: Automation | undefined])[],
  scope: ConditionScope,
  problems: Problems,
): ReadAutomation {
  const read: ReadAutomation = { sequence: [], escalation: [], triggers: [] };
  for (const [path, automation] of written) {
    const { sequence = [], escalation = [], triggers = [] } = automation ?? {};
    if (sequence.length > 0 && read.sequence.length > 0)
      problems.add(at(path, 'sequence'), 'There is a sequence elsewhere in this definition. Write one.');
    const each = <T>(list: readonly T[], name: string, reader: (entry: T, path: string) => void): void =>
      list.forEach((entry, index) => reader(entry, at(at(path, name), index)));
    const reader = new AutomationReader(scope, problems);
    each(sequence, 'sequence', (step, where) => read.sequence.push(reader.step(step, where)));
    each(escalation, 'escalation', (rule, where) => read.escalation.push(reader.escalation(rule, where)));
    each(triggers, 'triggers', (trigger, where) => read.triggers.push(reader.trigger(trigger, where)));
  }
  return read;
}

class AutomationReader {
  private readonly names = new Set<string>();

  constructor(
    private readonly scope: ConditionScope,
    private readonly problems: Problems,
  ) {}

  step(step: SequenceStep, path: string): ReadStep {
    const { action, channel } = this.stepAction(step, path);
    const { delay, wait_until: waitUntil, at: time } = step;
    if (step.name !== undefined && this.names.has(step.name))
      this.problems.add(at(path, 'name'), `The step "${step.name}" is there twice.`);
    if (step.name !== undefined) this.names.add(step.name);
    if (action === 'wait' && delay === undefined && waitUntil === undefined && time === undefined)
      this.problems.add(at(path, 'delay'), 'This is missing. Say how long to wait, or for what ("wait_until", "at").');
    return {
      action,
      ...(channel === undefined ? {} : { channel }),
      delayMs: delay === undefined ? 0 : this.duration(delay, at(path, 'delay'), true),
      ...(waitUntil === undefined ? {} : this.wait(waitUntil, at(path, 'wait_until'))),
      ...(time === undefined
        ? {}
        : { at: typeof time === 'string' ? { time, weekdays: [] } : { weekdays: [], ...time } }),
      ...pick(step, CONTENT),
      ...readCondition(step.condition, at(path, 'condition'), this.scope, this.problems),
      more: others(step, STEP),
    };
  }

  private wait(written: WaitUntil, path: string): { waitUntil?: ReadWait } {
    const { event, condition, segment, since = 'entry', happened = 'next', timed_out: timedOut = 'next' } = written;
    const rest = { timeoutMs: this.duration(written.timeout, at(path, 'timeout'), true), happened, timedOut };
    const wrong = (name: string, sentence: string): { waitUntil?: ReadWait } => {
      this.problems.add(at(path, name), sentence);
      return {};
    };
    if (event !== undefined) {
      if (segment !== undefined) return wrong('segment', 'Wait for an event or for a segment, not for both.');
      if (!EVENT.test(event))
        return wrong('event', `"${event}" is no name of an event: write a word such as purchase.`);
      if (condition !== undefined) this.check(condition, at(path, 'condition'), true);
      return {
        waitUntil: { for: { kind: 'event', event, since, ...(condition === undefined ? {} : { condition }) }, ...rest },
      };
    }
    if (written.since !== undefined) return wrong('since', 'This is about events. Remove it, or name an event.');
    if (condition !== undefined) {
      if (segment !== undefined) return wrong('segment', 'Wait for a condition or for a segment, not for both.');
      this.check(condition, at(path, 'condition'), false);
      return { waitUntil: { for: { kind: 'condition', condition }, ...rest } };
    }
    if (segment !== undefined) return { waitUntil: { for: { kind: 'segment', segment }, ...rest } };
    return wrong('event', 'This is missing. Name an event, a condition or a segment to wait for.');
  }

  /** Whether a condition can be compiled. */
  private check(condition: string, path: string, event: boolean): void {
    readCondition(condition, path, { ...this.scope, event }, this.problems);
  }

  escalation(rule: Escalation, path: string): ReadEscalation {
    return {
      afterMs: this.duration(rule.after, at(path, 'after'), false),
      ...readCondition(rule.condition, at(path, 'condition'), { fields: this.scope.fields }, this.problems),
      action: rule.action,
    };
  }

  trigger(trigger: EventTrigger, path: string): ReadTrigger {
    return {
      event: trigger.event,
      ...readCondition(trigger.condition, at(path, 'condition'), { ...this.scope, event: true }, this.problems),
      ...this.triggerRules(trigger, path),
      action: trigger.action,
      more: others(trigger, TRIGGER),
    };
  }

  private triggerRules(
    { delay, frequency, cooldown, reentry }: EventTrigger,
    path: string,
  ): Partial<Pick<ReadTrigger, 'delayMs' | 'frequency' | 'cooldownMs' | 'reentry'>> {
    const delayMs = delay === undefined ? undefined : this.duration(delay, at(path, 'delay'), true);
    if (delayMs !== undefined && delayMs > LONGEST_TRIGGER_DELAY_MS)
      this.problems.add(at(path, 'delay'), 'A trigger waits for 30 days at most. Use a step that waits instead.');
    const often = frequency === undefined ? undefined : this.frequency(frequency, at(path, 'frequency'));
    return {
      ...(delayMs === undefined ? {} : { delayMs }),
      ...(often === undefined ? {} : { frequency: often }),
      ...(cooldown === undefined ? {} : { cooldownMs: this.duration(cooldown, at(path, 'cooldown'), true) }),
      ...(reentry === undefined ? {} : { reentry: this.reentry(reentry, at(path, 'reentry')) }),
    };
  }

  private frequency(written: string, path: string): TriggerFrequency | undefined {
    const ms = parseDuration(written);
    const found = Object.entries(TRIGGER_FREQUENCIES).find(([, length]) => length === ms);
    if (!found) this.problems.add(path, `"${written}" is no frequency. Write "1h", "24h", "7d" or "30d".`);
    return found?.[0] as TriggerFrequency | undefined;
  }

  private reentry(written: string, path: string): 'always' | 'never' | 'finished' | number {
    if (written === 'always' || written === 'never' || written === 'finished') return written;
    return this.duration(written, path, false);
  }

  /** `send_email` is `send` on the channel `email`. */
  private stepAction({ action, channel }: SequenceStep, path: string): Pick<ReadStep, 'action' | 'channel'> {
    if (action === 'wait' || action === 'end') return { action };
    if (action === 'send') {
      if (channel === undefined)
        this.problems.add(at(path, 'channel'), 'This is missing. Name the channel to send on.');
      return { action, ...(channel === undefined ? {} : { channel }) };
    }
    const [, named] = /^send_([A-Za-z][A-Za-z0-9_-]{0,31})$/.exec(action) ?? [];
    if (named === undefined) {
      this.problems.add(
        at(path, 'action'),
        `There is no action "${action}". Use send_<channel> (such as send_email), wait or end.`,
      );
      return { action: 'end' };
    }
    if (channel !== undefined && channel !== named)
      this.problems.add(
        at(path, 'channel'),
        `The action "${action}" sends on "${named}". Remove this, or write the same.`,
      );
    return { action: 'send', channel: named };
  }

  private duration(written: string, path: string, orNone: boolean): number {
    if (orNone && /^\s*0\s*[a-z]*\s*$/i.test(written)) return 0;
    const millis = parseDuration(written);
    if (millis !== undefined && millis <= LONGEST_MS) return millis;
    this.problems.add(
      path,
      millis === undefined
        ? `"${written}" is no duration. Write it as "1 hour", "2 days", "24h" or "30 minutes".`
        : `"${written}" is longer than 10 years.`,
    );
    return 0;
  }
}
