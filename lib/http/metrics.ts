import { Router } from 'express';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Clock } from '../clock';

/** The figures of one tenant, as counted now. */
export interface TenantFigures {
  readonly tenant: string;
  /** Open steps by state: `waiting`, `working`, `failed`, `unknown`, `orphaned` … */
  readonly people: Readonly<Record<string, number>>;
  /** Messages by outcome: `sent`, `failed`, `suppressed`, `unknown` … */
  readonly messages: Readonly<Record<string, number>>;
  /** How late the most overdue timer is, milliseconds; 0 when none is due. */
  readonly timerLatenessMs: number;
  /** Sending accounts by key, with the state of their circuit breakers. */
  readonly breakers: Readonly<Record<string, 'closed' | 'half-open' | 'open'>>;
}

/** What `/metrics` needs. */
export interface MetricsOptions {
  readonly clock: Clock;
  /** Counts; called at most every few seconds however often somebody scrapes. */
  read(): Promise<readonly TenantFigures[]>;
  /** Told when counting failed; what was counted before is then shown on. */
  onError?(error: unknown): void;
}

/** Counting open steps reads an index of all of them: not for every scrape of every scraper. */
const FRESH_MS = 5_000;

const BREAKER: Readonly<Record<'closed' | 'half-open' | 'open', number>> = { closed: 0, 'half-open': 0.5, open: 1 };

/** `GET /metrics` in the text format of Prometheus: people, messages, timers, breakers; the process and its event loop. */
export function metricsRouter(options: MetricsOptions): Router {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] });
  const people = gauge('marketing_people', 'People at stations, by state of their step.', ['tenant', 'state']);
  const messages = gauge('marketing_messages', 'Messages so far, by outcome.', ['tenant', 'outcome']);
  const lateness = gauge('marketing_timer_lateness_seconds', 'How late the most overdue timer is.', ['tenant']);
  const breakers = gauge(
    'marketing_breaker_open',
    'Circuit breaker of a sending account: 0 closed, 0.5 trying, 1 open.',
    ['tenant', 'account'],
  );

  const fill = (figures: readonly TenantFigures[]): void => {
    for (const metric of [people, messages, lateness, breakers]) metric.reset();
    for (const { tenant, ...figure } of figures) {
      for (const [state, count] of Object.entries(figure.people)) people.set({ tenant, state }, count);
      for (const [outcome, count] of Object.entries(figure.messages)) messages.set({ tenant, outcome }, count);
      lateness.set({ tenant }, figure.timerLatenessMs / 1000);
      for (const [account, state] of Object.entries(figure.breakers)) breakers.set({ tenant, account }, BREAKER[state]);
    }
  };
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;
  const refresh = async (): Promise<void> => {
    try {
      fill(await options.read());
      readAt = options.clock.monotonic();
    } catch (error) {
      options.onError?.(error);
    } finally {
      reading = undefined;
    }
  };

  const router = Router();
  router.get('/metrics', async (_request, response) => {
    if (options.clock.monotonic() - readAt >= FRESH_MS) await (reading ??= refresh());
    const text = await registry.metrics();
    response.set({ 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' }).send(text);
  });
  return router;
}
