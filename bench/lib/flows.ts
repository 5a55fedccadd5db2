/** The flows that the benches run in a real Node-RED, written as the editor would export them. */
import { FROM, HTML, SUBJECT, TEXT } from './mail';

type FlowNode = Readonly<Record<string, unknown>>;

/** The definition key of every flow here. */
export const DEFINITION = 'bench';

/** The saved segment that {@link sendFlow} asks for, and its condition: everybody whom `makePeople` makes up meets it. */
export const SEGMENT = 'customers';
export const CONDITION = 'lead.age >= 18 and lead.plan in ["basic", "pro", "team", "free"]';

const TAB = { id: 'tab', type: 'tab', label: 'Bench', disabled: false, info: '' };
const STORE = {
  ...{
    id: 'store',
    type: 'marketing-store',
    configVersion: 1,
    name: 'Store',
    databaseUrl: '${MARKETING_DATABASE_URL}',
    timersUrl: '',
  },
  ...{ tenant: 'default', baseUrl: 'https://news.shop.example', httpPath: '/marketing' },
};

function node(id: string, type: string, wires: readonly (readonly string[])[], config: FlowNode): FlowNode {
  return {
    id,
    type: `marketing-${type}`,
    z: 'tab',
    configVersion: 1,
    name: id,
    store: 'store',
    x: 100,
    y: 100,
    wires,
    ...config,
  };
}

function account(port: number, connections: number): FlowNode {
  return {
    ...{
      id: 'account',
      type: 'marketing-account',
      configVersion: 1,
      name: 'Sink',
      channel: 'smtp',
      host: '127.0.0.1',
      port: String(port),
    },
    ...{
      security: 'none',
      user: '',
      fromName: FROM.name,
      fromAddress: FROM.address,
      replyTo: '',
      connections: String(connections),
    },
    ...{ rate: '0', ratePer: 'second', allowPrivate: false, timeoutSeconds: '10' },
  };
}

const CONTENT = {
  ...{
    account: 'account',
    subject: SUBJECT,
    html: HTML,
    text: TEXT,
    from: '',
    fromName: '',
    replyTo: '',
    onUnknown: '',
    maxAttempts: '5',
  },
  ...{ method: 'POST', url: '', headers: [], payload: '' },
};

const TRIGGER = {
  mode: 'launch',
  audience: 'everybody',
  segment: '',
  event: '',
  unknownPolicy: 'hold',
  definition: DEFINITION,
};

/** trigger → segment → consent → send. */
export function sendFlow({ port, connections }: { port: number; connections: number }): FlowNode[] {
  return [
    TAB,
    STORE,
    account(port, connections),
    node('enter', 'trigger', [['members']], { ...TRIGGER, step: 'enter' }),
    node('members', 'segment', [['allowed'], []], { mode: 'saved', segment: SEGMENT, condition: '' }),
    node('allowed', 'consent', [['mail'], []], {
      ...{ channel: 'email', checkSuppression: true, checkOptOut: true, requireConsent: 'eu', unknownCountry: 'block' },
    }),
    node('mail', 'send', [[], [], []], { ...CONTENT, step: 'mail' }),
  ];
}

/** The static segment that {@link delayFlow} is launched for: one person, who shows how a row of somebody who waits looks. */
export const PIONEER = 'pioneer';

/**
 * trigger → delay "wait" → delay "stay". Who arrives at the first waits until a moment that never comes, so that the bench decides by
 * the rows when they are due; the second takes over whoever goes on, and keeps them.
 */
export function delayFlow(): FlowNode[] {
  const never = {
    mode: 'until',
    amount: '1',
    unit: 'days',
    until: '2099-01-01T00:00:00Z',
    untilType: 'str',
    onChange: 'keep',
  };
  return [
    TAB,
    STORE,
    node('enter', 'trigger', [['wait']], { ...TRIGGER, audience: 'segment', segment: PIONEER, step: 'enter' }),
    node('wait', 'delay', [['stay']], { ...never, step: 'wait' }),
    node('stay', 'delay', [[]], { ...never, step: 'stay' }),
  ];
}

/** trigger on an event → send. */
export function eventFlow({
  port,
  connections,
  event,
}: {
  port: number;
  connections: number;
  event: string;
}): FlowNode[] {
  return [
    TAB,
    STORE,
    account(port, connections),
    node('enter', 'trigger', [['mail']], { ...TRIGGER, mode: 'event', event, step: 'enter' }),
    node('mail', 'send', [[], [], []], { ...CONTENT, step: 'mail' }),
  ];
}
