import type { Marketing } from '../../lib';
import { messageOf } from '../../lib/errors';
import { Batcher } from '../../lib/ledger';
import type { Decision, Journey, LeadView } from '../../lib/types';
import type { Badge } from './badge';
import { shortCount } from './texts';
import { addDecision, leadOf } from './journey';
import type { FlowMessage, NodeKit } from './node';
import { useStore, type StoreAccess } from './store-node';

/** Somebody who is to be decided about. */
export interface Candidate {
  readonly journey: Journey;
  readonly lead: LeadView;
  readonly msg: FlowMessage;
}

/** What was decided about one person. */
export interface Verdict {
  readonly port: number;
  readonly decision: Decision;
  /** Why the way ends when nothing is wired to the output. */
  readonly endReason: string;
  /** The way ends here, whatever is wired: this branch, or (with the goal's name) the whole enrollment. */
  readonly ends?: 'branch' | { readonly goal: string };
}

/** What a kind of switch does. */
export interface SwitchBehaviour {
  /** Decides about people who arrived together: one verdict or error for each, in their order. */
  decide(marketing: Marketing, people: readonly Candidate[]): Promise<readonly (Verdict | Error)[]>;
  /** Rejects when it cannot decide as things stand. Asked after each deploy. */
  verify?(marketing: Marketing): Promise<void>;
  /** The badge for its counts, by output: the first one, and all others. Default: "… yes, … no". */
  shown?(counts: { readonly yes: number; readonly no: number }): Badge;
  /** The badge for what `verify` and `decide` throw; undefined for what concerns one person only. */
  badgeOf?(error: unknown): Badge | undefined;
}

/** People decided about with one statement at most. */
const GROUP = 500;

/**
 * A switch node: decides about everybody who arrives in the same moment together, notes the decision on the trail and
 * passes people on at once. Where an output is not wired the way ends, with the decision as the reason.
 */
export function startSwitch(kit: NodeKit, behaviour: SwitchBehaviour): StoreAccess {
  const { decide, verify, badgeOf } = behaviour;
  const counts = { yes: 0, no: 0 };
  const shown = (): Badge =>
    behaviour.shown?.(counts) ?? {
      fill: 'green',
      text: 'decided',
      values: { yes: shortCount(counts.yes), no: shortCount(counts.no) },
    };
  const watched = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const result = await work;
      kit.badge.fault(undefined);
      return result;
    } catch (error) {
      const badge = badgeOf?.(error);
      if (badge) kit.badge.fault(badge);
      throw error;
    }
  };
  let told = '';
  const store = useStore(kit, {
    onDeployed: () => undefined,
    ...(verify
      ? {
          verify: (marketing: Marketing) =>
            watched(verify(marketing)).catch((error: unknown) => {
              if (messageOf(error) !== told) kit.error(error);
              told = messageOf(error);
              throw error;
            }),
        }
      : {}),
  });
  kit.badge.show({ fill: 'grey', text: 'idle' });
  const decisions = new Batcher<Candidate, Verdict>(
    async (people) => [...(await watched(store.marketing().then((marketing) => decide(marketing, people))))],
    GROUP,
  );
  kit.onInput(async (msg, send) => {
    const marketing = await store.marketing();
    const journey = store.journey(msg);
    const { port, decision, endReason, ends } = await decisions.add({ journey, lead: leadOf(msg), msg });
    if (port === 0) counts.yes += 1;
    else counts.no += 1;
    kit.badge.show(shown);
    if (typeof ends === 'object') return marketing.ledger.reach(journey, ends.goal, decision, kit.id);
    const wired = ends === undefined && kit.wired(port);
    if (wired) {
      addDecision(msg, journey, decision);
      send(port, msg);
    }
    if (!wired || !store.leadsOn(port)) await marketing.ledger.end(journey, endReason, decision, kit.id);
  });
  return store;
}
