import assert from 'node:assert/strict';
import { Campaigns, type Campaign, type CampaignQuery, type Page } from '../../lib/campaigns';
import { InputError } from '../../lib/errors';
import { eachDatabase } from '../kit/databases';
import { definition, House, NOON } from './house';

const HOSTILE = [
  `' OR '1'='1`,
  `"; DROP TABLE marketing_campaigns; --`,
  `%`,
  `_`,
  `\\`,
  `:tenant`,
  `$1`,
  `?`,
  `/*`,
  `x' UNION SELECT 1 --`,
  `Ⓐ😀`,
];

eachDatabase((db) => {
  describe('the list of campaigns', function () {
    this.timeout(60_000);
    let house: House;
    let keys: (page: Page<Campaign>) => string[];

    before(async () => {
      keys = ({ items }) => items.map(({ key }) => key);
      house = await House.open(db);
      house.definitions.set('sales', definition({ stages: ['plan', 'live', 'over'] }));
      const { campaigns } = house;
      for (let index = 0; index < 25; index++) {
        const subject = index % 5 === 0 ? { subject: { type: 'Product', id: String(index) } } : {};
        await campaigns.create({
          key: `c${String(index).padStart(2, '0')}`,
          name: `${index % 2 ? 'beta' : 'Alpha'} ${index % 7}`,
          definition: index % 3 === 0 ? 'sales' : 'generic',
          type: index % 4 === 0 ? 'nurture' : 'scheduled',
          channels: index % 2 ? ['email'] : ['email', 'sms'],
          owner: index < 10 ? 'ada' : 'bob',
          team: index < 5 ? 'retail' : 'brand',
          ...subject,
        });
        // Three at the same moment each: ids break the tie.
        if (index % 3 === 2) await house.clock.advance(1_000);
      }
      for (const key of ['c01', 'c03', 'c04']) await campaigns.launch(key);
      await campaigns.pause('c04');
      await campaigns.assign('c07', { kind: 'user', assignee: 'eve' });
      await campaigns.assign('c08', { kind: 'team', assignee: 'eve' });
      await campaigns.remove('c24');
      for (const [key, nextRunAt] of [
        ['c05', 30],
        ['c06', 10],
        ['c02', 20],
      ] as const) {
        const { id } = await campaigns.get(key);
        await house.scope.transaction((tx) => campaigns.setSchedule(tx, id, { nextRunAt }));
      }
    });

    it('shows the newest 20 first, and the rest behind the cursor', async () => {
      const first = await house.campaigns.list();
      assert.deepEqual([first.items.length, first.items[0]?.key, 'total' in first], [20, 'c23', false]);
      const second = await house.campaigns.list({ cursor: first.cursor ?? '' });
      assert.deepEqual(keys(second), ['c03', 'c02', 'c01', 'c00']);
      assert.equal(second.cursor, undefined);
    });

    for (const sort of [
      'createdAt',
      '-createdAt',
      'updatedAt',
      '-updatedAt',
      'name',
      '-name',
      'nextRunAt',
      '-nextRunAt',
    ] as const) {
      it(`sorted by ${sort} gives everybody once, page by page, by cursor and by number alike`, async () => {
        const byCursor: string[] = [];
        let cursor: string | undefined;
        do {
          const page: Page<Campaign> = await house.campaigns.list({ sort, limit: 7, ...(cursor ? { cursor } : {}) });
          byCursor.push(...keys(page));
          cursor = page.cursor;
        } while (cursor);
        const byNumber: string[] = [];
        for (let page = 1; page <= 4; page++) {
          const { total, ...found } = await house.campaigns.list({ sort, limit: 7, page });
          assert.equal(total, 24);
          byNumber.push(...keys(found));
        }
        assert.deepEqual(byNumber, byCursor);
        assert.equal(new Set(byCursor).size, 24);
        const everything = (await house.campaigns.list({ sort, limit: 100 })).items;
        const value = (campaign: Campaign): string | number =>
          sort.endsWith('name')
            ? campaign.name.toLowerCase()
            : (campaign[sort.replace('-', '') as 'createdAt'] ?? (sort.startsWith('-') ? -1 : Infinity));
        const sign = sort.startsWith('-') ? -1 : 1;
        const sorted = [...everything].sort((a, b) => {
          const [x, y] = [value(a), value(b)];
          return sign * (x < y ? -1 : x > y ? 1 : a.id - b.id);
        });
        assert.deepEqual(keys({ items: everything }), keys({ items: sorted }));
        assert.deepEqual(byCursor, keys({ items: sorted }));
      });
    }

    const FILTERS: [CampaignQuery, (campaign: Campaign, index: number) => boolean][] = [
      [{ state: 'active' }, ({ state }) => state === 'active'],
      [{ state: ['active', 'paused'] }, ({ state }) => state !== 'draft'],
      [{ stage: 'live' }, ({ key }) => key === 'c03'],
      [{ type: 'nurture' }, (_, index) => index % 4 === 0],
      [{ type: ['nurture', 'scheduled'] }, () => true],
      [{ type: 'event' }, () => false],
      [{ channel: 'sms' }, (_, index) => index % 2 === 0],
      [{ channel: 'email', owner: 'ada' }, (_, index) => index < 10],
      [{ definition: 'sales' }, (_, index) => index % 3 === 0],
      [{ team: 'retail' }, (_, index) => index < 5],
      [{ assignee: 'eve' }, ({ key }) => key === 'c07'],
      [{ subject: { type: 'Product' } }, (_, index) => index % 5 === 0],
      [{ subject: { type: 'Product', id: '10' } }, (_, index) => index === 10],
      [{ search: 'ALPHA 3' }, ({ name }) => name === 'Alpha 3'],
      [{ search: 'be' }, ({ name }) => name.startsWith('beta')],
      [{ search: 'C1' }, ({ key }) => key.startsWith('c1')],
      [{ search: 'lpha' }, () => false],
      [{ createdFrom: NOON + 1_000, createdTo: NOON + 2_000 }, (_, index) => index >= 3 && index < 9],
    ];
    for (const [query, belongs] of FILTERS) {
      it(`filtered by ${JSON.stringify(query)} has exactly those`, async () => {
        const expected: string[] = [];
        for (let index = 0; index < 24; index++) {
          const campaign = await house.campaigns.get(`c${String(index).padStart(2, '0')}`);
          if (belongs(campaign, index)) expected.push(campaign.key);
        }
        const found = await house.campaigns.list({ ...query, sort: 'createdAt', limit: 100, page: 1 });
        assert.deepEqual(keys(found), expected);
        assert.equal(found.total, expected.length);
      });
    }

    it('takes whatever is written into a filter for a text, and nothing else', async () => {
      const before = await house.count('campaigns');
      for (const text of HOSTILE) {
        for (const query of [
          { search: text },
          { stage: text },
          { channel: text },
          { definition: text },
          { owner: text },
          { team: text },
          { assignee: text },
          { subject: { type: text, id: text } },
        ] as CampaignQuery[]) {
          assert.deepEqual((await house.campaigns.list(query)).items, [], JSON.stringify(query));
        }
        for (const query of [
          { state: text },
          { type: [text] },
          { sort: text },
          { deleted: text },
          { limit: text },
          { page: text },
          { createdFrom: text },
        ]) {
          await assert.rejects(
            house.campaigns.list(query as unknown as CampaignQuery),
            (error: unknown) => error instanceof InputError && error.code === 'E_QUERY',
          );
        }
        await assert.rejects(house.campaigns.list({ cursor: text }), { code: 'E_CURSOR' });
      }
      assert.equal(await house.count('campaigns'), before);
    });

    it('finds names that look like patterns', async () => {
      await house.campaigns.create({ key: 'rate', name: '100% _off' });
      assert.deepEqual(keys(await house.campaigns.list({ search: '100% _' })), ['rate']);
      assert.deepEqual(keys(await house.campaigns.list({ search: '100__' })), []);
      await house.campaigns.remove('rate');
    });

    it('refuses what makes no page, with the paths of all of it', async () => {
      const problem = (query: object, paths: string[]): Promise<void> =>
        assert.rejects(house.campaigns.list(query), (error: unknown) => {
          assert.ok(error instanceof InputError && error.code === 'E_QUERY', String(error));
          assert.deepEqual(
            (error.details['problems'] as { path: string }[]).map(({ path }) => path),
            paths,
          );
          return true;
        });
      await problem({ limit: 0 }, ['/limit']);
      await problem({ limit: 101, page: 0, state: [], subject: 'x' }, ['/limit', '/page', '/state', '/subject']);
      await problem({ page: 1, cursor: 'x' }, ['/cursor']);
      await problem({ sort: '--name', owner: '', search: 'a\0' }, ['/sort', '/owner', '/search']);
      await problem({ subject: {}, createdTo: 1.5 }, ['/subject/type', '/createdTo']);
    });

    it('takes a cursor only as it was given, and only in the order that it belongs to', async () => {
      const { cursor = '' } = await house.campaigns.list({ limit: 2 });
      await assert.rejects(house.campaigns.list({ cursor, sort: 'createdAt' }), {
        code: 'E_CURSOR',
        message: /another order/,
      });
      const write = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      for (const bad of [
        '',
        'x'.repeat(5_000),
        write(null),
        write(['-createdAt', 1]),
        write(['-createdAt', '1 OR 1=1', 1]),
        write(['-createdAt', null, 1]),
        write(['-createdAt', 1, '1']),
        write(['-createdAt', 1, 1.5]),
        write(['-createdAt', { $gt: 0 }, 1]),
      ]) {
        await assert.rejects(house.campaigns.list({ cursor: bad }), { code: 'E_CURSOR' });
      }
      await assert.rejects(house.campaigns.list({ sort: 'name', cursor: write(['name', 'a\0', 1]) }), {
        code: 'E_CURSOR',
      });
    });

    it('shows nothing of another tenant', async () => {
      const other = house.store.tenant('other');
      const rows = await other.all(`SELECT id FROM marketing_campaigns WHERE tenant_id = :tenant`);
      assert.deepEqual(rows, []);
      const strangers = new Campaigns({
        scope: other,
        definition: () => Promise.resolve(definition()),
        checkSegment: () => Promise.resolve(),
        changed: () => undefined,
      });
      const { id, key } = await house.campaigns.get('c01');
      assert.deepEqual(await strangers.list({ page: 1, deleted: 'all' }), { items: [], total: 0 });
      for (const attempt of [
        () => strangers.get(id),
        () => strangers.get(key),
        () => strangers.update(id, { name: 'mine' }),
        () => strangers.launch(id),
        () => strangers.pause(id),
        () => strangers.remove(id),
        () => strangers.clone(id),
        () => strangers.can(id, 'pause') as Promise<unknown>,
        () => strangers.assignments(id),
        () => strangers.assign(id, { kind: 'user', assignee: 'x' }),
      ]) {
        await assert.rejects(attempt(), { code: 'E_UNKNOWN_CAMPAIGN' });
      }
      assert.equal(await strangers.purgeDeleted(NOON * 2), 0);
    });
  });
});
