import type { NodeStatus } from 'node-red';
import type { Clock } from '../../lib/clock';
import { statusText, type StatusText, type Translate } from './texts';

/** What the badge under a node says. */
export interface Badge {
  /** grey idle, blue working, yellow waiting or held, green done, red something is wrong. */
  readonly fill: 'grey' | 'blue' | 'yellow' | 'green' | 'red';
  readonly shape?: 'dot' | 'ring';
  readonly text: StatusText;
  readonly values?: Readonly<Record<string, string>>;
}

/** The badge of one node. Layers: what is wrong hides what is held up, which hides the counts. */
export interface BadgeBoard {
  /** Says that the node itself is not usable. Stays until it is restarted. */
  broken(badge: Badge): void;
  /** Says that the node's configuration is not usable, unless something more precise has been said. */
  invalid(): void;
  /** Sets or (undefined) clears what is wrong around it. */
  trouble(badge: Badge | undefined): void;
  /** Sets or clears what keeps the node from deciding: an unknown segment, a condition with an error. */
  fault(badge: Badge | undefined): void;
  /** Sets or clears what holds the node up: a pause, a server that is down. */
  held(badge: Badge | undefined): void;
  /** Sets what is shown otherwise. May be called for every person: a function is asked only when the badge is drawn. */
  show(badge: Badge | (() => Badge)): void;
  /** Stops updates and leaves the node without a badge. */
  clear(): void;
}

/** At most two updates a second: each goes to every open editor. */
const EVERY_MS = 500;

/** Makes the badge of one node. */
export function createBadge(show: (status: NodeStatus) => void, translate: Translate, clock: Clock): BadgeBoard {
  const layers: {
    broken?: Badge;
    trouble?: Badge | undefined;
    fault?: Badge | undefined;
    held?: Badge | undefined;
    shown?: (() => Badge) | undefined;
  } = {};
  let last = '';
  let cancel: (() => void) | undefined;
  let closed = false;

  const draw = (): void => {
    const badge = layers.broken ?? layers.trouble ?? layers.fault ?? layers.held ?? layers.shown?.();
    const text = badge ? statusText(translate, badge.text, badge.values) : '';
    const status: NodeStatus = badge
      ? { fill: badge.fill, shape: badge.shape ?? (badge.fill === 'red' ? 'ring' : 'dot'), text }
      : {};
    const written = JSON.stringify(status);
    if (written === last) return;
    last = written;
    show(status);
  };
  const soon = (): void => {
    if (closed || cancel) return;
    draw();
    cancel = clock.after(EVERY_MS, () => {
      cancel = undefined;
      if (!closed) draw();
    });
  };
  return {
    broken(badge) {
      layers.broken = badge;
      soon();
    },
    invalid() {
      layers.broken ??= { fill: 'red', text: 'invalid' };
      soon();
    },
    trouble(badge) {
      layers.trouble = badge;
      soon();
    },
    fault(badge) {
      layers.fault = badge;
      soon();
    },
    held(badge) {
      layers.held = badge;
      soon();
    },
    show(badge) {
      layers.shown = typeof badge === 'function' ? badge : () => badge;
      soon();
    },
    clear() {
      closed = true;
      cancel?.();
      show({});
    },
  };
}
