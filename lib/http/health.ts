import { Router } from 'express';

/** Whether the runtime does its work, and if not, why. */
export interface HealthReport {
  readonly ok: boolean;
  /** One sentence each; empty when all is well. */
  readonly reasons: readonly string[];
  /** Facts worth seeing: seconds since the start, stations, timers' lateness … */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** `GET /healthz`: 200 once the flows run and the ledger is open, 503 with the reasons before, after and when something broke. */
export function healthRouter(check: () => Promise<HealthReport>): Router {
  const router = Router();
  router.get('/healthz', async (_request, response) => {
    const report = await check();
    response.status(report.ok ? 200 : 503).set('Cache-Control', 'no-store');
    response.json({ ok: report.ok, ...(report.ok ? {} : { reasons: report.reasons }), ...report.facts });
  });
  return router;
}
