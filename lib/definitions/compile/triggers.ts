import type { ReadTrigger } from '../read/types';
import { actionBox, readAction } from './actions';
import { commentBox, wire } from './boxes';
import { text } from './content';
import { eventKey, slug, spoken, UniqueNames } from './names';
import type { Pen } from './pen';
import type { Box, Section } from './types';

/** What happens when somebody does something: a journey of its own for each trigger. */
export function triggerSections(pen: Pen): { sections: Section[]; definitions: string[] } {
  const events = new UniqueNames();
  const drawn = pen.definition.triggers.map((trigger) => {
    const name = events.take(trigger.event);
    return { definition: eventKey(pen.definition.key, name), section: triggerSection(pen, trigger, name) };
  });
  return { sections: drawn.map(({ section }) => section), definitions: drawn.map(({ definition }) => definition) };
}

/** @param name the event, with a number when several triggers listen to it */
function triggerSection(pen: Pen, read: ReadTrigger, name: string): Section {
  const { event, condition, action, more } = read;
  const place = ['event', name];
  const where = `the trigger on "${event}"`;
  const definition = eventKey(pen.definition.key, name);
  const trigger = pen.trigger([...place, 'trigger'], spoken(event), {
    ...{ definition, step: 'entered', event },
    rules: { ...read, condition: condition === undefined ? '' : pen.condition(condition, where, true) },
  });
  const boxes: Box[] = [trigger];
  const meant = readAction(pen, action, text(more['channel']));
  const consent = meant.kind === 'send' ? pen.consent([...place, 'consent'], meant.channel) : undefined;
  if (consent) boxes.push(consent);
  const step = slug(action) || 'action';
  boxes.push(actionBox(pen, meant, more, { place: [...place, 'send'], step }));
  boxes.slice(1).forEach((box, index) => {
    const from = boxes[index];
    if (from) wire(from, 0, box);
  });
  const heading = commentBox(pen.id(...place, 'comment'), `When somebody does "${event}"`);
  return { heading, head: [trigger], branches: [[boxes.slice(1)]] };
}
