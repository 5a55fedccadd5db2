import type { Marketing } from '../../lib';
import { ASK } from '../../lib/ledger';
import type { Arrival } from '../../lib/ledger/types';
import { momentOf, type DelayPlan, type WaitSpec } from '../../lib/waiting';
import { addDecision, leadOf } from '../kit/journey';
import type { DROPPED, FlowMessage, NodeKit } from '../kit/node';
import { evaluate } from '../kit/property';
import { startStation, type StationBehaviour, type StationNode } from '../kit/station';
import { shortCount } from '../kit/texts';
import { planOf, type NodePlan } from './plan';

const SECOND_OUTPUT = 1;

/** Holds people until a moment has come, or until something happens; when they are due at the latest is fixed as they arrive. */
export function startDelay(kit: NodeKit): void {
  const plan = readPlan(kit);
  const station = startStation(kit, {
    badge: ({ waiting }) =>
      waiting > 0
        ? { fill: 'yellow', text: 'waiting', values: { shown: shortCount(waiting) } }
        : { fill: 'grey', text: 'idle' },
    ...behaviourOf(plan),
  });
  // The people who wait here are served even if nobody new can be taken.
  if (plan instanceof Error) throw plan;
  kit.onInput(async (msg) => {
    // The token comes first: a message that carries no person has no time zone to ask for either.
    station.store.journey(msg);
    const marketing = await station.store.marketing();
    return arrive(station, marketing, plan, msg, kit);
  });
}

function readPlan({ config }: NodeKit): NodePlan | Error {
  try {
    return planOf(config);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function behaviourOf(plan: NodePlan | Error): Partial<StationBehaviour> {
  if (plan instanceof Error) return {};
  switch (plan.kind) {
    case 'message':
      return { outputs: 1 };
    case 'moment':
      return plan.whenMissing === 'output' && plan.attribute !== ''
        ? { outputs: 2, portNames: ['released', 'no date'] }
        : { outputs: 1 };
    case 'wait':
      return { outputs: 2, ...waitBehaviour(plan.spec) };
  }
}

function waitBehaviour(spec: WaitSpec): Partial<StationBehaviour> {
  return {
    // What they waited for, for those for whom it has come.
    carries: (outcome) =>
      typeof outcome === 'object' && outcome !== null && 'event' in outcome ? { event: outcome.event } : {},
    arrived: (marketing) => (tx, steps) => marketing.waiting.begin(tx, steps, spec),
    ...(spec.for.kind === 'event' ? {} : { ask: (marketing: Marketing) => (due) => marketing.waiting.timeIsUp(due) }),
    verify: (marketing) => marketing.waiting.verify(spec.for),
  };
}

async function arrive(
  station: StationNode,
  marketing: Marketing,
  plan: NodePlan,
  msg: FlowMessage,
  kit: NodeKit,
): Promise<void | typeof DROPPED> {
  const lead = leadOf(msg);
  const now = kit.clock.now();
  switch (plan.kind) {
    case 'message': {
      const at: unknown = await evaluate(kit, plan.value, plan.type, msg);
      // What is none says so.
      const otherwise = momentOf(at);
      const due: DelayPlan = { until: { kind: 'moment', at }, ...(plan.hold ? { hold: plan.hold } : {}) };
      return station.arrive(msg, (await marketing.waiting.dueOf(due, lead, now)) ?? otherwise);
    }
    case 'wait': {
      const due = (await marketing.waiting.dueOf(plan.patience, lead, now)) ?? now;
      return station.arrive(msg, { dueAt: due, port: plan.spec.for.kind === 'event' ? SECOND_OUTPUT : ASK });
    }
    case 'moment': {
      const due = await marketing.waiting.dueOf(plan.plan, lead, now);
      if (due !== undefined) return station.arrive(msg, due);
      return withoutDate(station, marketing, plan, msg, kit);
    }
  }
}

/** What becomes of somebody who lacks the date, or whose date is none. */
function withoutDate(
  station: StationNode,
  marketing: Marketing,
  { whenMissing, attribute }: NodePlan & { kind: 'moment' },
  msg: FlowMessage,
  kit: NodeKit,
): Promise<void | typeof DROPPED> {
  const journey = station.store.journey(msg);
  const decision = {
    node: kit.title,
    kind: 'delay',
    outcome: whenMissing === 'end' ? 'ended' : 'no date',
    because: `no date in ${attribute}`,
    saw: { [attribute]: seen(leadOf(msg)[attribute]) },
  };
  if (whenMissing === 'end') return marketing.ledger.end(journey, `no date in ${attribute}`, decision);
  addDecision(msg, journey, decision);
  const arrival: Omit<Arrival, 'journey'> = whenMissing === 'output' ? { port: SECOND_OUTPUT } : {};
  return station.arrive(msg, arrival);
}

function seen(value: unknown): unknown {
  if (value === undefined) return null;
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 60) : typeof value;
}
