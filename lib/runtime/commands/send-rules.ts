import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { readData } from './campaign-state';

type Action = (context: CommandContext) => Promise<Answer>;

const ACTIONS: Readonly<Record<string, Action>> = { show, set, campaign };

/** How fast and when messages leave. */
export const sendRules: Command = {
  name: 'send-rules',
  summary: 'how fast and when messages leave, and how many one lead gets',
  usage: 'ACTION [KEY] [options]',
  details: `  show                    what the tenant has set
  set --data JSON|@FILE   replaces it; counts from the next message on, for those who wait as well
  campaign KEY [--data JSON|@FILE]
                          a campaign's own rules, which go before the tenant's; without --data, shows them

Rules: throttle {perMinute, perHour}, quietHours {from, to}, window {from, to}, weekdays, excludeWeekends, holidays, releaseMinutes,
againAfterHours, whenCapped; for the tenant also timeZone, caps, channels, accounts, total; for a campaign also category.
See docs/sending-rules.md.`,
  examples: [
    'nexus-marketing send-rules set --data \'{"quietHours":{"from":"22:00","to":"08:00"},"throttle":{"perHour":6000}}\'',
    'nexus-marketing send-rules campaign spring --data \'{"throttle":{"perMinute":100},"excludeWeekends":true}\'',
    'nexus-marketing send-rules show --json',
  ],
  options: { data: { type: 'string' } },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      throw new UsageError(`"${name}" is nothing to do with send rules: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

async function show(context: CommandContext): Promise<Answer> {
  const marketing = await context.marketing();
  return answer(await marketing.sendRules.get(), 'The tenant has set no send rules: the defaults count.');
}

async function set(context: CommandContext): Promise<Answer> {
  const rules = readData(context.text('data'));
  if (rules === undefined) throw new UsageError('--data is missing: give the rules as JSON, or @FILE.');
  const marketing = await context.marketing();
  // What is no rule is refused there, with its place.
  const kept = await marketing.sendRules.set(rules, { actor: context.actor });
  await marketing.sendRules.idle();
  return answer(kept, 'The defaults count.');
}

async function campaign(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const rules = readData(context.text('data'));
  const marketing = await context.marketing();
  const found =
    rules === undefined
      ? await marketing.campaigns.get(key)
      : await marketing.campaigns.update(key, { sendRules: rules }, { actor: context.actor });
  await marketing.sendRules.idle();
  return answer(found.sendRules ?? {}, 'The campaign has no send rules of its own: those of the tenant count.');
}

function answer(rules: object, none: string): Answer {
  return {
    data: rules,
    lines: Object.keys(rules).length === 0 ? [none] : JSON.stringify(rules, null, 2).split('\n'),
  };
}
