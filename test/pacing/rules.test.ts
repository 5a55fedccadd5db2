import assert from 'node:assert/strict';
import { ianaZone } from '../../lib/calendar';
import { checkSendRules, checkTenantSendRules, effectiveRules, lastOf } from '../../lib/pacing';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('Send rules', () => {
  it('of a campaign go before those of the tenant, field by field; null switches off', () => {
    const tenant = {
      throttle: { perMinute: 10 },
      quietHours: { from: '22:00', to: '08:00' },
      excludeWeekends: true,
      releaseMinutes: 5,
      againAfterHours: 48,
    };
    const own = effectiveRules({ throttle: { perHour: 60 }, quietHours: null, againAfterHours: null }, tenant);
    assert.equal(own.intervalMs, MINUTE);
    assert.deepEqual(own.calendar, { excludeWeekends: true });
    assert.equal(own.releaseMs, 5 * MINUTE);
    assert.equal(own.againAfterMs, 0);
    const none = effectiveRules({}, {});
    assert.equal(none.intervalMs, 0);
    assert.equal(none.calendar, undefined);
    assert.equal(none.againAfterMs, DAY);
    assert.deepEqual(none.caps, [{ messages: 3, days: 7, channel: 'email' }]);
    assert.equal(none.whenCapped, 'skip');
  });

  it('are slow as the slower of minute and hour', () => {
    assert.equal(effectiveRules({ throttle: { perMinute: 600, perHour: 600 } }, {}).intervalMs, 6_000);
    assert.equal(effectiveRules({ throttle: { perMinute: 6, perHour: 600 } }, {}).intervalMs, 10_000);
  });

  it('of transactional messages are the throttles alone', () => {
    const rules = effectiveRules({ category: 'transactional', throttle: { perMinute: 1 } }, { excludeWeekends: true });
    assert.equal(rules.intervalMs, MINUTE);
    assert.equal(rules.calendar, undefined);
    assert.equal(rules.againAfterMs, 0);
    assert.deepEqual(rules.caps, []);
  });

  const wrong: readonly [title: string, rules: unknown, path: string][] = [
    ['no object', 'fast', '/sendRules'],
    ['something unknown', { speed: 1 }, '/sendRules/speed'],
    ['a throttle of nothing', { throttle: { perMinute: 0 } }, '/sendRules/throttle/perMinute'],
    ['a throttle per day', { throttle: { perDay: 10 } }, '/sendRules/throttle/perDay'],
    ['quiet hours all day', { quietHours: { from: '00:00', to: '24:00' } }, '/sendRules'],
    ['a category with capitals', { category: 'News' }, '/sendRules/category'],
    ['what only a tenant has', { caps: [] }, '/sendRules/caps'],
    ['a release of a week', { releaseMinutes: 10_080 }, '/sendRules/releaseMinutes'],
    ['an unknown word', { whenCapped: 'forget' }, '/sendRules/whenCapped'],
  ];
  for (const [title, rules, path] of wrong) {
    it(`are refused for ${title}`, () => {
      assert.ok(
        checkSendRules(rules, '/sendRules').some((problem) => problem.path === path),
        JSON.stringify(checkSendRules(rules, '/sendRules')),
      );
    });
  }

  it('of a tenant are looked at in every part', () => {
    const paths = checkTenantSendRules({
      timeZone: '+02:00',
      caps: [{ messages: 0, days: 0, channel: 'E-Mail', category: 'transactional', per: 'week' }],
      channels: { 'E-Mail': {}, email: { perMinute: 'many' } },
      accounts: { '': {} },
      total: { perHour: -1 },
      category: 'marketing',
    }).map(({ path }) => path);
    assert.deepEqual(paths.sort(), [
      '/accounts/',
      '/caps/0/category',
      '/caps/0/channel',
      '/caps/0/days',
      '/caps/0/messages',
      '/caps/0/per',
      '/category',
      '/channels/E-Mail',
      '/channels/email/perMinute',
      '/timeZone',
      '/total/perHour',
    ]);
    assert.deepEqual(checkTenantSendRules({ quietHours: null, caps: [], channels: { sms: { perMinute: 3 } } }), []);
  });
});

describe('When the last message leaves', () => {
  const berlin = ianaZone('Europe/Berlin');
  const york = ianaZone('America/New_York');
  if (!berlin || !york) throw new Error('No zones');
  const noon = Date.UTC(2026, 5, 17, 10);
  const reckon = { now: noon, intervalMs: 1_000, calendar: undefined, releaseMs: 30 * MINUTE };

  it('is so many intervals ahead', () => {
    assert.equal(lastOf([{ zone: berlin, people: 600 }], reckon), noon + 10 * MINUTE);
  });

  it('goes on the next day where the window ends', () => {
    const calendar = { window: { from: '09:00', to: '13:00' } };
    // An hour is left today, and one is needed tomorrow.
    const last = lastOf([{ zone: berlin, people: 7_200 }], { ...reckon, calendar });
    assert.equal(last, Date.UTC(2026, 5, 18, 8));
  });

  it('waits for the last zone to open, and for those who were held to be released', () => {
    const calendar = { window: { from: '09:00', to: '18:00' } };
    const groups = [
      { zone: berlin, people: 60 },
      { zone: york, people: 60 },
    ];
    assert.equal(lastOf(groups, { ...reckon, calendar }), Date.UTC(2026, 5, 17, 13, 30));
  });

  it('is unknown beyond a year', () => {
    assert.equal(lastOf([{ zone: berlin, people: 10 }], { ...reckon, intervalMs: 60 * DAY }), undefined);
  });
});
