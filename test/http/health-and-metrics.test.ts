import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { healthRouter, metricsRouter, type HealthReport, type TenantFigures } from '../../lib/http';
import { serve, type Served } from './kit';

describe('health', () => {
  let served: Served;
  let report: HealthReport;

  beforeEach(async () => {
    served = await serve(healthRouter(() => Promise.resolve(report)));
  });
  afterEach(() => served.close());

  it('is 200 with the facts when all is well', async () => {
    report = { ok: true, reasons: [], facts: { phase: 'running' } };
    const { status, body } = await served.ask('GET', '/healthz');
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body), { ok: true, phase: 'running' });
  });

  it('is 503 with the reasons when it is not', async () => {
    report = { ok: false, reasons: ['The flows have not started yet.'], facts: { phase: 'starting' } };
    const { status, headers, body } = await served.ask('GET', '/healthz');
    assert.equal(status, 503);
    assert.equal(headers['cache-control'], 'no-store');
    assert.deepEqual(JSON.parse(body), { ok: false, reasons: ['The flows have not started yet.'], phase: 'starting' });
  });
});

describe('metrics', () => {
  let served: Served;
  let clock: VirtualClock;
  let reads: number;
  let figures: TenantFigures[];
  let failure: Error | undefined;
  let reported: unknown[];

  beforeEach(async () => {
    clock = new VirtualClock();
    reads = 0;
    reported = [];
    failure = undefined;
    figures = [
      {
        tenant: 'acme',
        people: { waiting: 12, failed: 1 },
        messages: { sent: 40 },
        timerLatenessMs: 1500,
        breakers: { Newsletter: 'open' },
      },
    ];
    served = await serve(
      metricsRouter({
        clock,
        read: () => {
          reads++;
          return failure ? Promise.reject(failure) : Promise.resolve(figures);
        },
        onError: (error) => reported.push(error),
      }),
    );
  });
  afterEach(() => served.close());

  it('shows people, messages, timers, breakers and the process', async () => {
    const { status, headers, body } = await served.ask('GET', '/metrics');
    assert.equal(status, 200);
    assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(body, /^marketing_people\{tenant="acme",state="waiting"\} 12$/m);
    assert.match(body, /^marketing_messages\{tenant="acme",outcome="sent"\} 40$/m);
    assert.match(body, /^marketing_timer_lateness_seconds\{tenant="acme"\} 1\.5$/m);
    assert.match(body, /^marketing_breaker_open\{tenant="acme",account="Newsletter"\} 1$/m);
    assert.match(body, /^nodejs_eventloop_lag_seconds /m);
    assert.match(body, /^process_resident_memory_bytes /m);
  });

  it('counts at most every five seconds, however often it is asked', async () => {
    await Promise.all([served.ask('GET', '/metrics'), served.ask('GET', '/metrics')]);
    await served.ask('GET', '/metrics');
    assert.equal(reads, 1);
    await clock.advance(5_000);
    await served.ask('GET', '/metrics');
    assert.equal(reads, 2);
  });

  it('forgets what is gone', async () => {
    await served.ask('GET', '/metrics');
    figures = [{ tenant: 'acme', people: { waiting: 11 }, messages: { sent: 41 }, timerLatenessMs: 0, breakers: {} }];
    await clock.advance(5_000);
    const { body } = await served.ask('GET', '/metrics');
    assert.match(body, /state="waiting"\} 11$/m);
    assert.doesNotMatch(body, /state="failed"/);
    assert.doesNotMatch(body, /account="Newsletter"/);
  });

  it('still answers when counting fails', async () => {
    failure = new Error('the database is away');
    const { status, body } = await served.ask('GET', '/metrics');
    assert.equal(status, 200);
    assert.match(body, /process_cpu_seconds_total/);
    assert.deepEqual(reported, [failure]);
  });
});
