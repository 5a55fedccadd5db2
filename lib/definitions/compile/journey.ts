import type { ReadChannel, ReadStep, ReadWait } from '../read/types';
import { actionBox, readAction, type Action } from './actions';
import { commentBox, delayBox, wire, type Waiting } from './boxes';
import { capital, channelName, slug, UniqueNames } from './names';
import type { Pen } from './pen';
import type { Box, Group, Section } from './types';

/** The way of everybody whom a campaign is launched for; undefined when the definition only listens to events, or draws nothing. */
export function journeySections(pen: Pen): Section[] {
  const { sequence, channels } = pen.definition;
  if (sequence.length > 0) return [sequenceSection(pen), ...unusedSections(pen)];
  return channels.length > 0 ? [branchesSection(pen)] : [];
}

/** The trigger and whom it is for. @returns the boxes, and the output that the way goes on from */
function headOf(pen: Pen): { head: Box[]; goOn: (...to: readonly Box[]) => void } {
  const { key, name, targeting } = pen.definition;
  const { segment } = targeting;
  const trigger = pen.trigger(['launch'], name, {
    definition: key,
    step: 'launch',
    ...(segment === undefined ? {} : { segment }),
  });
  const head = [trigger];
  if (segment !== undefined) head.push(pen.inSegment(['targeting', 'segment'], segment));
  if (targeting.condition !== undefined)
    head.push(pen.onlyIf(['targeting', 'condition'], targeting.condition, 'the targeting', 'Targeted?'));
  head.slice(1).forEach((box, index) => wire(head[index] ?? trigger, 0, box));
  return { head, goOn: (...to) => wire(head.at(-1) ?? trigger, 0, ...to) };
}

/** No sequence: every channel at once, the most important one above. The campaign ends when all of them are done. */
function branchesSection(pen: Pen): Section {
  const { head, goOn } = headOf(pen);
  const names = new UniqueNames();
  names.take('launch');
  const branches = pen.definition.channels.map((channel): Group[] => {
    const group = channelGroup(pen, channel, names);
    goOn(...group.slice(0, 1));
    return [group];
  });
  return { head, branches };
}

/** One channel by itself: may they get it, then send. */
function channelGroup(pen: Pen, { name, enabled }: ReadChannel, names: UniqueNames): Group {
  const disabled = !enabled;
  const place = ['channel', name];
  const consent = pen.consent([...place, 'consent'], name, disabled);
  const send = actionBox(
    pen,
    { kind: 'send', channel: name },
    {},
    {
      place: [...place, 'send'],
      step: names.take(slug(name) || 'send'),
      disabled,
    },
  );
  if (consent) wire(consent, 0, send);
  return consent ? [consent, send] : [send];
}

/** A step as it is drawn: its boxes, where it is entered, and what leads on from it. */
interface DrawnStep {
  readonly boxes: Box[];
  readonly entry: Box | undefined;
  /** Outputs that lead to the next step. */
  readonly exits: readonly [from: Box, output: number][];
}

function sequenceSection(pen: Pen): Section {
  const { sequence } = pen.definition;
  const { head, goOn } = headOf(pen);
  const names = new UniqueNames();
  names.take('launch');
  const channels = channelsOf(pen);
  // One channel: who must not get it leaves at the beginning. Several: who must not get one may get the next.
  const [only] = channels.length === 1 ? channels : [];
  const gate = only === undefined ? undefined : pen.consent(['consent', only], only);
  if (gate) {
    goOn(gate);
    head.push(gate);
  }
  let lead: ((to: Box) => void) | undefined = gate ? (to) => wire(gate, 0, to) : goOn;
  const groups: Group[] = [];
  for (const step of sequence) {
    const drawn = stepBoxes(pen, step, names, only !== undefined);
    const { boxes, entry, exits } = drawn;
    if (!lead) pen.warn('Some steps of the sequence stand behind its end: nobody comes to them.');
    else if (entry) lead(entry);
    groups.push(boxes);
    if (exits.length > 0) lead = (to) => exits.forEach(([from, output]) => wire(from, output, to));
    else if (boxes.length > 0) lead = undefined;
  }
  return { head, branches: [groups] };
}

/** What a step sends; undefined for waiting and ending. */
function actionOf(pen: Pen, { action, channel = '' }: ReadStep): Action | undefined {
  return action === 'send' ? readAction(pen, `send_${channel}`, channel) : undefined;
}

/** The channels that the steps send on, each once. */
function channelsOf(pen: Pen): string[] {
  const actions = pen.definition.sequence.map((step) => actionOf(pen, step));
  return [...new Set(actions.flatMap((action) => (action?.kind === 'send' ? [action.channel] : [])))];
}

/**
 * [delay, until, at] → [condition] → [consent] → send, or [condition] → delay … for a step that only waits. Who is left out at the
 * condition, or at the consent check of one of several channels, goes on to the next step.
 */
function stepBoxes(pen: Pen, step: ReadStep, names: UniqueNames, oneChannel: boolean): DrawnStep {
  const action = actionOf(pen, step);
  const label = names.take(stepLabel(step, action));
  const where = `the step "${label}"`;
  const row = new Row();
  const delay = (part: string, waiting: Waiting): Box =>
    delayBox({ id: pen.id('step', label, part), store: pen.store }, names.take(`${part}-${label}`), waiting);
  const wait = (): void => {
    const { delayMs, waitUntil, at } = step;
    if (delayMs > 0) row.add(delay('wait', { kind: 'duration', ms: delayMs }));
    if (waitUntil) {
      const waited = pen.waited(waitUntil.for, where);
      row.add(delay('until', { ...waited, timeoutMs: waitUntil.timeoutMs }), goesOn(waitUntil));
    }
    if (at) row.add(delay('at', { kind: 'time', ...at }));
  };
  const ask = (): void => {
    if (step.condition !== undefined) row.addBypass(pen.onlyIf(['step', label, 'condition'], step.condition, where));
  };
  if (!action && step.action === 'wait') {
    ask();
    wait();
    row.leave();
    return row;
  }
  wait();
  ask();
  if (!action) {
    row.add(commentBox(pen.id('step', label, 'end'), 'The way ends here'));
    return row;
  }
  const consent =
    action.kind === 'send' && !oneChannel ? pen.consent(['step', label, 'consent'], action.channel) : undefined;
  if (consent) row.addBypass(consent);
  row.add(actionBox(pen, action, wordsOf(step), { place: ['step', label, 'send'], step: label }));
  // Whom the only channel does not reach gets nothing more; another system or another channel may still do its part.
  row.leaveBy(...(action.kind === 'send' && oneChannel ? [0] : [0, 1, 2]));
  return row;
}

/** Outputs of a delay that waits until something happens which lead on: the others end the way. */
function goesOn({ happened, timedOut }: ReadWait): number[] {
  return [happened, timedOut].flatMap((what, output) => (what === 'next' ? [output] : []));
}

/** The boxes of one step, each led to by the one before. */
class Row implements DrawnStep {
  readonly boxes: Box[] = [];
  readonly exits: [from: Box, output: number][] = [];
  /** Outputs of the last box that lead to the next one. */
  private onward: readonly number[] = [0];

  get entry(): Box | undefined {
    return this.boxes.find(({ type }) => type !== 'comment');
  }

  /** @param onward outputs of the box that lead to the next one */
  add(box: Box, onward: readonly number[] = [0]): void {
    const before = this.boxes.at(-1);
    if (before && box.type !== 'comment') for (const output of this.onward) wire(before, output, box);
    this.onward = onward;
    // What some go past stands above their line.
    if (this.exits.length > 0) box.raised = true;
    this.boxes.push(box);
  }

  /** A box that some go past: by its second output. */
  addBypass(box: Box): void {
    this.add(box);
    this.exits.push([box, 1]);
  }

  /** What of the last box leads on leads to the next step. */
  leave(): void {
    this.leaveBy(...this.onward);
  }

  /** These outputs of the last box lead to the next step. */
  leaveBy(...outputs: readonly number[]): void {
    const last = this.boxes.at(-1);
    if (last) for (const output of outputs) this.exits.push([last, output]);
  }
}

function wordsOf({ more, name, template, subject, html, text }: ReadStep): Record<string, unknown> {
  const known = Object.entries({ name, template, subject, html, text }).filter(([, value]) => value !== undefined);
  return { ...more, ...Object.fromEntries(known) };
}

/** What people at a step are known by: it must stay the same from version to version. */
function stepLabel({ name, template, action: written }: ReadStep, action: Action | undefined): string {
  const fallback = action === undefined ? written : action.kind === 'send' ? `send-${action.channel}` : action.name;
  return slug(name ?? template ?? fallback) || 'step';
}

/** Channels that the definition has and its sequence does not use: drawn, and led to by nothing. */
function unusedSections(pen: Pen): Section[] {
  const { channels } = pen.definition;
  const used = new Set(channelsOf(pen));
  const names = new UniqueNames();
  return channels
    .filter(({ name }) => !used.has(name))
    .map((channel) => {
      const { name, enabled } = channel;
      if (enabled)
        pen.warn(
          `The channel "${name}" is enabled and no step of the sequence uses it: its nodes are drawn, and nothing leads to them.`,
        );
      const heading = commentBox(
        pen.id('channel', name, 'comment'),
        `${capital(channelName(name))}: not used by the sequence`,
      );
      return { heading, head: [], branches: [[channelGroup(pen, channel, names)]] };
    });
}
