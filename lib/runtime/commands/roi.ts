import { BREACH_ACTIONS, type BreachAction, type RoiReport } from '../../governance';
import { UsageError, type Answer, type Command, type CommandContext } from '../command';
import { table } from '../screen';

type Action = (context: CommandContext) => Promise<Answer>;

/** The money of campaigns. */
export const roi: Command = {
  name: 'roi',
  summary: 'budgets, costs and returns of campaigns; prices of messages',
  usage: 'ACTION [KEY] [options]',
  details: `  show KEY                how its money stands
  set KEY                 what is wanted of it  [--target 50000] [--threshold 2] [--breach pause,alert]
                          what is not given is what the definition says
  budget KEY AMOUNT       its budget; while it is a draft, or paused
  cost KEY AMOUNT --label TEXT [--ref TEXT]   enters a cost; the same ref twice is entered once
  costs KEY               the latest costs besides messages
  prices                  what one message costs, by channel
  price CHANNEL AMOUNT    sets it (--account: CHANNEL is the key of an account)
  check                   looks at all campaigns now, announces and escalates what is new

Without money for a message: pause, complete or cancel stop the campaign; route lets people go on through "suppressed"; with
none of these, messages go on and it is only announced.`,
  examples: [
    'nexus-marketing roi price email 0.0005',
    'nexus-marketing roi budget spring 500',
    'nexus-marketing roi cost spring 120 --label Photographs --ref invoice-17',
    'nexus-marketing roi show spring --json',
  ],
  options: {
    target: { type: 'string' },
    threshold: { type: 'string' },
    breach: { type: 'string' },
    label: { type: 'string' },
    ref: { type: 'string' },
    account: { type: 'boolean' },
  },
  run(context) {
    const name = context.word(0, 'ACTION');
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action) throw new UsageError(`"${name}" is nothing to do with money: use ${Object.keys(ACTIONS).join(', ')}.`);
    return action(context);
  },
};

async function show(context: CommandContext): Promise<Answer> {
  const { roi: service } = await context.marketing();
  return answer(await service.report(context.word(1, 'KEY'), by(context)));
}

async function set(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const [target, threshold, breach] = ['target', 'threshold', 'breach'].map((option) => context.text(option));
  const rules = {
    ...(target === undefined ? {} : { targetRevenue: amount(target, '--target') }),
    ...(threshold === undefined ? {} : { threshold: amount(threshold.replace(/x$/i, ''), '--threshold') }),
    ...(breach === undefined ? {} : { breach: actionsOf(breach) }),
  };
  const { roi: service } = await context.marketing();
  return answer(await service.setRules(key, rules, by(context)));
}

async function budget(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const units = amount(context.word(2, 'AMOUNT'), 'AMOUNT');
  const { roi: service, campaigns } = await context.marketing();
  await campaigns.update(key, { budget: units }, by(context));
  return answer(await service.report(key, by(context)));
}

async function cost(context: CommandContext): Promise<Answer> {
  const key = context.word(1, 'KEY');
  const units = amount(context.word(2, 'AMOUNT'), 'AMOUNT');
  const label = context.text('label');
  if (label === undefined) throw new UsageError('Say what it is for: --label TEXT.');
  const ref = context.text('ref');
  const { roi: service } = await context.marketing();
  const added = await service.addCost(
    key,
    { label, amount: units, ...(ref === undefined ? {} : { ref }) },
    by(context),
  );
  return { data: added, lines: [`${added.label}: ${added.amount} entered as cost ${added.id} of "${key}".`] };
}

async function costs(context: CommandContext): Promise<Answer> {
  const { roi: service } = await context.marketing();
  const all = await service.costs(context.word(1, 'KEY'), by(context));
  return {
    data: all,
    lines:
      all.length === 0
        ? ['No costs besides messages.']
        : table(
            ['ID', 'AMOUNT', 'LABEL', 'KIND', 'BY'],
            all.map((one) => [one.id, one.amount, one.label, one.kind, one.createdBy]),
          ),
  };
}

async function prices(context: CommandContext): Promise<Answer> {
  const { roi: service } = await context.marketing();
  const { inForce, accounts = {}, channels = {} } = await service.prices(by(context));
  const rows = [
    ...Object.entries(inForce).map(([name, price]) => [name, price, name in channels ? 'set here' : 'of the channel']),
    ...Object.entries(accounts).map(([name, price]) => [name, price, 'of the account']),
  ];
  return { data: { inForce, channels, accounts }, lines: table(['NAME', 'PRICE', 'FROM'], rows) };
}

async function price(context: CommandContext): Promise<Answer> {
  const name = context.word(1, 'CHANNEL');
  const units = amount(context.word(2, 'AMOUNT'), 'AMOUNT');
  const { roi: service } = await context.marketing();
  const { channels = {}, accounts = {} } = await service.prices(by(context));
  const changed = context.flag('account')
    ? { channels, accounts: { ...accounts, [name]: units } }
    : { channels: { ...channels, [name]: units }, accounts };
  const data = await service.setPrices(changed, by(context));
  return { data, lines: [`One message through ${name} costs ${units} from now on.`] };
}

async function check(context: CommandContext): Promise<Answer> {
  const { roi: service } = await context.marketing();
  const data = await service.check();
  return {
    data,
    lines: [
      `${data.looked} campaigns looked at, ${data.changed} changed, ${data.told} announcements, ${data.low.length} escalated.`,
    ],
  };
}

const ACTIONS: Readonly<Record<string, Action>> = { show, set, budget, cost, costs, prices, price, check };

function by({ actor }: CommandContext): { actor: string } {
  return { actor };
}

function amount(text: string, what: string): number {
  const units = Number(text);
  if (text.trim() !== '' && Number.isFinite(units) && units >= 0) return units;
  throw new UsageError(`${what} is a number from 0, such as 250 or 0.0005.`);
}

function actionsOf(text: string): BreachAction[] {
  const words = text.split(/_and_|\s*,\s*/);
  return words.map((word) => {
    const action = BREACH_ACTIONS.find((known) => known === word);
    if (action) return action;
    throw new UsageError(`There is no breach action "${word}": use ${BREACH_ACTIONS.join(', ')}.`);
  });
}

function answer(report: RoiReport): Answer {
  const { own: _own, campaign: _campaign, key, breach, ...figures } = report;
  const rows = Object.entries({ ...figures, breach: breach.join(' and ') }).map(([name, value]) => [
    name,
    /At$/.test(name) && typeof value === 'number' ? new Date(value).toISOString() : value,
  ]);
  return { data: report, lines: [`Money of "${key}"`, ...table(['', ''], rows)] };
}
