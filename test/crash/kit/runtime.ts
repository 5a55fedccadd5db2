/**
 * A real runtime, to be killed: trigger → (delay →) send over SMTP, put together as the nodes do it.
 * Program: gets its {@link RuntimeOrder} as its only argument and tells its parent how it fares.
 */
import { type SystemClock } from '../../../lib/clock';
import type { Person, StationHandle, StationWork } from '../../../lib/ledger';
import type { Marketing } from '../../../lib/marketing';
import { obey, tell, toldLog, watchProgress } from './telling';
import { DEFINITION, type RuntimeOrder } from './words';

async function main(order: RuntimeOrder): Promise<void> {
  const { openMarketing } = require(order.marketing) as typeof import('../../../lib/marketing');
  const { createSmtpAccount } = require(order.channels) as typeof import('../../../lib/channels');
  const { SystemClock: Base } = require(order.clock) as typeof import('../../../lib/clock');
  const clock = clockAhead(Base, order.aheadMs ?? 0);
  const marketing = await openMarketing({
    database: { url: order.database },
    clock,
    logger: toldLog,
    migrate: false,
    signingSecret: 'a secret for tests only, long enough',
    ...(order.leaseMs === undefined ? {} : { leaseMs: order.leaseMs }),
    ...(order.sweepMs === undefined ? {} : { sweepMs: order.sweepMs }),
  });
  if (order.slowPagesMs !== undefined) slowDownPages(marketing, order.slowPagesMs);
  const account = createSmtpAccount(
    {
      host: '127.0.0.1',
      port: order.smtpPort,
      security: 'none',
      connections: order.connections ?? 5,
      ...(order.capacity === undefined ? {} : { capacity: order.capacity }),
    },
    clock,
  );
  const send = marketing.sendStation({
    account,
    content: {
      channel: 'email',
      email: {
        from: { address: 'news@example.org' },
        subject: 'Hello {{ lead.name }}',
        text: 'Hello {{ lead.name }}, this is for you.',
      },
    },
  });
  await deploy(marketing, order);
  await attach(marketing, order, order.poisonLead === undefined ? send : poisoned(send, order.poisonLead));
  tell({ type: 'ready', inFlightBound: send.inFlightBound });
  watchProgress(marketing);
  obey(async () => {
    await marketing.close();
    await account.close(5_000);
  });
}

/** The class must be the one that the library itself uses: it looks whether time is the machine's. */
function clockAhead(Base: typeof SystemClock, ms: number): SystemClock {
  class ClockAhead extends Base {
    override now(): number {
      return super.now() + ms;
    }
  }
  return new ClockAhead();
}

async function deploy(marketing: Marketing, order: RuntimeOrder): Promise<void> {
  const stations = order.waitMs === undefined ? ['start', 'mail'] : ['start', 'wait', 'mail'];
  const kinds: Readonly<Record<string, string>> = { start: 'trigger', wait: 'delay', mail: 'send' };
  await marketing.definitions.deploy('flow', [
    {
      key: DEFINITION,
      name: 'Journey',
      entry: 'start',
      entryMode: 'launch',
      onUnknown: order.policy,
      stations: stations.map((step) => ({
        step,
        kind: kinds[step] ?? '',
        node: `node-${step}`,
        hash: step,
        forks: false,
      })),
      body: stations,
    },
  ]);
}

async function attach(marketing: Marketing, order: RuntimeOrder, send: StationWork): Promise<void> {
  const { ledger, clock } = marketing;
  let released = 0;
  const onward =
    (to: () => StationHandle, wait = 0) =>
    (_port: number, people: Person[]) => {
      released += people.length;
      tell({ type: 'released', people: released });
      if (order.dropWires) return;
      for (const { journey } of people) {
        // A turn of the event loop later, as over a wire between nodes.
        setImmediate(() => {
          to()
            .arrive({ journey, ...(wait > 0 ? { dueAt: clock.now() + wait } : {}) })
            .catch((error: unknown) =>
              tell({ type: 'log', level: 'error', text: `arriving failed: ${String(error)}` }),
            );
        });
      }
    };
  const mail = await ledger.attach({
    definition: DEFINITION,
    step: 'mail',
    kind: 'send',
    wired: () => false,
    emit: () => undefined,
    work: send,
  });
  let next = mail;
  if (order.waitMs !== undefined) {
    next = await ledger.attach({
      definition: DEFINITION,
      step: 'wait',
      kind: 'delay',
      wired: () => true,
      emit: onward(() => mail),
    });
  }
  await ledger.attach({
    definition: DEFINITION,
    step: 'start',
    kind: 'trigger',
    wired: () => true,
    emit: onward(() => next, order.waitMs),
  });
}

/** Work that ends the process as soon as it is given one particular lead. */
function poisoned(send: StationWork, lead: number): StationWork {
  return {
    room: () => send.room(),
    close: () => send.close(),
    take: (steps, station) => {
      if (steps.some((step) => step.lead === lead)) {
        tell({ type: 'poisoned' });
        process.kill(process.pid, 'SIGKILL');
      }
      send.take(steps, station);
    },
  };
}

/** Finding a page of an audience is read in the background: so long that a kill finds the audience half written. */
function slowDownPages(marketing: Marketing, ms: number): void {
  const { scope } = marketing;
  const background = scope.background.bind(scope);
  scope.background = async (work) => {
    const found = await background(work);
    tell({ type: 'page' });
    await marketing.clock.sleep(ms);
    return found;
  };
}

void main(JSON.parse(process.argv[2] ?? '{}') as RuntimeOrder);
