import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { compileCondition, registerConditionEvaluator } from '../../lib/conditions';
import { createLeads, type Leads } from '../../lib/leads';
import { createSegments, type MembershipChange, type Segments } from '../../lib/segments';
import type { Scope } from '../../lib/store';
import { eachDatabase } from '../kit/databases';

const DAY = 86_400_000;

eachDatabase((db) => {
  describe('segments', () => {
    let clock: VirtualClock;
    let scope: Scope;
    let leads: Leads;
    let segments: Segments;
    let heard: MembershipChange[];
    /** By the first letter of the e-mail address. */
    let id: Record<string, number>;

    beforeEach(async () => {
      clock = new VirtualClock();
      scope = (await db.open({ clock })).tenant('acme');
      heard = [];
      leads = createLeads(scope, {
        onChanged: async (ids, fields) => void (await segments.leadsChanged(ids, fields)),
        attributeUsedBy: (name) => segments.readersOf(name),
      });
      segments = createSegments(scope, {
        leads,
        onMembership: (_tx, change) => {
          heard.push(change);
          return Promise.resolve();
        },
        usedBy: (key) => Promise.resolve(key === 'busy' ? ['the campaign "spring"'] : []),
      });
      await leads.declareAll([
        { name: 'plan', type: 'string' },
        { name: 'tags', type: 'string[]' },
      ]);
      await leads.upsertAll([
        { email: 'a@example.com', country: 'DE', score: 10, plan: 'pro', tags: ['vip'] },
        { email: 'b@example.com', country: 'DE', score: 20, plan: 'free' },
        { email: 'c@example.com', country: 'US', score: 30, plan: 'pro' },
        { email: 'd@example.com', country: 'US', score: 40 },
        { email: 'e@example.com' },
      ]);
      const found = await leads.ids({ emails: ['a', 'b', 'c', 'd', 'e'].map((letter) => `${letter}@example.com`) });
      id = Object.fromEntries(Array.from(found.emails, ([email, lead]) => [email.slice(0, 1), lead] as const));
      heard = [];
    });

    const letters = (ids: Iterable<number>): string =>
      [...ids]
        .map((lead) => Object.entries(id).find(([, other]) => other === lead)?.[0] ?? '?')
        .sort()
        .join('');
    const membersOf = async (key: string): Promise<string> => letters(await segments.members(key));

    it('calculates a dynamic one and says who entered and who left', async () => {
      await segments.create({ key: 'pro', kind: 'dynamic', condition: 'plan = "pro"' });
      assert.equal(await membersOf('pro'), '');
      const first = await segments.recalculate('pro');
      assert.deepEqual([first.entered, first.left, first.members], [2, 0, 2]);
      assert.equal(await membersOf('pro'), 'ac');
      assert.equal(letters(heard[0]?.entered ?? []), 'ac');
      const { count, refreshedAt } = await segments.get('pro');
      assert.deepEqual([count, refreshedAt], [2, clock.now()]);

      await leads.upsertAll(
        [
          { email: 'a@example.com', plan: 'free' },
          { email: 'd@example.com', plan: 'pro' },
        ],
        { report: false },
      );
      const pages: MembershipChange[] = [];
      const second = await segments.recalculate('pro', {
        onPage: (_tx, page) => {
          pages.push(page);
          return Promise.resolve();
        },
      });
      assert.deepEqual([second.entered, second.left, second.members], [1, 1, 2]);
      assert.equal(letters(pages.flatMap((page) => page.entered)), 'd');
      assert.equal(letters(pages.flatMap((page) => page.left)), 'a');
      assert.deepEqual((await segments.recalculate('pro')).entered, 0);
    });

    it('moves a changed lead at once, in just those segments that read what changed', async () => {
      await segments.create({ key: 'pro', kind: 'dynamic', condition: 'plan = "pro"' });
      await segments.create({ key: 'high', kind: 'dynamic', condition: 'score >= 30' });
      await segments.create({ key: 'both', kind: 'composed', composition: { and: ['pro', 'high'] } });
      await segments.recalculateAll();
      assert.deepEqual([await membersOf('pro'), await membersOf('high'), await membersOf('both')], ['ac', 'cd', 'c']);
      heard = [];
      await leads.upsert({ email: 'a@example.com', score: 35 });
      assert.deepEqual(
        heard.map(({ segment, entered, left }) => [segment.key, letters(entered), letters(left)]),
        [
          ['high', 'a', ''],
          ['both', 'a', ''],
        ],
      );
      await leads.upsert({ email: 'c@example.com', plan: null });
      assert.deepEqual([await membersOf('pro'), await membersOf('high'), await membersOf('both')], ['a', 'acd', 'a']);
      assert.equal((await segments.get('high')).count, 3);
      heard = [];
      await leads.upsert({ email: 'c@example.com', name: 'Nobody reads this' });
      assert.deepEqual(heard, []);
    });

    it('takes new leads in, and forgets removed ones', async () => {
      await segments.create({ key: 'not-pro', kind: 'dynamic', condition: '$not(plan = "pro")' });
      await segments.recalculate('not-pro');
      const result = await leads.upsert({ email: 'f@example.com' });
      id['f'] = result.outcome === 'rejected' ? 0 : result.id;
      assert.equal(await membersOf('not-pro'), 'bdef');
      await leads.remove(id['f']);
      assert.equal(await membersOf('not-pro'), 'bde');
      assert.equal((await segments.get('not-pro')).count, 3);
    });

    it('follows what leads do', async () => {
      await segments.create({
        key: 'opened',
        kind: 'dynamic',
        condition: '$did("email_opened", {"within": "7 days", "atLeast": 2})',
      });
      await segments.recalculate('opened');
      const opened = { type: 'email_opened', leadId: id['a'] ?? 0 };
      await leads.engage([
        { ...opened, eventId: '1' },
        { ...opened, eventId: '1' },
      ]);
      assert.equal(await membersOf('opened'), '');
      const [result] = await leads.engage([{ ...opened, eventId: '2' }]);
      assert.equal(result?.outcome, 'new');
      assert.equal(await membersOf('opened'), 'a');
      assert.deepEqual(await segments.timeDependent(), ['opened']);
      await clock.advance(8 * DAY);
      assert.equal((await segments.recalculate('opened')).left, 1);
    });

    it('keeps static lists by id, e-mail address and external id', async () => {
      await segments.create({ key: 'list', kind: 'static', name: 'By hand' });
      await segments
        .create({ key: 'listed-de', kind: 'composed', composition: { and: ['list', 'de'] } })
        .catch((error: unknown) => {
          assert.equal((error as { code: string }).code, 'E_UNKNOWN_SEGMENT');
        });
      await segments.create({ key: 'de', kind: 'dynamic', condition: 'country = "DE"' });
      await segments.create({ key: 'listed-de', kind: 'composed', composition: { and: ['list', 'de'] } });
      const added = await segments.add('list', {
        ids: [id['a'] ?? 0, 999_999_999],
        emails: ['C@Example.com', 'nobody@example.com'],
      });
      assert.deepEqual(added, { added: 2, already: 0, unknown: [999_999_999, 'nobody@example.com'] });
      assert.deepEqual([await membersOf('list'), await membersOf('listed-de')], ['ac', 'a']);
      assert.equal((await segments.add('list', { ids: [id['a'] ?? 0] })).already, 1);
      assert.equal((await segments.takeOff('list', { emails: ['a@example.com'] })).removed, 1);
      assert.deepEqual([await membersOf('list'), await membersOf('listed-de')], ['c', '']);
      assert.equal((await segments.get('list')).count, 1);
      await assert.rejects(segments.add('de', { ids: [id['a'] ?? 0] }), { code: 'E_SEGMENT_KIND' });
    });

    it('composes by and, or, except, nested, and recalculates the containers after the contained', async () => {
      await segments.create({ key: 'de', kind: 'dynamic', condition: 'country = "DE"' });
      await segments.create({ key: 'pro', kind: 'dynamic', condition: 'plan = "pro"' });
      await segments.create({ key: 'either', kind: 'composed', composition: { or: ['de', 'pro'] } });
      await segments.create({
        key: 'rest',
        kind: 'composed',
        composition: { except: ['either', { and: ['de', 'pro'] }] },
      });
      const result = await segments.recalculate('de');
      assert.deepEqual(
        result.dependents.map(({ key, members }) => [key, members]),
        [
          ['either', 3],
          ['rest', 2],
        ],
      );
      assert.equal(await membersOf('rest'), 'bc');
      assert.equal(letters(await segments.matching(Object.values(id), 'rest')), 'bc');
    });

    it('answers for a group, an audience and a look without saving, as of this moment', async () => {
      await segments.create({ key: 'pro', kind: 'dynamic', condition: 'plan = "pro"' });
      const all = Object.values(id);
      assert.equal(letters(await segments.matching(all, 'pro')), 'ac');
      const condition = compileCondition('score > 15 and country = "DE"', await leads.schema());
      assert.equal(letters(await segments.matchesCondition(all, condition)), 'b');
      const audience = await segments.audienceSql('pro', 'x', 'aud');
      const rows = await scope.all<{ id: number }>(
        `SELECT x.id FROM marketing_leads x WHERE x.tenant_id = :tenant AND ${audience.text}`,
        audience.values,
      );
      assert.equal(letters(rows.map((row) => row.id)), 'ac');
      assert.deepEqual(await segments.audienceSql(undefined), { text: '(1 = 1)', values: {} });
      const preview = await segments.preview({ condition: [{ field: 'score', operator: '>', value: 5 }] });
      assert.equal(preview.count, 4);
      assert.equal(preview.sample[0]?.email, 'a@example.com');
      assert.equal((await segments.preview({ key: 'pro' }, 1)).sample.length, 1);
      assert.equal((await segments.preview({ composition: { except: ['pro', 'pro'] } })).count, 0);
      assert.equal((await segments.list()).length, 1);
      assert.equal(await membersOf('pro'), '');
    });

    it('falls back to the closure for what the database cannot decide, with the same answers', async () => {
      registerConditionEvaluator('nm_test_even_score', {
        attributes: ['score'],
        evaluate: ({ lead }) => Number(lead['score']) % 20 === 0,
      });
      await leads.engage([{ leadId: id['d'] ?? 0, type: 'visited', eventId: 'v1' }]);
      await segments.create({
        key: 'custom',
        kind: 'dynamic',
        condition: '$custom("nm_test_even_score") and ($did("visited") or plan = "free")',
      });
      await segments.create({ key: 'custom-de', kind: 'composed', composition: { and: ['custom', 'custom'] } });
      const preview = await segments.preview({ key: 'custom' });
      assert.equal(preview.count, 2);
      await segments.recalculate('custom');
      assert.deepEqual([await membersOf('custom'), await membersOf('custom-de')], ['bd', 'bd']);
      assert.equal(letters(await segments.matching(Object.values(id), 'custom')), 'bd');
      await leads.upsert({ email: 'b@example.com', score: 21 });
      assert.deepEqual([await membersOf('custom'), await membersOf('custom-de')], ['d', 'd']);
    });

    it('refuses what cannot be evaluated when it is saved, and shows where', async () => {
      await assert.rejects(
        segments.create({ key: 'x', kind: 'dynamic', condition: 'plam = "pro"' }),
        (error: { code: string; position: number }) => {
          assert.equal(error.code, 'E_UNKNOWN_ATTRIBUTE');
          assert.equal(error.position, 0);
          return true;
        },
      );
      await assert.rejects(segments.create({ key: 'no good!', kind: 'static' }), { code: 'E_SEGMENT_KEY' });
      await assert.rejects(segments.create({ key: 'x', kind: 'composed', composition: { nor: ['a'] } as never }), {
        code: 'E_COMPOSITION',
      });
      await segments.create({ key: 'a', kind: 'static' });
      await assert.rejects(segments.create({ key: 'a', kind: 'static' }), { code: 'E_SEGMENT_EXISTS' });
      await assert.rejects(segments.recalculate('nothing'), { code: 'E_UNKNOWN_SEGMENT' });
    });

    it('refuses circles, stale versions and the removal of what is used', async () => {
      await segments.create({ key: 'a', kind: 'static' });
      await segments.create({ key: 'b', kind: 'composed', composition: { or: ['a'] } });
      await segments.create({ key: 'c', kind: 'composed', composition: 'b' });
      await assert.rejects(segments.update('b', 1, { composition: { or: ['a', 'c'] } }), { code: 'E_SEGMENT_CYCLE' });
      await assert.rejects(segments.update('b', 1, { composition: 'b' }), { code: 'E_SEGMENT_CYCLE' });
      assert.equal((await segments.update('b', 1, { name: 'B' })).version, 2);
      await assert.rejects(segments.update('b', 1, { name: 'late' }), { code: 'E_VERSION' });
      await assert.rejects(segments.remove('a'), { code: 'E_SEGMENT_IN_USE' });
      await segments.create({ key: 'busy', kind: 'static' });
      await assert.rejects(segments.remove('busy'), { code: 'E_SEGMENT_IN_USE' });
      await segments.remove('c');
      await assert.rejects(segments.get('c'), { code: 'E_UNKNOWN_SEGMENT' });
      await segments.create({ key: 'pro', kind: 'dynamic', condition: 'plan = "pro"' });
      await assert.rejects(leads.undeclare('plan'), { code: 'E_ATTRIBUTE_IN_USE' });
      await segments.remove('pro');
      await leads.undeclare('plan');
      await leads.undeclare('tags');
      assert.equal((await leads.get(id['a'] ?? 0))?.['tags'], undefined);
    });

    it('evaluates a changed definition from the next recalculation on, its containers too', async () => {
      await segments.create({ key: 'x', kind: 'dynamic', condition: 'plan = "pro"' });
      await segments.create({ key: 'y', kind: 'composed', composition: { or: ['x'] } });
      await segments.recalculate('x');
      const changed = await segments.update('x', 1, { condition: 'country = "DE"' });
      assert.deepEqual([changed.version, changed.refreshedAt, changed.reads], [2, undefined, ['country']]);
      assert.deepEqual((await segments.get('y')).reads, ['country', 'segment:x']);
      assert.equal(await membersOf('y'), 'ac');
      await segments.recalculate('x');
      assert.equal(await membersOf('y'), 'ab');
    });

    it('ends with the right members when changes and recalculations run at the same time', async () => {
      await segments.create({ key: 'high', kind: 'dynamic', condition: 'score >= 50' });
      const emails = Array.from({ length: 60 }, (_, n) => `r${n}@example.com`);
      await leads.upsertAll(emails.map((email) => ({ email })));
      let seed = 7;
      const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
      await Promise.all([
        ...Array.from({ length: 40 }, () =>
          leads.upsertAll(
            emails.filter(() => random() < 0.3).map((email) => ({ email, score: Math.floor(random() * 100) })),
          ),
        ),
        ...Array.from({ length: 6 }, () => segments.recalculate('high')),
      ]);
      const rows = await scope.all<{ id: number }>(
        'SELECT id FROM marketing_leads WHERE tenant_id = :tenant AND score >= 50 ORDER BY id',
      );
      const members = await segments.members('high');
      assert.deepEqual(
        members,
        rows.map((row) => row.id),
      );
      assert.equal((await segments.get('high')).count, members.length);
      const now = new Set<number>();
      for (const { entered, left } of heard) {
        for (const lead of left) now.delete(lead);
        for (const lead of entered) now.add(lead);
      }
      assert.ok(members.every((lead) => now.has(lead)));
    });
  });
});
