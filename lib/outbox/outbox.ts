import { messageOf } from '../errors';
import type { Scope } from '../store';
import { listenersOf } from './listeners';
import { checkPatterns } from './patterns';
import { FlowReader, forgetNode, type FlowSubscription } from './reader';
import type { Listener } from './types';

/** What programs and flows in this process are told of. */
export class Outbox {
  private readonly unhear: () => void;

  constructor(
    private readonly scope: Scope,
    deps: { readonly log?: { warn(text: string): void } } = {},
  ) {
    this.unhear = listenersOf(scope).onError((error) => deps.log?.warn(`A listener failed: ${messageOf(error)}`));
  }

  /**
   * Hears, in this process, of everything that one of the patterns names, after its commit. Nothing is kept for a listener:
   * what happens while it is not there, or in another process, it never hears; see {@link read}. What it throws is logged.
   * @returns what ends it
   * @throws InputError `E_EVENT_PATTERN`
   */
  on(patterns: string | readonly string[], listener: Listener): () => void {
    return listenersOf(this.scope).on(checkPatterns(typeof patterns === 'string' ? [patterns] : patterns), listener);
  }

  /** Reads events for a flow, whoever announced them and whether or not the flow was running then. Throws as {@link FlowReader.open}. */
  read(flow: FlowSubscription): Promise<FlowReader> {
    return FlowReader.open(this.scope, flow);
  }

  /** Removes what is kept for a node that does not {@link read} any more. */
  forget(node: string): Promise<void> {
    return this.scope.transaction((tx) => forgetNode(tx, node));
  }

  /** No listener's error is logged any more. */
  close(): void {
    this.unhear();
  }
}
