import assert from 'node:assert/strict';
import { compileDefinition, type DefinitionDocument } from '../../lib/definitions';
import { compileWebhook } from '../../lib/content';
import { planJourneys } from '../../nodes/kit/graph';
import { migrateConfig, type ConfigMigration } from '../../nodes/kit/migrate';
import { read } from './flow-reader';
import { LEVEL_2, LEVEL_3, PHASE_1, PHASE_2, PHASE_3 } from './texts';

const PHASE_1_DOCUMENT: DefinitionDocument = { id: 'product_launch', ...PHASE_1.campaigns.product_launch };
const TEXTS = { PHASE_1: PHASE_1_DOCUMENT, PHASE_2, PHASE_3, LEVEL_2, LEVEL_3 };

describe('definitions become flows', () => {
  for (const [name, document] of Object.entries(TEXTS)) {
    describe(`${name}, as written`, () => {
      const { flow, definitions } = compileDefinition(document);

      it('is a whole: one tab, a comment, unique ids, wires and config nodes that exist', () => {
        const byId = new Map(flow.map((node) => [node.id, node]));
        assert.equal(byId.size, flow.length);
        assert.equal(flow.filter(({ type }) => type === 'tab').length, 1);
        assert.ok(flow.some(({ type }) => type === 'comment'));
        for (const node of flow) {
          for (const target of ((node['wires'] ?? []) as string[][]).flat()) assert.ok(byId.has(target));
          if (node['store'] !== undefined) assert.equal(byId.get(node['store'] as string)?.type, 'marketing-store');
          if (node['account'] !== undefined)
            assert.equal(byId.get(node['account'] as string)?.type, 'marketing-account');
        }
      });

      it('is a plan that can be deployed, with the journeys that it says', () => {
        const plan = planJourneys(flow);
        assert.deepEqual(plan.problems, []);
        assert.deepEqual(plan.definitions.map(({ declaration }) => declaration.key).sort(), [...definitions].sort());
      });

      it('has nodes with exactly the properties that their types save', () => {
        for (const node of flow) {
          const type = /^marketing-(.+)$/.exec(node.type)?.[1];
          if (type === undefined) continue;
          const { migrations } = require(`../../nodes/${type}/migrations.ts`) as { migrations: ConfigMigration[] };
          const drawn = new Set(['id', 'type', 'z', 'x', 'y', 'wires', 'info', 'd']);
          const own = (config: object): string[] =>
            Object.keys(config)
              .filter((property) => !drawn.has(property))
              .sort();
          assert.deepEqual(own(node), own(migrateConfig({}, migrations)), node.type);
          assert.equal(node['configVersion'], Math.max(...migrations.map(({ version }) => version)));
        }
      });

      it('is drawn from left to right, and nothing stands on something else', () => {
        const boxes = flow.flatMap(({ x, y, name }) =>
          typeof x === 'number' && typeof y === 'number'
            ? [
                {
                  y,
                  left: x - Math.max(50, String(name).length * 3.5),
                  right: x + Math.max(50, String(name).length * 3.5),
                },
              ]
            : [],
        );
        boxes.forEach((box, index) => {
          assert.ok(box.left >= 0 && box.right < 1_600 && box.y > 0);
          for (const other of boxes.slice(index + 1))
            assert.ok(Math.abs(other.y - box.y) >= 40 || other.left > box.right || other.right < box.left);
        });
      });

      it('is the same every time', () => {
        assert.deepEqual(compileDefinition(JSON.parse(JSON.stringify(document)) as DefinitionDocument).flow, flow);
      });
    });
  }

  describe('phase 1: parallel channels', () => {
    it('has a branch for each, and keeps a channel that nobody sends yet', () => {
      const flow = read(PHASE_1_DOCUMENT);
      assert.deepEqual(flow.behind('Product Launch Campaign'), ['May get e-mail?', 'May get social?']);
      assert.equal(flow.account('Social')['channel'], 'social');
      assert.match(String(flow.named('Social')['info']), /To be configured/);
    });
  });

  describe('phase 2: a drip', () => {
    const flow = read(PHASE_2);

    it('is trigger → consent → wait → send, again and again', () => {
      const way = ['Welcome Drip Campaign'];
      for (let next = flow.behind(way[0] ?? ''); next.length > 0; next = flow.behind(next[0] ?? '')) way.push(...next);
      assert.deepEqual(way, [
        ...['Welcome Drip Campaign', 'May get e-mail?', 'Wait 1 hour', 'E-mail: welcome-1'],
        ...['Wait 2 days', 'E-mail: welcome-2', 'Wait 5 days', 'E-mail: welcome-3'],
      ]);
    });

    it('sends the templates, each at a step of its own', () => {
      assert.deepEqual(
        flow.of('send').map(({ contentFrom, template, step }) => [contentFrom, template, step]),
        ['welcome-1', 'welcome-2', 'welcome-3'].map((key) => ['template', key, key]),
      );
      assert.deepEqual(
        flow.of('delay').map(({ amount, unit, step }) => [amount, unit, step]),
        [
          ['1', 'hours', 'wait-welcome-1'],
          ['2', 'days', 'wait-welcome-2'],
          ['5', 'days', 'wait-welcome-3'],
        ],
      );
    });

    it('says in a comment what the flow does not show', () => {
      const info = flow.nodes.find(({ type }) => type === 'comment')?.['info'];
      assert.match(String(info), /`subscriber_email`: string, required/);
      assert.match(String(info), /\*\*activate\*\*: queued → active, if `data\.subscription_date <= today\(\)`/);
    });

    it('asks for an account and for the templates', () => {
      const { warnings } = compileDefinition(PHASE_2);
      assert.equal(warnings.length, 2);
      assert.match(warnings[0] ?? '', /"email" has no account/);
      assert.match(warnings[1] ?? '', /"welcome-1", "welcome-2", "welcome-3"/);
      assert.equal(flow.account('E-mail: welcome-1')['host'], '');
    });
  });

  describe('phase 3: channels, a trigger, rules', () => {
    const flow = read(PHASE_3);

    it('has a branch for every channel behind the targeting, by priority', () => {
      assert.equal(flow.named('Targeted?')['condition'], 'lead.score > 50 and lead.industry in ["tech", "finance"]');
      assert.deepEqual(flow.behind('Targeted?'), ['May get e-mail?', 'May get SMS?', 'Webhook']);
      assert.deepEqual(flow.behind('Targeted?', 1), []);
      assert.equal(flow.named('May get SMS?')['requireConsent'], 'all');
      assert.equal(flow.named('E-mail')['contentFrom'], 'campaign');
      assert.equal(flow.named('Webhook')['url'], 'https://api.example.com/notify');
      compileWebhook({ url: 'https://x.example', payload: String(flow.named('Webhook')['payload']) });
    });

    it('has a journey of its own for the trigger, and a node for what it does', () => {
      const trigger = flow.named('Lead score increased');
      assert.deepEqual(
        [trigger['mode'], trigger['event'], trigger['definition']],
        ['event', 'lead_score_increased', 'enterprise-campaign.lead_score_increased'],
      );
      assert.equal(flow.named('Lead score increased')['condition'], 'lead.lead_score >= 80');
      assert.deepEqual(flow.behind('Lead score increased'), ['Send to sales team']);
      const { url, payload } = flow.named('Send to sales team');
      assert.equal(url, '');
      assert.match(String(payload), /"action": "send_to_sales_team"/);
      compileWebhook({ url: 'https://x.example', payload: String(payload) });
    });

    it('says what is left to do, and what nothing acts on yet', () => {
      const warnings = compileDefinition(PHASE_3).warnings.join('\n');
      for (const part of [/lead\.industry/, /"email"/, /"sms"/, /"send_to_sales_team"/, /escalation.*retention/])
        assert.match(warnings, part);
      const declared = compileDefinition(PHASE_3, { attributes: { industry: 'string' } }).warnings.join('\n');
      assert.doesNotMatch(declared, /industry/);
    });

    it('has escalation, return and retention in the comment', () => {
      const info = flow.nodes.find(({ type }) => type === 'comment')?.['info'];
      for (const part of [/1 day after the launch: \*\*reassign_to_manager\*\*/, /Budget: 10000/, /365 days/])
        assert.match(String(info), part);
    });
  });

  it('the sales-marketing forms have no journey: a comment says so', () => {
    for (const document of [LEVEL_2, LEVEL_3]) {
      const { flow, definitions } = compileDefinition(document);
      assert.deepEqual(definitions, []);
      assert.deepEqual(
        flow.map(({ type }) => type),
        ['tab', 'comment'],
      );
      assert.match(String(flow[1]?.['info']), /no journey/);
    }
    assert.match(String(compileDefinition(LEVEL_2).flow[1]?.['info']), /\*\*activate\*\*: plan → active/);
    assert.match(String(compileDefinition(LEVEL_3).flow[1]?.['info']), /1 day after the launch: \*\*optimize\*\*/);
  });
});
