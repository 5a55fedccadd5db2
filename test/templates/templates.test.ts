import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { codeOf, InputError, MarketingError } from '../../lib/errors';
import type { Scope } from '../../lib/store';
import { createTemplates, newestTemplates, type Templates } from '../../lib/templates';
import { parseJson } from '../../lib/store';
import { eachDatabase } from '../kit/databases';

const WELCOME = {
  name: 'Welcome',
  type: 'email',
  content: { subject: 'Hello {{ lead.name }}', text: 'Dear {{ lead.name }},\nyour offer: {{ campaign.data.offer }}' },
};

async function refuses(code: string, work: () => Promise<unknown>): Promise<MarketingError> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof MarketingError, String(error));
    assert.equal(error.code, code, error.message);
    return error;
  }
  assert.fail(`nothing was refused; ${code} was expected`);
}

eachDatabase((db) => {
  describe('templates', () => {
    let clock: VirtualClock;
    let scope: Scope;
    let other: Scope;
    let templates: Templates;

    beforeEach(async () => {
      clock = new VirtualClock(Date.UTC(2026, 0, 1));
      const store = await db.open({ clock });
      scope = store.tenant('test');
      other = store.tenant('other');
      templates = createTemplates(scope);
    });

    async function history(): Promise<Record<string, unknown>[]> {
      const rows = await scope.all<{ event: string; actor: string; payload: unknown }>(
        `SELECT event, actor, payload FROM marketing_history WHERE tenant_id = :tenant ORDER BY id`,
      );
      return rows.map(({ event, actor, payload }) => ({ event, actor, ...parseJson<object>(payload, {}) }));
    }

    describe('are made and read', () => {
      it('with a key from the name, the variables that they read, and version 1', async () => {
        const made = await templates.create({ ...WELCOME, name: '  Grüße, neu!  ' }, { actor: 'api' });
        assert.deepEqual(
          { ...made, id: 0 },
          {
            ...WELCOME,
            id: 0,
            key: 'grusse-neu',
            name: 'Grüße, neu!',
            variables: ['campaign.data.offer', 'lead.name', 'unsubscribe_url'],
            version: 1,
            contentVersion: 1,
            createdBy: 'api',
            createdAt: clock.now(),
            updatedAt: clock.now(),
          },
        );
        assert.deepEqual(await templates.get('grusse-neu'), made);
        assert.deepEqual(await templates.get(made.id), made);
        assert.deepEqual(await history(), [
          { event: 'template.created', actor: 'api', template: 'grusse-neu', type: 'email' },
        ]);
      });

      it('under the next free key when the name is taken, and never under a key that was asked for and is', async () => {
        assert.equal((await templates.create(WELCOME)).key, 'welcome');
        assert.equal((await templates.create(WELCOME)).key, 'welcome-2');
        await refuses('E_TEMPLATE_EXISTS', () => templates.create({ ...WELCOME, key: 'welcome' }));
        assert.equal((await templates.list()).items.length, 2);
      });

      it('by many at once, each under a key of its own', async () => {
        const made = await Promise.all(Array.from({ length: 8 }, () => templates.create(WELCOME)));
        assert.equal(new Set(made.map(({ key }) => key)).size, 8);
      });

      it('for every channel of the requirement', async () => {
        const contents = {
          webhook: { url: 'https://example.org/{{ lead.id }}', method: 'POST', payload: '{"n": "{{ lead.name }}"}' },
          sms: { text: 'Hi {{ lead.name }}' },
          whatsapp: { text: 'Hi {{ lead.name }}' },
          in_app: { title: 'Hi {{ lead.name }}', body: 'x', actionUrl: 'https://example.org', icon: 'bell' },
          social: { text: 'Hi {{ lead.name }}' },
        };
        for (const [type, content] of Object.entries(contents)) {
          const made = await templates.create({ name: type, type, content });
          assert.deepEqual(made.content, content, type);
          assert.ok(made.variables.includes('lead.name') || made.variables.includes('lead.id'), type);
        }
      });

      it('but not when something is wrong: every problem is named with its path, and nothing is written', async () => {
        const error = await refuses('E_TEMPLATE_INPUT', () =>
          templates.create({
            key: 'not a key',
            name: ' ',
            type: 'email',
            content: { subject: '{{ lead.name', html: '<p>{% include "x" %}</p>', nope: 1 },
          }),
        );
        assert.ok(error instanceof InputError);
        const { problems } = error.details as { problems: { path: string; message: string }[] };
        assert.deepEqual(
          problems.map(({ path }) => path),
          ['/key', '/name', '/content/nope', '/content/subject', '/content/html'],
        );
        for (const { message } of problems) assert.match(message, /\.$/);
        await refuses('E_TEMPLATE_INPUT', () => templates.create({ ...WELCOME, type: 'E-Mail' }));
        await refuses('E_TEMPLATE_INPUT', () => templates.create({ ...WELCOME, content: null }));
        assert.deepEqual(await templates.list(), { items: [] });
        assert.deepEqual(await history(), []);
      });

      it('by their own tenant only', async () => {
        const { id } = await templates.create(WELCOME);
        const theirs = createTemplates(other);
        for (const key of [id, 'welcome']) await refuses('E_UNKNOWN_TEMPLATE', () => theirs.get(key));
        await refuses('E_UNKNOWN_TEMPLATE', () => theirs.update(id, { name: 'x' }));
        await refuses('E_UNKNOWN_TEMPLATE', () => theirs.remove(id));
        assert.deepEqual(await theirs.list(), { items: [] });
        assert.equal((await newestTemplates(other, [{ key: 'welcome' }])).size, 0);
        assert.equal((await theirs.create(WELCOME)).key, 'welcome');
      });
    });

    describe('are listed', () => {
      beforeEach(async () => {
        for (const name of ['Beta', 'alpha', '100% off', '100 things', 'Alpha']) {
          await templates.create({ ...WELCOME, name });
          await clock.advance(1_000);
        }
        await templates.create({ name: 'alpha', type: 'sms', key: 'zeta', content: { text: 'x' } });
      });
      const names = async (query: Parameters<Templates['list']>[0]): Promise<string[]> =>
        (await templates.list(query)).items.map(({ name }) => name);

      it('by name, by type, and by how a name or key begins, whatever its case', async () => {
        assert.deepEqual(await names({}), ['100 things', '100% off', 'alpha', 'Alpha', 'alpha', 'Beta']);
        assert.deepEqual(await names({ type: 'sms' }), ['alpha']);
        assert.deepEqual(await names({ search: 'ALPHA' }), ['alpha', 'Alpha', 'alpha']);
        assert.deepEqual(await names({ search: 'zet' }), ['alpha']);
        await templates.update('zeta', { name: 'Übersicht' });
        assert.deepEqual(await names({ search: 'üBER' }), ['Übersicht']);
        assert.deepEqual(await names({ search: '100%' }), ['100% off']);
        assert.deepEqual(await names({ search: '_lpha' }), []);
        assert.deepEqual(await names({ search: `' OR 1=1 --` }), []);
      });

      it('page by page without a gap, in every order', async () => {
        for (const sort of ['name', '-name', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'] as const) {
          const whole = (await templates.list({ sort })).items.map(({ id }) => id);
          const paged: number[] = [];
          let cursor: string | undefined;
          do {
            const page = await templates.list({ sort, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
            paged.push(...page.items.map(({ id }) => id));
            cursor = page.cursor;
          } while (cursor !== undefined);
          assert.deepEqual(paged, whole, sort);
        }
        const second = await templates.list({ page: 2, limit: 4 });
        assert.deepEqual([second.items.length, second.total], [2, 6]);
      });

      it('and refuse questions that mean nothing', async () => {
        await refuses('E_LIMIT', () => templates.list({ limit: 101 }));
        await refuses('E_LIMIT', () => templates.list({ limit: 0 }));
        await refuses('E_PAGE', () => templates.list({ page: 0 }));
        await refuses('E_SORT', () => templates.list({ sort: 'content; DROP TABLE x' as 'name' }));
        const cursor = (await templates.list({ limit: 1 })).cursor ?? '';
        await refuses('E_CURSOR', () => templates.list({ cursor, sort: 'createdAt' }));
        for (const made of ['x', Buffer.from('["name", 1, 2]').toString('base64url'), ''])
          await refuses('E_CURSOR', () => templates.list({ cursor: made }));
        await refuses('E_PAGE', () => templates.list({ cursor, page: 1 }));
      });
    });

    describe('are changed', () => {
      it('keeping each content as a version that stays as it was', async () => {
        await templates.create(WELCOME);
        const content = { ...WELCOME.content, subject: 'Hi {{ lead.name }}, {{ lead.country }}' };
        await clock.advance(1_000);
        const changed = await templates.update('welcome', { content }, { version: 1, actor: 'editor ada' });
        assert.deepEqual([changed.version, changed.contentVersion, changed.content], [2, 2, content]);
        assert.ok(changed.variables.includes('lead.country'));
        assert.deepEqual((await templates.get('welcome', 1)).content, WELCOME.content);
        const versions = await templates.versions('welcome');
        assert.deepEqual(
          versions.map(({ version, createdBy }) => [version, createdBy]),
          [
            [2, 'editor ada'],
            [1, 'system'],
          ],
        );
        assert.notEqual(versions[0]?.hash, versions[1]?.hash);
        await refuses('E_UNKNOWN_TEMPLATE_VERSION', () => templates.get('welcome', 3));
      });

      it('without a new content when only the name is another, or nothing at all', async () => {
        await templates.create(WELCOME);
        const renamed = await templates.update('welcome', { name: 'Hello' });
        assert.deepEqual(
          [renamed.name, renamed.key, renamed.version, renamed.contentVersion],
          ['Hello', 'welcome', 2, 1],
        );
        const same = await templates.update('welcome', { content: { ...WELCOME.content } });
        assert.deepEqual(same, renamed);
        assert.equal((await templates.versions('welcome')).length, 1);
        assert.deepEqual((await templates.get('welcome', 2)).content, WELCOME.content, 'the content of that time');
        assert.equal((await history()).length, 2);
      });

      it('by one of many who have seen the same version', async function () {
        this.timeout(60_000);
        await templates.create(WELCOME);
        const tries = await Promise.allSettled(
          Array.from({ length: 20 }, (_, at) =>
            templates.update('welcome', at % 2 ? { name: `N${at}` } : { content: { subject: `S${at}`, text: 'x' } }, {
              version: 1,
            }),
          ),
        );
        const lost = tries.flatMap((one) => (one.status === 'rejected' ? [codeOf(one.reason)] : []));
        assert.deepEqual(lost, Array(19).fill('E_CONFLICT'));
        assert.equal((await templates.get('welcome')).version, 2);
      });

      it('only to something that can be sent', async () => {
        await templates.create(WELCOME);
        await refuses('E_TEMPLATE_INPUT', () => templates.update('welcome', { content: { subject: 'x' } }));
        await refuses('E_TEMPLATE_INPUT', () => templates.update('welcome', { name: '' }));
        await refuses('E_UNKNOWN_TEMPLATE', () => templates.update('nope', { name: 'x' }));
        assert.equal((await templates.get('welcome')).version, 1);
      });

      it('back to an earlier content, as a new version', async () => {
        await templates.create(WELCOME);
        await templates.update('welcome', { content: { subject: 'x', text: 'y' } });
        const restored = await templates.restore('welcome', 1);
        assert.deepEqual([restored.version, restored.content], [3, WELCOME.content]);
        const [third, , first] = await templates.versions('welcome');
        assert.equal(third?.hash, first?.hash);
        assert.equal((await history()).at(-1)?.['event'], 'template.restored');
      });

      it('and two versions are compared part by part, line by line', async () => {
        await templates.create(WELCOME);
        await templates.update('welcome', {
          content: {
            ...WELCOME.content,
            text: 'Dear {{ lead.name }},\nnews:\n{{ campaign.data.news }}',
            replyTo: 'a@example.org',
          },
        });
        assert.deepEqual(await templates.diff('welcome', 1, 2), [
          { part: 'replyTo', lines: [{ op: 'added', text: 'a@example.org' }] },
          {
            part: 'text',
            lines: [
              { op: 'same', text: 'Dear {{ lead.name }},' },
              { op: 'removed', text: 'your offer: {{ campaign.data.offer }}' },
              { op: 'added', text: 'news:' },
              { op: 'added', text: '{{ campaign.data.news }}' },
            ],
          },
        ]);
        assert.deepEqual(await templates.diff('welcome', 2, 2), []);
      });
    });

    it('are duplicated: "Copy of …", with a life of its own and its origin in the history', async () => {
      const { id } = await templates.create(WELCOME);
      const copy = await templates.duplicate(id, { actor: 'ada' });
      assert.deepEqual(
        [copy.name, copy.key, copy.version, copy.content, copy.type],
        ['Copy of Welcome', 'copy-of-welcome', 1, WELCOME.content, 'email'],
      );
      await templates.update(copy.key, { content: { subject: 'x', text: 'y' } });
      assert.deepEqual((await templates.get('welcome')).content, WELCOME.content);
      assert.equal((await templates.duplicate('welcome', { name: 'Mine', key: 'mine' })).key, 'mine');
      assert.deepEqual((await history()).filter(({ from }) => from === 'welcome').length, 2);
      await refuses('E_UNKNOWN_TEMPLATE', () => templates.duplicate('nope'));
    });

    describe('are deleted', () => {
      async function campaign(key: string, state: string, content: unknown): Promise<void> {
        await scope.run(
          `INSERT INTO marketing_campaigns
             (tenant_id, campaign_key, name, definition_key, own_segment, data, state, on_unknown, own_policy, content, created_at, updated_at)
           VALUES (:tenant, :key, :key, 'd', 0, '{}', :state, 'hold', 0, :content, 0, 0)`,
          { key, state, content: JSON.stringify(content) },
        );
      }

      it('with all their versions', async () => {
        await templates.create(WELCOME);
        await templates.remove('welcome', { version: 1 });
        await refuses('E_UNKNOWN_TEMPLATE', () => templates.get('welcome'));
        const rows = await scope.all('SELECT id FROM marketing_template_versions WHERE tenant_id = :tenant');
        assert.deepEqual(rows, []);
        assert.equal((await history()).at(-1)?.['event'], 'template.deleted');
        assert.equal((await templates.create(WELCOME)).version, 1, 'the key is free again');
      });

      it('not while a campaign that is not over uses them', async () => {
        await templates.create(WELCOME);
        await campaign('spring', 'active', { email: { template: 'welcome' } });
        await campaign('winter', 'completed', { email: { template: 'welcome' } });
        const error = await refuses('E_TEMPLATE_IN_USE', () => templates.remove('welcome'));
        assert.deepEqual(error.details['usedBy'], ['the campaign "spring"']);
        await scope.run(`UPDATE marketing_campaigns SET state = 'cancelled' WHERE tenant_id = :tenant`);
        await templates.remove('welcome');
      });

      it('not while a deployed flow or a saved definition uses them; the same word elsewhere is no use', async () => {
        await templates.create(WELCOME);
        await campaign('text', 'draft', { email: { subject: 'welcome', text: '"welcome"' } });
        const definition = (key: string, body: unknown, deployed: number): Promise<number> =>
          scope.run(
            `INSERT INTO marketing_definitions (tenant_id, definition_key, name, source, hash, version, deployed, body, created_at, updated_at)
             VALUES (:tenant, :key, :key, 's', :key, 1, :deployed, :body, 0, 0)`,
            { key, deployed, body: JSON.stringify(body) },
          );
        const node = { type: 'marketing-send', contentFrom: 'template', template: 'welcome' };
        await definition('former', { body: [node] }, 0);
        await definition('inline', { body: [{ ...node, contentFrom: 'inline' }] }, 1);
        await scope.run(
          `INSERT INTO marketing_documents (tenant_id, definition_key, version, hash, active, body, created_by, created_at)
           VALUES (:tenant, 'drip', 1, 'h', 1, :body, 'x', 0)`,
          { body: JSON.stringify({ automation: { sequence: [{ action: 'send_email', template: 'welcome' }] } }) },
        );
        await definition('live', { body: [node] }, 1);
        const error = await refuses('E_TEMPLATE_IN_USE', () => templates.remove('welcome'));
        assert.deepEqual(error.details['usedBy'], ['the definition "live"', 'the definition document "drip"']);
      });

      it('not when somebody has changed them meanwhile', async () => {
        await templates.create(WELCOME);
        await templates.update('welcome', { name: 'x' });
        await refuses('E_CONFLICT', () => templates.remove('welcome', { version: 1 }));
        assert.equal((await templates.get('welcome')).version, 2);
      });
    });

    describe('are previewed', () => {
      it('with samples where nothing is given, and with a lead and a campaign where they are', async () => {
        await templates.create(WELCOME);
        const sample = await templates.preview({ key: 'welcome' });
        assert.equal(sample.subject, 'Hello Ada Example');
        assert.deepEqual(sample.variables, ['campaign.data.offer', 'lead.name', 'unsubscribe_url']);
        const filled = await templates.preview(
          { key: 'welcome', version: 1 },
          { lead: { id: 3, name: 'Bo' }, campaign: { id: 1, key: 'c', name: 'C', data: { offer: '10 %' } } },
        );
        assert.equal(filled.subject, 'Hello Bo');
        assert.match(filled.text ?? '', /^Dear Bo,\nyour offer: 10 %/);
      });

      it('before they are saved, on any channel', async () => {
        const content = { url: 'https://example.org/{{ lead.id }}', payload: '{"n": "{{ lead.name }}"}' };
        const { request } = await templates.preview({ type: 'webhook', content }, { lead: { id: 9, name: 'x' } });
        assert.deepEqual([request?.url, request?.body], ['https://example.org/9', '{"n": "x"}']);
        const sms = await templates.preview({ type: 'sms', content: { text: 'ł'.repeat(71) } });
        assert.equal(sms.size?.segments, 2);
        await refuses('E_TEMPLATE_INPUT', () => templates.preview({ type: 'sms', content: { text: '{{' } }));
        assert.deepEqual(await templates.list(), { items: [] });
      });
    });

    it('are for those who may: reading for viewers, writing for marketers', async () => {
      await templates.create(WELCOME);
      const viewer = { actor: { id: 'v', roles: ['viewer' as const] } };
      const nobody = { actor: { id: 'n', roles: [] } };
      assert.equal((await templates.get('welcome', undefined, viewer)).name, 'Welcome');
      assert.equal((await templates.list({}, viewer)).items.length, 1);
      for (const work of [
        () => templates.get('welcome', undefined, nobody),
        () => templates.list({}, nobody),
        () => templates.versions('welcome', nobody),
        () => templates.diff('welcome', 1, 1, nobody),
        () => templates.preview({ key: 'welcome' }, {}, nobody),
        () => templates.create(WELCOME, viewer),
        () => templates.update('welcome', { name: 'x' }, viewer),
        () => templates.restore('welcome', 1, viewer),
        () => templates.duplicate('welcome', viewer),
        () => templates.remove('welcome', viewer),
      ])
        await refuses('E_FORBIDDEN', work);
    });

    it('tell the engine their newest content in one statement, and no words that it has already', async () => {
      const a = await templates.create({ ...WELCOME, key: 'a' });
      await templates.create({ ...WELCOME, key: 'b' });
      const first = await newestTemplates(scope, [{ key: 'a' }, { key: 'b' }, { key: 'nope' }]);
      assert.deepEqual([...first.keys()].sort(), ['a', 'b']);
      assert.deepEqual(first.get('a')?.content, WELCOME.content);
      const known = { id: a.id, version: 1 };
      assert.equal((await newestTemplates(scope, [{ key: 'a', known }])).get('a')?.content, undefined);
      await templates.update('a', { name: 'renamed' });
      assert.equal((await newestTemplates(scope, [{ key: 'a', known }])).get('a')?.content, undefined);
      await templates.update('a', { content: { subject: 'x', text: 'y' } });
      const newer = (await newestTemplates(scope, [{ key: 'a', known }])).get('a');
      assert.deepEqual([newer?.version, newer?.content], [3, { subject: 'x', text: 'y' }]);
      await templates.remove('a');
      const again = await templates.create({ ...WELCOME, key: 'a' });
      assert.notEqual(again.id, a.id);
      assert.ok(
        (await newestTemplates(scope, [{ key: 'a', known }])).get('a')?.content,
        'another template of the same key',
      );
    });
  });
});
