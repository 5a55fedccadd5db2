import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { cancel, complete, create, launch, list, pause, resume, show } from './campaign-state';
import { completion, dead, enrollment, move, orphans, reconcile, report, retry, unknown, why } from './campaign-people';

type Action = (context: CommandContext) => Promise<Answer>;

const ACTIONS: Readonly<Record<string, Action>> = {
  ...{ list, show, create, launch, pause, resume, complete, cancel },
  ...{ report, completion, why, enrollment, unknown, reconcile, dead, retry, orphans, move },
};

/** Campaigns: their states, and their people. */
export const campaign: Command = {
  name: 'campaign',
  summary: 'list, create, launch, pause … campaigns; find out what became of people',
  usage: 'ACTION [KEY] [options]',
  details: `States
  list [--state S] [--definition D]
  show KEY
  create KEY --definition D [--name TEXT] [--segment S] [--data JSON|@FILE] [--on-unknown hold|resend]
  launch KEY | pause KEY | resume KEY | complete KEY | cancel KEY   [--reason TEXT]
                          "launch" with a definition's key launches its own campaign, as the trigger's button does
                          launch --approved: a large audience that nobody has approved here (see "approval")
People
  report KEY              where everybody is, and what became of the messages
  completion KEY          when the last message leaves, by throttles, hours and zones
  why KEY LEAD            what happened to one lead (id or e-mail address), and why
  enrollment NUMBER       the same for one enrollment
  unknown KEY             messages of which nobody knows whether they went out
  reconcile KEY --as sent|resend [--step ID …]   decide about those
  dead KEY [--causes]     people who could not be served, with the cause; or how many there are of each cause
  retry KEY [--step ID …] [--cause TEXT]         put those back into the queue, or those of one cause
  orphans                 people at steps that are no longer in the flow
  move --definition D --from STEP --to STEP      move those to another step`,
  examples: [
    'nexus-marketing campaign create spring --definition welcome --segment newsletter --data \'{"subject":"Spring"}\'',
    'nexus-marketing campaign launch spring',
    'nexus-marketing campaign report spring --json',
    'nexus-marketing campaign why spring ada@example.org',
  ],
  options: {
    state: { type: 'string' },
    definition: { type: 'string' },
    name: { type: 'string' },
    segment: { type: 'string' },
    data: { type: 'string' },
    'on-unknown': { type: 'string' },
    reason: { type: 'string' },
    approved: { type: 'boolean' },
    as: { type: 'string' },
    step: { type: 'string', multiple: true },
    causes: { type: 'boolean' },
    cause: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
  },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      throw new UsageError(`"${name}" is nothing to do with a campaign: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};
