import assert from 'node:assert/strict';
import type { CampaignFields, NewCampaign } from '../../lib/campaigns';
import { InputError, MarketingError } from '../../lib/errors';
import { moveMetrics } from '../../lib/metrics';
import { eachDatabase } from '../kit/databases';
import { definition, House, NOON, person } from './house';

const DAY = 86_400_000;

const FULL: CampaignFields = {
  name: 'Spring sale',
  description: 'All of spring',
  type: 'nurture',
  objective: 'Sell',
  kpi: { metric: 'revenue', target: 1_000 },
  owner: 'ada',
  team: 'retail',
  subject: { type: 'Product', id: '7' },
  budget: 99.5,
  currency: 'EUR',
  startsOn: NOON,
  endsOn: NOON + DAY,
  channels: ['email', 'sms'],
  content: { email: { subject: 'Hi', html: '<p>😀</p>' } },
  audience: { include: ['pros', 'vips'], match: 'all', exclude: ['trolls'], condition: 'score > 1', holdout: 7.5 },
  data: { discount: 10, deep: { list: [1, 'two', null] } },
  onUnknown: 'resend',
};

function pathsOf(error: unknown): string[] {
  assert.ok(error instanceof InputError && error.code === 'E_CAMPAIGN_FIELDS', String(error));
  return (error.details['problems'] as { path: string; message: string }[]).map(({ path, message }) => {
    assert.ok(message.length > 5);
    return path;
  });
}

eachDatabase((db) => {
  describe('a campaign as data', function () {
    this.timeout(60_000);
    let house: House;
    beforeEach(async () => {
      house = await House.open(db, {
        checkCondition: (condition) =>
          condition === 'score >'
            ? Promise.reject(new MarketingError('E_CONDITION', 'Something is missing.'))
            : Promise.resolve(),
        validateData: (key, data) => {
          if (key !== 'strict') return Promise.resolve(undefined);
          if (typeof data['discount'] !== 'number') {
            return Promise.reject(
              new InputError('E_CAMPAIGN_DATA', 'No.', {
                details: { problems: [{ path: '/discount', message: 'must be a number' }] },
              }),
            );
          }
          return Promise.resolve({ currency: 'EUR', ...data });
        },
      });
    });

    it('keeps every field that it was given', async () => {
      const { id } = await house.campaigns.create({ ...FULL, key: 'spring' }, { actor: person('bob', 'marketer') });
      const kept = await house.campaigns.get('spring');
      assert.deepEqual(
        { ...kept },
        {
          ...FULL,
          id,
          key: 'spring',
          definition: 'generic',
          state: 'draft',
          stage: 'draft',
          run: 0,
          hadAudience: false,
          version: 1,
          createdBy: 'bob',
          createdAt: NOON,
          updatedAt: NOON,
        },
      );
      assert.equal(await house.count('campaign_channels'), 2);
    });

    it('needs no more than a name: the key, the owner and the rest follow', async () => {
      const actor = person('bob', 'marketer');
      const { key, name, type, owner, channels, data } = await house.campaigns.create(
        { name: '  Früh&Spät 2026! ' },
        { actor },
      );
      assert.deepEqual(
        [key, name, type, owner, channels, data],
        ['fruh-spat-2026', '  Früh&Spät 2026! ', 'scheduled', 'bob', [], {}],
      );
      assert.equal((await house.campaigns.create({ name: '!!!' })).key, 'campaign');
      const twin = await house.campaigns.create({ name: 'Früh & Spät 2026' });
      assert.match(twin.key, /^fruh-spat-2026-[0-9a-f]{8}$/);
      assert.deepEqual(
        (await house.campaigns.create({ name: 'x', content: { email: {}, 'No channel': 1 } })).channels,
        ['email'],
      );
      house.definitions.set('welcome', definition({ entryMode: 'event', segment: 'pros', name: 'Welcome' }));
      const own = await house.campaigns.create({ key: 'welcome', definition: 'welcome' });
      assert.deepEqual([own.name, own.type, own.segment], ['Welcome', 'triggered', 'pros']);
    });

    it('gives each of many created at the same moment a key of its own', async () => {
      const made = await Promise.all(Array.from({ length: 8 }, () => house.campaigns.create({ name: 'Newsletter' })));
      assert.equal(new Set(made.map(({ key }) => key)).size, 8);
      const results = await Promise.allSettled(Array.from({ length: 5 }, () => house.campaigns.create({ key: 'one' })));
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const result of results) {
        if (result.status === 'rejected') assert.equal((result.reason as MarketingError).code, 'E_CAMPAIGN_EXISTS');
      }
    });

    it('refuses what cannot be, all of it at once and with the paths', async () => {
      const wrong: [unknown, string[]][] = [
        [{}, ['/name']],
        [{ name: ' ' }, ['/name']],
        [{ name: 'x'.repeat(256) }, ['/name']],
        [{ name: 'a\0b', description: '\ud800' }, ['/name', '/description']],
        [{ name: null, type: null, data: null, onUnknown: null }, ['/name', '/type', '/data', '/onUnknown']],
        [{ name: 'x', type: 'spam', onUnknown: 'maybe' }, ['/type', '/onUnknown']],
        [{ name: 'x', budget: -1, currency: 'eur' }, ['/budget', '/currency']],
        [{ name: 'x', budget: Number.NaN, startsOn: 1.5, endsOn: 'soon' }, ['/budget', '/startsOn', '/endsOn']],
        [{ name: 'x', startsOn: 2, endsOn: 1 }, ['/endsOn']],
        [{ name: 'x', kpi: { metric: '', target: 'much', more: 1 } }, ['/kpi/more', '/kpi/metric', '/kpi/target']],
        [{ name: 'x', subject: { type: 'Product' } }, ['/subject/id']],
        [{ name: 'x', channels: ['email', 'E-Mail', 'email'] }, ['/channels/1', '/channels']],
        [{ name: 'x', channels: 'email' }, ['/channels']],
        [{ name: 'x', content: [], data: 'text' }, ['/content', '/data']],
        [{ name: 'x', data: { long: 'x'.repeat(70_000) }, content: { nul: '\0' } }, ['/data', '/content']],
        [{ name: 'x', data: { big: 1n } }, ['/data']],
        [{ name: 'x', audience: { holdout: 20.1 } }, ['/audience/holdout']],
        [
          { name: 'x', audience: { holdout: -1, match: 'some', include: 'pros' } },
          ['/audience/include', '/audience/match', '/audience/holdout'],
        ],
        [
          { name: 'x', audience: { exclude: [''], condition: 7, size: 3 } },
          ['/audience/size', '/audience/exclude/0', '/audience/condition'],
        ],
        [
          { name: 'x', state: 'active', version: 9, tenant_id: 'b', constructor: 1 },
          ['/state', '/version', '/tenant_id', '/constructor'],
        ],
      ];
      for (const [input, paths] of wrong) {
        await assert.rejects(house.campaigns.create(input as NewCampaign), (error: unknown) => {
          assert.deepEqual(pathsOf(error), paths);
          return true;
        });
      }
      for (const [input, code] of [
        [{ name: 'x', definition: 'nope' }, 'E_UNKNOWN_DEFINITION'],
        [{ name: 'x', segment: 'nope' }, 'E_UNKNOWN_SEGMENT'],
        [{ name: 'x', audience: { exclude: ['nope'] } }, 'E_UNKNOWN_SEGMENT'],
        [{ name: 'x', audience: { condition: 'score >' } }, 'E_CONDITION'],
        [{ name: 'x', key: `'; DROP TABLE` }, 'E_CAMPAIGN_KEY'],
      ] as [NewCampaign, string][]) {
        await assert.rejects(house.campaigns.create(input), { code });
      }
      assert.deepEqual(await house.history(), []);
    });

    it('has its data checked and completed by its definition', async () => {
      house.definitions.set('strict', definition());
      await assert.rejects(house.campaigns.create({ name: 'x', definition: 'strict' }), { code: 'E_CAMPAIGN_DATA' });
      const { id, data } = await house.campaigns.create({ name: 'x', definition: 'strict', data: { discount: 5 } });
      assert.deepEqual(data, { currency: 'EUR', discount: 5 });
      await assert.rejects(house.campaigns.update(id, { data: { discount: '5' } }), { code: 'E_CAMPAIGN_DATA' });
      assert.deepEqual((await house.campaigns.update(id, { data: { discount: 6 } })).data, {
        currency: 'EUR',
        discount: 6,
      });
    });

    it('changes what is given, removes what is null, and remembers before and after of that only', async () => {
      const { id } = await house.campaigns.create({ ...FULL, key: 'spring' });
      await house.clock.advance(5);
      const after = await house.campaigns.update(
        id,
        { name: 'Summer', budget: null, channels: ['push'], data: { discount: 20 } },
        { actor: 'ada', version: 1, reason: 'late' },
      );
      assert.deepEqual(
        [after.name, 'budget' in after, after.channels, after.data, after.objective, after.version, after.updatedAt],
        ['Summer', false, ['push'], { discount: 20 }, 'Sell', 2, NOON + 5],
      );
      assert.deepEqual((await house.campaigns.list({ channel: 'push' })).items.length, 1);
      assert.deepEqual((await house.campaigns.list({ channel: 'sms' })).items.length, 0);
      assert.deepEqual((await house.campaigns.list({ search: 'SUMM' })).items.length, 1);
      const row = await house.scope.get<{ was: unknown; is_now: unknown }>(
        `SELECT ${house.scope.dialect.quote('before')} AS was, ${house.scope.dialect.quote('after')} AS is_now
         FROM marketing_history WHERE tenant_id = :tenant AND event = 'campaign.changed'`,
      );
      const parsed = [row?.was, row?.is_now].map(
        (value) => (typeof value === 'string' ? JSON.parse(value) : value) as Record<string, unknown>,
      );
      for (const side of parsed)
        assert.match(String(side['data']), /^sha256:/, 'what may hold anything is only a fingerprint');
      const shown = parsed.map(({ data: _data, ...rest }) => rest);
      assert.deepEqual(shown, [
        { name: 'Spring sale', budget: 99.5, channels: ['email', 'sms'] },
        { name: 'Summer', budget: null, channels: ['push'] },
      ]);
      assert.equal((await house.announced()).at(-1), 'updated');
    });

    it('does nothing, and tells nobody, when nothing changes', async () => {
      const { id } = await house.campaigns.create({ ...FULL, key: 'spring' });
      const before = await house.everything();
      assert.equal((await house.campaigns.update(id, { ...FULL })).version, 1);
      assert.deepEqual(await house.everything(), before);
    });

    it('can be changed in every state but active and cancelled', async () => {
      for (const state of ['draft', 'scheduled', 'queued', 'paused', 'completed'] as const) {
        await house.at(state, state);
        assert.equal((await house.campaigns.update(state, { objective: 'more' })).objective, 'more');
      }
      for (const state of ['active', 'cancelled'] as const) {
        await house.at(state, state);
        await assert.rejects(house.campaigns.update(state, { objective: 'more' }), {
          code: 'E_CAMPAIGN_STATE',
          message: state === 'active' ? /Pause it first/ : /Clone it/,
        });
      }
    });

    it('looks at what must fit together also when only one half is changed', async () => {
      const { id } = await house.campaigns.create({ name: 'x', startsOn: 10, endsOn: 20 });
      await assert.rejects(
        house.campaigns.update(id, { startsOn: 30 }),
        (error: unknown) => pathsOf(error)[0] === '/endsOn',
      );
      assert.equal((await house.campaigns.update(id, { startsOn: 30, endsOn: null })).startsOn, 30);
    });

    it('goes by the segment of its definition until it names its own, and by that until it does not', async () => {
      house.definitions.set('journey', definition({ segment: 'pros' }));
      const { id } = await house.campaigns.create({ key: 'journey', definition: 'journey' });
      const segments: (string | undefined)[] = [];
      for (const fields of [
        { audience: { holdout: 5 } },
        { audience: { include: ['vips'] } },
        { segment: 'trolls' },
        { audience: null },
        { segment: null },
      ] as CampaignFields[]) {
        segments.push((await house.campaigns.update(id, fields)).segment);
      }
      assert.deepEqual(segments, ['pros', undefined, 'trolls', 'trolls', 'pros']);
    });

    it('lets one of 50 simultaneous changes win; the others get a conflict, and nothing of theirs stays', async () => {
      const { id } = await house.campaigns.create({ key: 'spring' });
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, index) =>
          house.campaigns.update(id, { objective: `${index}` }, { version: 1, actor: `u${index}` }),
        ),
      );
      const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      assert.equal(winners.length, 1);
      for (const result of results) {
        if (result.status === 'rejected') {
          const { code, retryable } = result.reason as MarketingError;
          assert.deepEqual([code, retryable], ['E_CONFLICT', true]);
        }
      }
      const after = await house.campaigns.get(id);
      assert.deepEqual([after.version, after.objective], [2, winners[0]?.objective]);
      assert.equal((await house.history(id)).filter((line) => line.startsWith('campaign.changed')).length, 1);
      assert.equal((await house.announced()).filter((type) => type === 'updated').length, 1);
    });

    it('is cloned from any state into an independent draft, whose history tells the origin', async () => {
      for (const state of ['draft', 'scheduled', 'active', 'paused', 'completed', 'cancelled'] as const) {
        const origin = await house.at(state, state);
        const copy = await house.campaigns.clone(origin.id, {}, { actor: 'ada' });
        assert.deepEqual(
          [copy.key, copy.name, copy.state, copy.run, copy.createdBy, copy.startedAt],
          [`copy-of-${state}`, `Copy of ${state}`, 'draft', 0, 'ada', undefined],
        );
      }
      const full = await house.campaigns.create({ ...FULL, key: 'full' });
      await house.scope.transaction((tx) =>
        house.campaigns.setSchedule(tx, full.id, { schedule: { kind: 'cron', cron: '* * * * *' }, nextRunAt: NOON }),
      );
      const copy = await house.campaigns.clone('full', { name: 'Other', key: 'other' });
      const { id: _id, key: _key, name: _name, createdBy: _by, ...rest } = copy;
      const { id, key, name, createdBy, ...same } = full;
      assert.deepEqual(rest, same, 'everything that people edit, and not the schedule');
      assert.deepEqual([copy.key, copy.name], ['other', 'Other']);
      assert.equal((await house.campaigns.list({ channel: 'sms' })).items.length, 2);
      await house.campaigns.update(copy.id, { data: {} });
      assert.deepEqual((await house.campaigns.get('full')).data, FULL.data);
      const row = await house.scope.get<{ payload: unknown }>(
        `SELECT payload FROM marketing_history WHERE tenant_id = :tenant AND campaign_id = :id AND event = 'campaign.created'`,
        { id: copy.id },
      );
      const payload: unknown = typeof row?.payload === 'string' ? JSON.parse(row.payload) : row?.payload;
      assert.deepEqual(payload, { origin: full.id, originKey: 'full' });
      assert.match((await house.campaigns.clone('draft')).key, /^copy-of-draft-[0-9a-f]{8}$/);
      assert.deepEqual([id, key, name, createdBy].length, 4);
    });

    it('has a schedule and a next run written for it', async () => {
      const { id } = await house.campaigns.create({ key: 'spring' });
      const schedule = { kind: 'daily', time: '09:00', timeZone: 'Europe/Berlin' } as const;
      await house.campaigns.act(
        id,
        'schedule',
        {},
        { also: (tx) => house.campaigns.setSchedule(tx, id, { schedule, nextRunAt: NOON + DAY }) },
      );
      const scheduled = await house.campaigns.get(id);
      assert.deepEqual([scheduled.state, scheduled.schedule, scheduled.nextRunAt], ['scheduled', schedule, NOON + DAY]);
      const back = await house.campaigns.act(id, 'unschedule');
      assert.deepEqual([back.state, back.nextRunAt, back.schedule], ['draft', undefined, schedule]);
      await house.scope.transaction((tx) => house.campaigns.setSchedule(tx, id, { schedule: null }));
      assert.equal((await house.campaigns.get(id)).schedule, undefined);
    });

    it('is assigned to users, roles and teams, once each', async () => {
      const { id } = await house.campaigns.create({ key: 'spring' });
      const bob = { kind: 'user', assignee: 'bob' } as const;
      await Promise.all([
        house.campaigns.assign(id, bob, { actor: 'ada' }),
        house.campaigns.assign(id, bob, { actor: 'ada' }),
      ]);
      await house.campaigns.assign(id, { kind: 'role', assignee: 'approver' }, { actor: 'ada' });
      assert.deepEqual(await house.campaigns.assign(id, { kind: 'team', assignee: 'retail' }, { actor: 'ada' }), [
        { ...bob, assignedBy: 'ada', assignedAt: NOON },
        { kind: 'role', assignee: 'approver', assignedBy: 'ada', assignedAt: NOON },
        { kind: 'team', assignee: 'retail', assignedBy: 'ada', assignedAt: NOON },
      ]);
      assert.equal((await house.campaigns.list({ assignee: 'bob' })).items[0]?.id, id);
      assert.equal((await house.campaigns.list({ assignee: 'retail' })).items.length, 0);
      assert.equal((await house.announced()).at(-1), 'assigned');
      assert.equal((await house.campaigns.unassign(id, bob)).length, 2);
      assert.equal((await house.campaigns.unassign(id, bob)).length, 2);
      assert.equal((await house.campaigns.assignments('spring')).length, 2);
      assert.equal((await house.history(id)).filter((line) => line.startsWith('campaign.unassigned')).length, 1);
      await assert.rejects(house.campaigns.assign(id, { kind: 'pet' as 'user', assignee: '' }), { code: 'E_ASSIGNEE' });
    });
  });

  describe('a deleted campaign', function () {
    this.timeout(60_000);
    let house: House;
    beforeEach(async () => {
      house = await House.open(db);
    });

    it('is not listed, not launched and not changed, until it is restored', async () => {
      for (const state of ['draft', 'scheduled', 'paused', 'completed', 'cancelled'] as const) {
        const { id, version } = await house.at(state, state);
        const gone = await house.campaigns.remove(id, { actor: 'ada', version });
        assert.deepEqual([gone.deletedAt, gone.state], [NOON, state]);
        assert.equal((await house.campaigns.remove(id)).version, gone.version, 'once more is the same as once');
        for (const attempt of [
          () => house.campaigns.launch(id),
          () => house.campaigns.resume(id),
          () => house.campaigns.update(id, { objective: 'x' }),
          () => house.campaigns.clone(id),
          () => house.campaigns.assign(id, { kind: 'user', assignee: 'bob' }) as Promise<unknown>,
        ]) {
          await assert.rejects(attempt(), { code: 'E_CAMPAIGN_DELETED', message: /Restore it first/ });
        }
        assert.equal((await house.campaigns.can(id, 'launch')).allowed, false);
      }
      assert.deepEqual((await house.campaigns.list()).items, []);
      assert.equal((await house.campaigns.list({ deleted: 'only' })).items.length, 5);
      assert.equal((await house.campaigns.list({ deleted: 'all' })).items.length, 5);
      assert.deepEqual(await house.campaigns.all(), []);
      const back = await house.campaigns.restore('draft', { actor: 'ada' });
      assert.equal(back.deletedAt, undefined);
      assert.equal((await house.campaigns.launch('draft')).state, 'active');
      assert.deepEqual((await house.history(back.id)).slice(1, 3), [
        'campaign.deleted by ada',
        'campaign.restored by ada',
      ]);
      assert.deepEqual((await house.announced()).slice(-2), ['restored', 'launched']);
    });

    it('was not active: that has to be paused first', async () => {
      const { id } = await house.at('active', 'spring');
      await assert.rejects(house.campaigns.remove(id), { code: 'E_CAMPAIGN_STATE', message: /Pause it first/ });
      await house.campaigns.pause(id);
      assert.equal((await house.campaigns.remove(id)).deletedAt, NOON);
    });

    it('is gone for good after a time, with everything that belongs to it but its history; others stay', async () => {
      const ids: number[] = [];
      for (const key of ['old', 'young', 'alive']) {
        const { id } = await house.campaigns.create({ key, channels: ['email'] });
        await house.campaigns.assign(id, { kind: 'user', assignee: 'bob' });
        await fill(house, id);
        ids.push(id);
      }
      const [old, young, alive] = ids as [number, number, number];
      await house.campaigns.remove(old);
      await house.clock.advance(2 * DAY);
      await house.campaigns.remove(young);
      const belongings = async (): Promise<number[]> => {
        const counts = TABLES.map((table) => house.count(table));
        return Promise.all(counts);
      };
      const before = await belongings();
      assert.ok(
        before.every((count) => count > 0 && count % 3 === 0),
        String(before),
      );
      assert.equal(await house.campaigns.purgeDeleted(NOON + DAY, { actor: 'timer' }), 1);
      assert.deepEqual(
        await belongings(),
        before.map((count) => (count / 3) * 2),
      );
      await assert.rejects(house.campaigns.get(old), { code: 'E_UNKNOWN_CAMPAIGN' });
      await assert.rejects(house.campaigns.restore(old), { code: 'E_UNKNOWN_CAMPAIGN' });
      assert.equal((await house.campaigns.restore(young)).key, 'young');
      assert.deepEqual((await house.history(old)).slice(-2), [
        'campaign.deleted by system',
        'campaign.purged by timer',
      ]);
      assert.equal(await house.campaigns.purgeDeleted(NOON + DAY), 0);
      assert.equal((await house.campaigns.create({ key: 'old' })).version, 1, 'its key is free again');
      assert.equal((await house.campaigns.get(alive)).key, 'alive');
    });

    it('is looked for in every table that names campaigns', async () => {
      const text =
        db.name === 'sqlite'
          ? `SELECT m.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) p ON p.name = 'campaign_id' WHERE m.type = 'table'`
          : `SELECT table_name AS name FROM information_schema.columns
             WHERE column_name = 'campaign_id' AND table_schema = ${db.name === 'postgres' ? 'current_schema()' : 'DATABASE()'}`;
      const rows = await house.store.system.all<{ name: string }>(text);
      const names = rows.map(({ name }) => name.replace('marketing_', '')).filter((name) => name !== 'history');
      assert.ok(names.length > 8);
      assert.deepEqual(
        names.filter((name) => !TABLES.includes(name)),
        [],
      );
    });

    it('goes on being deleted for good after a crash, and can no longer be restored half', async () => {
      const { id } = await house.campaigns.create({ key: 'old' });
      await house.campaigns.remove(id);
      // As it stands when the process dies after the first step.
      await house.scope.run(`UPDATE marketing_campaigns SET deleted_at = 0 WHERE tenant_id = :tenant AND id = :id`, {
        id,
      });
      await assert.rejects(house.campaigns.restore(id), { code: 'E_UNKNOWN_CAMPAIGN' });
      assert.deepEqual((await house.campaigns.list({ deleted: 'all' })).items, []);
      assert.equal(await house.campaigns.purgeDeleted(NOON), 1);
      assert.equal(await house.count('campaigns'), 0);
    });
  });
});

/** Tables that hold something of a campaign. */
const TABLES = [
  'campaigns',
  'campaign_channels',
  'assignments',
  'enrollments',
  'steps',
  'messages',
  'counters',
  'engagements',
  'comments',
  'attachments',
  'schedule_runs',
  'escalations',
  'approvals',
  'approval_seats',
  'metrics',
  'paces',
  'promotions',
  'coupons',
  'redemptions',
  'waits',
  'trigger_refusals',
  'trigger_marks',
  'experiments',
  'variants',
  'exposures',
  'roi',
  'reservations',
  'costs',
  'undo_runs',
  'undos',
  'conversion_events',
  'conversions',
];

/** One row of a campaign in every table that may hold some. */
async function fill({ scope, campaigns }: House, campaign: number): Promise<void> {
  const { key } = await campaigns.get(campaign);
  const insert = (table: string, values: Record<string, string | number>): Promise<number> =>
    scope.insert(
      `INSERT INTO marketing_${table} (tenant_id, ${Object.keys(values)
        .map((name) => scope.dialect.quote(name))
        .join(', ')})
       VALUES (:tenant, ${Object.keys(values)
         .map((name) => `:${name}`)
         .join(', ')})`,
      values,
    );
  const plain = async (table: string, values: Record<string, string | number>): Promise<void> =>
    void (await scope.run(
      `INSERT INTO marketing_${table} (tenant_id, ${Object.keys(values).join(', ')})
       VALUES (:tenant, ${Object.keys(values)
         .map((name) => `:${name}`)
         .join(', ')})`,
      values,
    ));
  const of = { campaign_id: campaign };
  const enrollment_id = await insert('enrollments', {
    ...of,
    lead_id: 1,
    run: 1,
    entry_key: 'run:1',
    state: 'ended',
    entered_at: 0,
  });
  const times = { created_at: 0, updated_at: 0 };
  const step_id = await insert('steps', {
    ...of,
    enrollment_id,
    lead_id: 1,
    station_id: 1,
    parent_id: 0,
    state: 'done',
    due_at: 0,
    ...times,
  });
  await insert('messages', {
    ...{ ...of, step_id, enrollment_id, lead_id: 1, channel: 'email', account: 'a', message_key: 'm', content_id: 1 },
    ...{ state: 'sent', attempt: 1, sending_at: 0 },
  });
  await plain('counters', { ...of, station_id: 1, name: 'sent', count: 1 });
  await plain('paces', { ...of, pace_key: '', next_at: 0, line_end: 0 });
  const engagement = await insert('engagements', {
    ...of,
    lead_id: 1,
    type: 'opened',
    event_id: key,
    metadata: '{}',
    tracked_at: 0,
  });
  for (const [entity, entity_id] of [
    ['campaign', campaign],
    ['engagement', engagement],
  ] as const) {
    await insert('comments', { entity, entity_id, author: 'ada', body: 'x', created_at: 0 });
    await insert('attachments', {
      entity,
      entity_id,
      name: 'a',
      media_type: 'text/plain',
      size: 1,
      sha256: 'x',
      body: 'eA==',
      created_by: 'ada',
      created_at: 0,
    });
  }
  await insert('escalations', { ...of, run: 1, rule: 0, action: 'tell', outcome: 'told', at: 1 });
  const approval_id = await insert('approvals', {
    ...{ ...of, subject: 'launch', run: 0, round: 1, state: 'pending', strategy: 'single', hash: 'h' },
    ...{ requested_by: 'ada', requested_at: 0 },
  });
  await insert('approval_seats', { approval_id, seat: 0, kind: 'user', approver: 'bob' });
  await insert('schedule_runs', { ...of, planned_at: 1, outcome: 'started', at: 1 });
  await scope.transaction((tx) => moveMetrics(tx, [{ campaign, channel: 'email', at: 0, name: 'sent' }]));
  const promotion_id = await insert('promotions', { ...of, promotion_key: key, name: key, rule: '{}', ...times });
  const coupon_id = await insert('coupons', { promotion_id, code: key, created_at: 0 });
  await insert('redemptions', { coupon_id, customer: 'c', order_key: 'o', discount: 1, redeemed_at: 0 });
  const lead = { ...of, lead_id: 1 };
  await insert('waits', {
    ...lead,
    step_id,
    station_id: 1,
    kind: 'event',
    event: 'e',
    since: 0,
    spec: '{}',
    created_at: 0,
  });
  await plain('trigger_refusals', {
    ...{ ...lead, station_id: 1, reason: 'cooldown', times: 1, cause: 'c', first_at: 0, last_at: 0 },
  });
  await plain('trigger_marks', { ...of, station_id: 1 });
  const experiment_id = await insert('experiments', {
    ...{ ...of, experiment_key: key, name: key, source: 'api', state: 'running', metric: 'click', settings: '{}' },
    ...{ ranges: '[]', salt: 's', looks: '{}', window_ms: 1, ...times },
  });
  await insert('variants', { experiment_id, variant_key: 'A', name: 'A', place: 0 });
  await insert('exposures', { ...lead, experiment_id, variant_key: 'A', bucket: 1, exposed_at: 0 });
  await plain('roi', { ...of, updated_at: 0 });
  await plain('reservations', { ...of, step_id, micros: 1, at: 0 });
  await insert('costs', { ...of, kind: 'fixed', label: 'x', micros: 1, ref: key, created_by: 'ada', created_at: 0 });
  await insert('undo_runs', {
    ...{
      ...lead,
      enrollment_id,
      step_id,
      run_key: key,
      cause: 'node',
      actor: 'ada',
      state: 'open',
      due_at: 0,
      opened_at: 0,
    },
  });
  await insert('undos', {
    ...{
      ...lead,
      enrollment_id,
      step_id,
      seq: 1,
      kind: 'message',
      undo_key: key,
      state: 'registered',
      due_at: 0,
      ...times,
    },
  });
  await plain('conversion_events', { ...of, event: 'bought', window_ms: 1, model: 'last', touch: 'sent' });
  await insert('conversions', {
    ...{ ...lead, event_id: key, event: 'bought', model: 'last', variant: '', channel: '', touch: 'sent', touch_id: 1 },
    ...{ share: 1, value_micros: 0, counted: 1, counted_micros: 0, converted_at: 0 },
  });
}
