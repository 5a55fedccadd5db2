import assert from 'node:assert/strict';
import path from 'node:path';
import { openMarketing, type Marketing } from '../../lib';
import { SystemClock } from '../../lib/clock';
import { compileDefinition, Documents, type DefinitionDocument, type FlowNode } from '../../lib/definitions';
import { DefinitionKeeper, readDefinitions, type FlowRuntime } from '../../lib/runtime/definitions';
import { createLog } from '../../lib/runtime/log';
import { startMailSink, type MailSink } from '../../lib/runtime/mailbox';
import { createTemplates } from '../../lib/templates';
import { eventually } from '../kit/eventually';
import { NODE_RED_VERSIONS, startNodeRed, type Flow, type NodeRed } from '../kit/node-red';
import { PHASE_2 } from './texts';

const PEOPLE = 200;
const HOUR = 3_600_000;
const TAB = { id: 'tab', type: 'tab', label: 'By hand' };
const STORE = { id: 'store', type: 'marketing-store', name: 'Store', tenant: 'default', configVersion: 1 };

interface Waiting {
  lead: number;
  due: number;
}

/** Who waits at a step, and until when. */
function waitingAt({ scope }: Marketing, step: string, state = 'waiting'): Promise<Waiting[]> {
  return scope.all<Waiting & object>(
    `SELECT s.lead_id AS lead, s.due_at AS due FROM marketing_steps s
     JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant AND t.step = :step
     WHERE s.tenant_id = :tenant AND s.state = :state ORDER BY s.lead_id`,
    { step, state },
  );
}

/** The flows of a Node-RED in another process. */
function flowsOf(nodeRed: NodeRed): FlowRuntime {
  const headers = { 'content-type': 'application/json', 'Node-RED-API-Version': 'v2' };
  return {
    async read() {
      const answer = await fetch(`${nodeRed.admin}/flows`, { headers });
      const { flows, rev } = (await answer.json()) as { flows: FlowNode[]; rev: string };
      return { nodes: flows, revision: rev };
    },
    async deploy(nodes, revision) {
      const answer = await fetch(`${nodeRed.admin}/flows`, {
        method: 'POST',
        headers: { ...headers, 'Node-RED-Deployment-Type': 'nodes' },
        body: JSON.stringify({ flows: nodes, rev: revision }),
      });
      assert.equal(answer.status, 200, await answer.text());
    },
  };
}

for (const version of NODE_RED_VERSIONS) {
  describe(`definitions in a running Node-RED [${version}]`, function () {
    this.timeout(90_000);
    let nodeRed: NodeRed;
    let marketing: Marketing;
    let sink: MailSink | undefined;

    async function start(flow: Flow): Promise<void> {
      nodeRed = await startNodeRed({ version, flow });
      marketing = await openMarketing({
        database: { url: `sqlite:${path.join(nodeRed.userDir, 'marketing.sqlite')}` },
        work: false,
      });
    }
    afterEach(async () => {
      await marketing?.close();
      await nodeRed?.stop();
      await sink?.close();
      sink = undefined;
    });
    /** Time passes for everybody who waits. */
    async function letGo(): Promise<void> {
      const now = Date.now() - 1;
      await marketing.scope.run(
        `UPDATE marketing_steps SET due_at = :now WHERE tenant_id = :tenant AND state = 'waiting'`,
        { now },
      );
      const stations = await marketing.scope.all<{ id: number }>(
        `SELECT id FROM marketing_stations WHERE tenant_id = :tenant AND kind = 'delay'`,
      );
      for (const { id } of stations) await marketing.timers.wake('station', String(id), now);
    }

    it('phase 2 as written: somebody walks through, and gets the three mails', async () => {
      sink = await startMailSink({ clock: new SystemClock() });
      const account = {
        ...{ id: 'mail', type: 'marketing-account', name: 'News', configVersion: 1, channel: 'smtp', security: 'none' },
        ...{ host: sink.host, port: String(sink.port), fromAddress: 'news@example.org' },
      };
      const { flow, warnings } = compileDefinition(PHASE_2, {
        store: STORE,
        accounts: [{ id: 'mail', name: 'News', channel: 'smtp' }],
      });
      assert.equal(warnings.length, 1, 'once there is an account, it only needs its templates');
      await start([STORE, account, ...flow]);
      const templates = createTemplates(marketing.scope);
      for (const key of ['welcome-1', 'welcome-2', 'welcome-3']) {
        const content = { subject: `${key} for {{ lead.name }}`, html: '<p>{{ campaign.data.subscriber_name }}</p>' };
        await templates.create({ key, name: key, type: 'email', content });
      }
      await marketing.leads.upsert({ email: 'ada@example.org', name: 'Ada', country: 'US' });
      await eventually(async () => assert.ok((await marketing.definitions.get('email-drip-sequence'))?.deployed));
      const data = { subscriber_email: 'ada@example.org', subscriber_name: 'Ada L.', subscription_date: '2026-01-01' };
      const key = 'email-drip-sequence';
      await marketing.campaigns.create({ key, definition: key, data });
      const trigger = flow.find(({ type }) => type === 'marketing-trigger')?.id;
      await nodeRed.post(`marketing/trigger/${trigger}/launch`);

      for (const [step, hours] of [
        ['welcome-1', 1],
        ['welcome-2', 48],
        ['welcome-3', 120],
      ] as const) {
        const { due } = await eventually(async () => {
          const [person] = await waitingAt(marketing, `wait-${step}`);
          assert.ok(person);
          return person;
        });
        assert.ok(Math.abs(due - Date.now() - hours * HOUR) < HOUR / 2, `${step} waits for ${hours} hours`);
        await letGo();
        const mail = await eventually(() => {
          const latest = sink?.latestTo('ada@example.org');
          assert.equal(latest?.subject, `${step} for Ada`);
          return latest;
        });
        assert.match(String(mail?.raw), /Ada L\./);
      }
      await eventually(async () => assert.deepEqual((await marketing.campaigns.report(key)).ended, { completed: 1 }));
      assert.doesNotMatch(nodeRed.log(), /E_[A-Z]/);
    });

    // The other version is shown to deploy alike by the tests of nodes.
    if (version === 'node-red')
      it('saved in the database: new versions are deployed with people inside, and nobody is lost', async () => {
        const drawn = (id: string, type: string, wires: string[][], more: object): Record<string, unknown> => ({
          ...{ id, type, z: 'tab', x: 100, y: 100, name: id, store: 'store', configVersion: 1, wires },
          ...more,
        });
        await start([
          TAB,
          STORE,
          drawn('hand', 'marketing-trigger', [['patience']], { definition: 'hand', step: 'launch' }),
          drawn('patience', 'marketing-delay', [[]], { amount: '400', unit: 'days', step: 'patience' }),
        ]);
        const lines: string[] = [];
        const clock = new SystemClock();
        const keeper = new DefinitionKeeper({
          flows: flowsOf(nodeRed),
          read: readDefinitions(
            () => new Map([['store', marketing]]),
            ({ scope }) => new Documents(scope),
          ),
          clock,
          log: createLog({ clock, level: 'info', format: 'text', write: (line) => void lines.push(line) }),
        });
        const documents = new Documents(marketing.scope);
        const drip = (more: object, ...extra: object[]): DefinitionDocument => ({
          ...{ id: 'drip', name: 'Drip' },
          automation: {
            sequence: [
              { name: 'first', delay: '30 days', action: 'send_webhook', url: 'https://api.example.com/a', ...more },
              ...extra,
            ] as never,
          },
        });
        const versionIs = (wanted: number): Promise<void> =>
          eventually(async () => {
            const registered = await marketing.definitions.get('drip');
            assert.ok(registered?.deployed && registered.version === wanted, `version ${registered?.version}`);
          });
        await eventually(async () => assert.ok((await marketing.definitions.get('hand'))?.deployed));

        await documents.save(drip({}));
        assert.equal(await keeper.look(), true);
        assert.equal(await keeper.look(), false, 'what runs is what is saved');
        await versionIs(1);
        await marketing.leads.upsertAll(
          Array.from({ length: PEOPLE }, (_, index) => ({ email: `p${index}@example.org` })),
        );
        await eventually(() => nodeRed.post('marketing/trigger/hand/launch'));
        await marketing.campaigns.ensure('drip');
        await marketing.campaigns.launch('drip');
        const everybodyAt = (step: string, state?: string): Promise<Waiting[]> =>
          eventually(async () => {
            const people = await waitingAt(marketing, step, state);
            assert.equal(people.length, PEOPLE);
            return people;
          }, 40_000);
        const [before, byHand] = [await everybodyAt('wait-first'), await everybodyAt('patience')];

        // Another text, a step behind it, and beside it a definition that this release cannot read.
        await documents.save(
          drip({ url: 'https://api.example.com/b' }, { delay: '1 day', action: 'send_webhook', name: 'second' }),
        );
        await marketing.scope.run(
          `INSERT INTO marketing_documents (tenant_id, definition_key, version, hash, active, body, created_by, created_at)
         VALUES (:tenant, 'broken', 1, 'x', 1, '{"id":"broken","automation":{"sequence":[{"action":"dance"}]}}', 'test', 0)`,
        );
        await keeper.look();
        await versionIs(2);
        assert.deepEqual(await waitingAt(marketing, 'wait-first'), before);
        assert.deepEqual(await waitingAt(marketing, 'patience'), byHand);
        assert.deepEqual(await marketing.campaigns.orphans(), []);
        assert.deepEqual(
          keeper.definitions.map(({ key, state, code }) => [key, state, code]),
          [
            ['broken', 'broken', 'E_DEFINITION'],
            ['drip', 'deployed', undefined],
          ],
        );
        assert.match(lines.join(''), /"broken", version 1, is not deployed: E_DEFINITION: .*sequence\/0\/action/);

        // Without the step that everybody is at, they are orphans; with it they go on where they were.
        await documents.save(drip({ name: 'other' }));
        await keeper.look();
        await eventually(async () =>
          assert.deepEqual(await marketing.campaigns.orphans(), [
            { definition: 'drip', step: 'wait-first', people: PEOPLE },
          ]),
        );
        assert.deepEqual(await waitingAt(marketing, 'patience'), byHand);
        await documents.restore('drip', 2);
        await keeper.look();
        assert.deepEqual(await everybodyAt('wait-first'), before);
        const report = await marketing.campaigns.report('drip');
        assert.deepEqual([report.audience, report.waiting, report.orphaned], [PEOPLE, PEOPLE, 0]);

        // Out of force, its tab leaves; the others stay.
        await documents.deactivate('drip');
        await keeper.look();
        await eventually(async () => assert.equal((await marketing.definitions.get('drip'))?.deployed, false));
        assert.deepEqual(await waitingAt(marketing, 'patience'), byHand);
        assert.doesNotMatch(nodeRed.log(), /E_(?!NO_ACCOUNT)[A-Z]/);
      });
  });
}
