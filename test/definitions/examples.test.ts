import assert from 'node:assert/strict';
import { compileGuard, dataValidator, readDocument, type ReadDefinition } from '../../lib/definitions';
import { LEVEL_1, LEVEL_2, LEVEL_3, PHASE_1, PHASE_2, PHASE_3 } from './texts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('definitions: the JSON of the requirement texts', () => {
  it('phase 1: a campaign of a model’s configuration is a document once it has an id', () => {
    const read = readDocument({ id: 'product_launch', ...PHASE_1.campaigns.product_launch });
    assert.equal(read.name, 'Product Launch Campaign');
    assert.deepEqual(
      read.channels.map(({ name }) => name),
      ['email', 'social'],
    );
    assert.deepEqual(read.roi, { budget: 5000, breachActions: [] });
    assert.equal(read.journeyless, false);
  });

  describe('phase 2', () => {
    let read: ReadDefinition;
    before(() => (read = readDocument(PHASE_2)));

    it('has its key, name, version, stages and transitions', () => {
      assert.deepEqual(
        { key: read.key, name: read.name, version: read.version },
        { key: 'email-drip-sequence', name: 'Welcome Drip Campaign', version: '1.0.0' },
      );
      assert.deepEqual(
        read.stages?.map(({ name, state }) => `${name} = ${state}`),
        ['queued = queued', 'active = active', 'paused = paused', 'completed = completed', 'cancelled = cancelled'],
      );
      assert.deepEqual(read.transitions, {
        activate: { from: ['queued'], to: 'active', condition: 'data.subscription_date <= today()' },
        complete: { from: ['active'], to: 'completed', condition: 'data.emails_sent >= 5' },
      });
    });

    it('has its sequence, with what is sent and after how long', () => {
      assert.deepEqual(
        read.sequence.map(({ action, channel, delayMs, template }) => ({ action, channel, delayMs, template })),
        [
          { action: 'send', channel: 'email', delayMs: HOUR, template: 'welcome-1' },
          { action: 'send', channel: 'email', delayMs: 2 * DAY, template: 'welcome-2' },
          { action: 'send', channel: 'email', delayMs: 5 * DAY, template: 'welcome-3' },
        ],
      );
      assert.deepEqual(read.channels, [
        { name: 'email', enabled: true, provider: 'smtp', template: 'welcome-series', more: {} },
      ]);
    });

    it('asks for its data', () => {
      const validate = dataValidator(PHASE_2.dataSchema);
      const data = {
        subscriber_email: 'ada@example.org',
        subscriber_name: 'Ada',
        subscription_date: '2026-01-31',
      };
      assert.deepEqual(validate({ ...data, emails_sent: 2 }), { ...data, emails_sent: 2 });
      assert.throws(() => validate({ ...data, subscriber_name: undefined }), {
        code: 'E_CAMPAIGN_DATA',
        details: { problems: [{ path: '/subscriber_name', message: 'This is missing.' }] },
      });
    });

    it('opens its transitions when their conditions are met', () => {
      const [activate, complete] = [read.transitions['activate'], read.transitions['complete']].map((transition) =>
        compileGuard(transition?.condition ?? '', PHASE_2.dataSchema),
      );
      const now = Date.UTC(2026, 0, 31, 15);
      const on = (subscription_date: string): boolean | undefined =>
        activate?.test({ campaign: {}, data: { subscription_date }, now });
      assert.equal(on('2026-01-31'), true);
      assert.equal(on('2026-02-01'), false);
      assert.deepEqual(complete?.facts, ['emails_sent']);
      assert.equal(complete?.test({ campaign: {}, data: {}, facts: { emails_sent: 5 }, now }), true);
      assert.equal(complete?.test({ campaign: {}, data: {}, facts: { emails_sent: 4 }, now }), false);
    });
  });

  it('phase 3: targeting, channels by priority, escalation, triggers, ROI and compliance', () => {
    const read = readDocument(PHASE_3);
    assert.deepEqual(read.targeting, { condition: PHASE_3.targeting?.segment });
    assert.deepEqual(
      read.channels.map(({ name, priority, url }) => ({ name, priority, url })),
      [
        { name: 'email', priority: 1, url: undefined },
        { name: 'sms', priority: 2, url: undefined },
        { name: 'webhook', priority: undefined, url: 'https://api.example.com/notify' },
      ],
    );
    assert.deepEqual(read.escalation, [
      { afterMs: DAY, condition: 'data.engagement_rate < 0.1', action: 'reassign_to_manager' },
    ]);
    assert.deepEqual(read.triggers, [
      { event: 'lead_score_increased', condition: 'data.lead_score >= 80', action: 'send_to_sales_team', more: {} },
    ]);
    assert.deepEqual(read.roi, {
      budget: 10_000,
      targetRevenue: 50_000,
      threshold: 2,
      breachActions: ['pause', 'alert'],
    });
    assert.deepEqual(read.compliance, { gdpr: true, consentRequired: true, retentionDays: 365 });
  });

  it('phase 3: attributes of leads are checked where they are known', () => {
    const attributes = { industry: 'string' } as const;
    assert.equal(readDocument(PHASE_3, { attributes }).key, 'enterprise-campaign');
    assert.throws(() => readDocument(PHASE_3, { attributes: {} }), {
      details: {
        problems: [
          {
            path: '/targeting/segment/conditions/1/field',
            message: 'There is no field "industry". Declare it first, or correct the name.',
          },
        ],
      },
    });
  });

  it('level 1: the entity’s fields are data of any type', () => {
    const read = readDocument({ id: 'product', ...LEVEL_1 });
    assert.deepEqual(read.fields, [
      { name: 'name', type: 'any', required: false },
      { name: 'budget', type: 'any', required: false },
    ]);
    assert.equal(read.journeyless, true);
    const guard = compileGuard('data.budget > 0', read.fields);
    assert.equal(guard.test({ campaign: {}, data: { name: 'Summer Sale', budget: 1000 }, now: 0 }), true);
  });

  it('level 2: label, stages of its own, and a condition on a field that nobody has declared', () => {
    const read = readDocument(LEVEL_2);
    assert.equal(read.name, 'Promotion Funnel');
    assert.deepEqual(read.stages, [
      { name: 'plan', state: 'draft' },
      { name: 'active', state: 'active' },
      { name: 'closed', state: 'completed' },
    ]);
    assert.deepEqual(read.transitions, {
      activate: { from: ['plan'], to: 'active', condition: 'data.segment > 100' },
    });
    assert.equal(read.journeyless, true);
    const guard = compileGuard('data.segment > 100', LEVEL_2.dataSchema);
    const holds = (data: Record<string, unknown>): boolean => guard.test({ campaign: {}, data, now: 0 });
    assert.deepEqual([{ segment: 101 }, { segment: 100 }, { segment: '101' }, {}].map(holds), [
      true,
      false,
      false,
      false,
    ]);
  });

  it('level 3: an entity’s automation is the definition’s', () => {
    const read = readDocument(LEVEL_3);
    assert.equal(read.name, 'enterprise-sm');
    assert.deepEqual(read.escalation, [{ afterMs: DAY, action: 'optimize' }]);
    assert.deepEqual(read.roi, { threshold: 2, breachActions: [] });
  });

  it('keeps a copy that nobody can change from outside', () => {
    const written = structuredClone(PHASE_2) as { name: string };
    const read = readDocument(written);
    written.name = 'changed';
    assert.deepEqual(read.document, PHASE_2);
  });

  it('takes other spellings: lists of stages, one action from several stages, durations, thresholds', () => {
    const read = readDocument({
      id: 'more',
      version: 3,
      stages: ['idea', { name: 'in the air', state: 'active' }, 'wrap-up', 'archive'],
      transitions: { go: { from: ['idea', 'wrap-up'], to: 'in the air' } },
      channels: { sms: {}, email: { priority: 5, account: 'Main', tone: 'friendly' } },
      targeting: { segment: 'early_adopters', condition: 'lead.score > 5' },
      automation: {
        sequence: [
          { action: 'wait', delay: '30 min' },
          { action: 'send', channel: 'sms', text: 'Hi', delay: '0' },
          { action: 'end', condition: [{ field: 'lead.city', operator: 'exists' }] },
        ],
      },
      roi: { threshold: '150%', breach_action: 'alert' },
    });
    assert.equal(read.version, '3');
    assert.deepEqual(
      read.stages?.map(({ state }) => state),
      ['draft', 'active', 'active', 'completed'],
    );
    assert.deepEqual(read.channels, [
      { name: 'email', enabled: true, priority: 5, account: 'Main', more: { tone: 'friendly' } },
      { name: 'sms', enabled: true, more: {} },
    ]);
    assert.deepEqual(read.targeting, { segment: 'early_adopters', condition: 'lead.score > 5' });
    assert.deepEqual(
      read.sequence.map(({ action, delayMs }) => `${action} ${delayMs}`),
      [`wait ${HOUR / 2}`, 'send 0', 'end 0'],
    );
    assert.equal(read.roi.threshold, 1.5);
  });
});
