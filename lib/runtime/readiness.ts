import type { Clock } from '../clock';
import { MarketingError } from '../errors';
import type { HealthReport } from '../http';
import type { EmbeddedNodeRed } from './node-red';
import type { StoreWatch } from './stores';

type Phase = 'starting' | 'running' | 'stuck' | 'stopping';

interface RuntimeEvent {
  id?: string;
  payload?: { state?: string; error?: string; types?: readonly string[] };
}

const POLL_MS = 50;

/** Knows whether the flows run and their stores are open, from Node-RED's events and from the stores themselves. */
export class Readiness {
  private phase: Phase = 'starting';
  private stuckBecause = '';
  private readonly startedAt: number;

  constructor(private readonly clock: Clock) {
    this.startedAt = clock.monotonic();
  }

  /** Listens to Node-RED. `RED.start()` resolves before flows run, and with missing node types they never do. */
  watch(nodeRed: EmbeddedNodeRed): void {
    nodeRed.events.on('flows:started', () => this.become('running'));
    nodeRed.events.on('flows:stopped', () => this.become('starting'));
    nodeRed.events.on('runtime-event', (event: RuntimeEvent) => {
      if (event.id !== 'runtime-state' || !event.payload?.error) return;
      const { error, types = [] } = event.payload;
      this.stuckBecause =
        error === 'missing-types'
          ? `The flows use node types that are not installed: ${types.join(', ')}. Install their packages in the user directory.`
          : `The flows cannot start: ${error}.`;
      this.become('stuck');
    });
  }

  stopping(): void {
    this.phase = 'stopping';
  }

  async report(stores: StoreWatch): Promise<HealthReport> {
    const found = this.phase === 'running' ? await stores.check() : { reasons: [], stores: [] };
    const reasons = [...this.reasons(), ...found.reasons];
    return {
      ok: reasons.length === 0,
      reasons,
      facts: {
        phase: this.phase,
        uptimeSeconds: Math.round((this.clock.monotonic() - this.startedAt) / 1000),
        stores: found.stores,
      },
    };
  }

  async whenReady(stores: StoreWatch, ms: number): Promise<void> {
    const deadline = this.clock.monotonic() + ms;
    for (;;) {
      const { ok, reasons } = await this.report(stores);
      if (ok) return;
      if (this.phase === 'stuck' || this.phase === 'stopping' || this.clock.monotonic() >= deadline) {
        throw new MarketingError('E_NOT_READY', `The runtime is not ready: ${reasons.join(' ')}`, { retryable: true });
      }
      await this.clock.sleep(POLL_MS);
    }
  }

  private become(phase: Phase): void {
    if (this.phase !== 'stopping') this.phase = phase;
  }

  private reasons(): string[] {
    switch (this.phase) {
      case 'starting':
        return ['The flows have not started yet.'];
      case 'stuck':
        return [this.stuckBecause];
      case 'stopping':
        return ['The runtime is stopping.'];
      case 'running':
        return [];
    }
  }
}
