import { triggerRules } from '../../nodes/trigger/rules';
import assert from 'node:assert/strict';
import { compileWebhook } from '../../lib/content';
import { compileDefinition, ownerOf, type DefinitionDocument } from '../../lib/definitions';
import { drip, read, Reader } from './flow-reader';
import { PHASE_2 } from './texts';

const ids = (document: DefinitionDocument): string[] => compileDefinition(document).flow.map(({ id }) => id);
const steps = ({ nodes }: Reader): unknown[] => nodes.flatMap(({ step }) => (step === undefined ? [] : [step]));

describe('the steps of a definition', () => {
  it('keep their ids and names when texts, delays and conditions change', () => {
    const first = drip(
      { delay: '1 hour', action: 'send_email', name: 'hello', subject: 'Hi', html: '<p>Hi</p>' },
      { delay: '2 days', action: 'send_email', template: 'more', condition: 'lead.score > 5' },
    );
    const second = drip(
      { delay: '3 hours', action: 'send_email', name: 'hello', subject: 'Good morning', html: '<p>You</p>' },
      { delay: '1 day', action: 'send_email', template: 'more', condition: 'lead.score > 50' },
    );
    assert.deepEqual(ids(second), ids(first));
    assert.deepEqual(steps(read(second)), steps(read(first)));
    assert.notDeepEqual(compileDefinition(second).flow, compileDefinition(first).flow);
  });

  it('keep them when another step is put between, and when the name of the definition changes', () => {
    const a = { delay: '1 hour', action: 'send_email', template: 'a' };
    const b = { delay: '1 hour', action: 'send_email', template: 'b' };
    const before = read(drip(a, b));
    const after = read({ ...drip(a, { action: 'wait', delay: '1 week' }, b), name: 'Another name' });
    for (const id of before.nodes.map((node) => node.id)) assert.ok(after.nodes.some((node) => node.id === id));
    assert.deepEqual(steps(after), ['launch', 'wait-a', 'a', 'wait-wait', 'wait-b', 'b']);
  });

  it('with the same template or none at all are told apart', () => {
    const again = { action: 'send_email', template: 'again' };
    assert.deepEqual(steps(read(drip(again, again, { action: 'send_email' }, { action: 'send_email' }))), [
      ...['launch', 'again', 'again-2', 'send-email', 'send-email-2'],
    ]);
  });

  it('are passed by whom their condition leaves out: the next one is for everybody again', () => {
    const flow = read(
      drip(
        { action: 'send_email', template: 'a', condition: 'lead.score > 5' },
        { action: 'send_email', template: 'b' },
      ),
    );
    assert.deepEqual(flow.behind('If lead.score > 5', 0), ['E-mail: a']);
    assert.deepEqual(flow.behind('If lead.score > 5', 1), ['E-mail: b']);
    assert.deepEqual(flow.behind('E-mail: a', 0), ['E-mail: b']);
    assert.deepEqual(flow.behind('E-mail: a', 1), []);
  });

  it('on several channels: who must not get one goes on to the next', () => {
    const flow = read(drip({ action: 'send_sms', template: 'short' }, { action: 'send_email', template: 'long' }));
    assert.deepEqual(flow.behind('May get SMS?', 0), ['SMS: short']);
    assert.deepEqual(flow.behind('May get SMS?', 1), ['May get e-mail?']);
    for (const output of [0, 1, 2]) assert.deepEqual(flow.behind('SMS: short', output), ['May get e-mail?']);
  });

  it('may end the way, for all or for some; what stands behind is drawn and told of', () => {
    const some = read(drip({ action: 'end', condition: 'lead.score < 1' }, { action: 'send_email', template: 'a' }));
    assert.deepEqual(some.behind('If lead.score < 1', 0), []);
    assert.deepEqual(some.behind('If lead.score < 1', 1), ['E-mail: a']);
    const all = drip({ action: 'end' }, { action: 'send_email', template: 'a' });
    assert.match(compileDefinition(all).warnings.join(), /behind its end/);
    assert.ok(read(all).named('E-mail: a'));
    assert.deepEqual(read(all).behind('May get e-mail?'), []);
  });

  it('that wait under a condition are passed at once by the others', () => {
    const flow = read(
      drip({ action: 'wait', delay: '2 days', condition: 'lead.score < 10' }, { action: 'send_email', template: 'a' }),
    );
    assert.deepEqual(flow.behind('If lead.score < 10', 0), ['Wait 2 days']);
    assert.deepEqual(flow.behind('If lead.score < 10', 1), ['E-mail: a']);
    assert.deepEqual(flow.behind('Wait 2 days'), ['E-mail: a']);
  });

  it('send words of their own, their template, their channel’s, or the campaign’s', () => {
    const flow = read({
      ...drip(
        { name: 'own', action: 'send_email', subject: 'Hi', html: '<p>Hi</p>' },
        { name: 'named', action: 'send_email', template: 'x' },
        { name: 'usual', action: 'send_email' },
        { name: 'free', action: 'send_webhook' },
      ),
      channels: { email: { template: 'standard' } },
    });
    assert.deepEqual(
      flow.of('send').map(({ step, contentFrom, template, subject }) => [step, contentFrom, template, subject]),
      [
        ['own', 'inline', '', 'Hi'],
        ['named', 'template', 'x', ''],
        ['usual', 'template', 'standard', ''],
        ['free', 'campaign', '', ''],
      ],
    );
  });
});

describe('steps that wait until something happens', () => {
  const reminder = {
    name: 'reminder',
    action: 'send_email',
    delay: '1 hour',
    wait_until: { event: 'purchase', condition: 'event.value > 50', timeout: '4 hours', happened: 'end' as const },
    at: { time: '09:00', weekdays: [1, 3] },
  };

  it('become delay nodes in this order: the delay, what is waited for, the time of day', () => {
    const flow = read(drip(reminder));
    assert.deepEqual(steps(flow), ['launch', 'wait-reminder', 'until-reminder', 'at-reminder', 'reminder']);
    const { mode, event, eventCondition, since, timeout, timeoutUnit, outputs } = flow.named('Until purchase');
    assert.deepEqual(
      [mode, event, eventCondition, since, timeout, timeoutUnit, outputs],
      ['event', 'purchase', 'event.value > 50', 'entry', '4', 'hours', 2],
    );
    // Who has bought is through; who has not is reminded.
    assert.deepEqual(flow.behind('Until purchase', 0), []);
    assert.deepEqual(flow.behind('Until purchase', 1), ['Until Mon, Wed 09:00']);
    assert.equal(flow.named('Until Mon, Wed 09:00')['weekdays'], '1,3');
    assert.deepEqual(flow.behind('Until Mon, Wed 09:00'), ['E-mail: reminder']);
  });

  it('lead on by both outputs unless one of them ends the way, and may do nothing but wait', () => {
    const flow = read(
      drip(
        { action: 'wait', wait_until: { condition: 'data.vip = true', timeout: '2 days' } },
        { action: 'wait', wait_until: { segment: 'customers', timeout: '1 day', timed_out: 'end' } },
        { action: 'send_email', template: 'a', at: '18:30' },
      ),
    );
    for (const output of [0, 1]) {
      assert.deepEqual(flow.behind('Until lead.vip = true', output), ['Until in customers']);
    }
    assert.deepEqual(flow.behind('Until in customers', 0), ['Until 18:30']);
    assert.deepEqual(flow.behind('Until in customers', 1), []);
  });

  it('say what is wrong with them, and where', () => {
    const timeout = '1 day';
    const wrong = drip(
      { action: 'wait', wait_until: { timeout } },
      { action: 'wait', wait_until: { event: 'no event', timeout } },
      { action: 'wait', wait_until: { event: 'purchase', condition: 'event.value >', timeout } },
      { action: 'wait', wait_until: { condition: 'score > 1', since: 'ever', timeout } },
      { action: 'wait', wait_until: { event: 'a', segment: 'b', timeout: 'soon' } },
      { action: 'wait' },
    );
    assert.throws(
      () => compileDefinition(wrong),
      (error: { details?: { problems: { path: string }[] } }) => {
        assert.deepEqual(
          error.details?.problems.map(({ path }) => path.replace('/automation/sequence/', '')),
          [
            ...['0/wait_until/event', '1/wait_until/event', '2/wait_until/condition', '3/wait_until/since'],
            ...['4/wait_until/timeout', '4/wait_until/segment', '5/delay'],
          ],
        );
        return true;
      },
    );
  });
});

describe('channels and triggers of a definition', () => {
  it('a channel that is switched off is drawn, and switched off', () => {
    const flow = read({ id: 'two', channels: { email: {}, sms: { enabled: false, text: 'Hi {{ lead.name }}' } } });
    assert.equal(flow.named('SMS')['d'], true);
    assert.equal(flow.named('May get SMS?')['d'], true);
    assert.equal(flow.named('E-mail')['d'], undefined);
    const payload = String(flow.named('SMS')['payload']);
    compileWebhook({ url: 'https://gateway.example', payload });
    assert.match(payload, /Hi \{\{ lead\.name \}\}/);
  });

  it('a channel beside a sequence that does not use it is drawn, and told of', () => {
    const document = { ...drip({ action: 'send_email', template: 'a' }), channels: { email: {}, sms: {} } };
    assert.ok(read(document).named('SMS'));
    assert.match(compileDefinition(document).warnings.join(), /"sms" is enabled and no step/);
  });

  it('every trigger has a node, whatever it does: sending, or what another system does', () => {
    const flow = read({
      id: 'react',
      automation: {
        triggers: [
          { event: 'signed up', action: 'send_email', template: 'hello' },
          { event: 'signed up', action: 'add_tag', tag: 'new {{ x }}' },
          { event: 'left', action: 'update_score', by: -10 },
        ],
      },
    });
    assert.deepEqual(
      flow.of('trigger').map(({ definition, event }) => [definition, event]),
      [
        ['react.signed-up', 'signed up'],
        ['react.signed-up-2', 'signed up'],
        ['react.left', 'left'],
      ],
    );
    assert.deepEqual(
      flow.of('send').map(({ name }) => name),
      ['E-mail: hello', 'Add tag', 'Update score'],
    );
    const { info: _info, payload } = flow.named('Add tag');
    const { body } = compileWebhook({ url: 'https://x.example', payload: String(payload) }).render({ lead: { id: 7 } });
    assert.equal((JSON.parse(body ?? '') as { tag: string }).tag, 'new { { x }}');
  });

  it('a saved segment is the audience, and asked for again on the way', () => {
    const flow = read({ id: 'vip', targeting: { segment: 'vips' }, channels: ['email'] });
    assert.deepEqual([flow.of('trigger')[0]?.['audience'], flow.of('trigger')[0]?.['segment']], ['segment', 'vips']);
    assert.deepEqual([flow.of('segment')[0]?.['mode'], flow.of('segment')[0]?.['segment']], ['saved', 'vips']);
  });

  it('consent is asked for as the compliance says', () => {
    const rule = (compliance?: DefinitionDocument['compliance']): unknown =>
      read({ id: 'c', channels: ['email'], ...(compliance ? { compliance } : {}) }).of('consent')[0]?.[
        'requireConsent'
      ];
    assert.equal(rule(), 'eu');
    assert.equal(rule({ gdpr: true }), 'eu');
    assert.equal(rule({ gdpr: true, consent_required: false }), 'eu');
    assert.equal(rule({ consent_required: true }), 'all');
    assert.equal(rule({ gdpr: false, consent_required: false }), 'none');
  });

  it('conditions: data is the lead’s unless the campaign has such a field; quoted text is left alone', () => {
    const condition = 'data.plan == "data.pro" and data.city = lead.city AND campaign.key != "x"';
    const document: DefinitionDocument = {
      id: 'c',
      dataSchema: { city: { type: 'string' } },
      automation: { triggers: [{ event: 'e', condition, action: 'send_email' }] },
    };
    assert.equal(
      read(document).of('trigger')[0]?.['condition'],
      'lead.plan == "data.pro" and campaign.data.city = lead.city AND campaign.key != "x"',
    );
  });
});

describe('a trigger of a definition', () => {
  it('brings its rules into the node: properties of the event, delay, frequency, cooldown, re-entry', () => {
    const trigger = { event: 'bought', action: 'send_email', condition: 'event.value > 50 and data.city = "Graz"' };
    const flow = read({
      id: 'shop',
      automation: {
        triggers: [{ ...trigger, delay: '36 hours', frequency: '7d', cooldown: '90 min', reentry: '2 weeks' }],
      },
    });
    const node: Readonly<Record<string, unknown>> = flow.of('trigger')[0] ?? {};
    assert.deepEqual(
      ['condition', 'delay', 'delayUnit', 'frequency', 'cooldown', 'cooldownUnit', 'reentry', 'pause', 'pauseUnit'].map(
        (name) => node[name],
      ),
      ['event.value > 50 and lead.city = "Graz"', '36', 'hours', '7d', '90', 'minutes', 'pause', '14', 'days'],
    );
    assert.equal(triggerRules(node).delayMs, 36 * 3_600_000);
    for (const [field, value] of Object.entries({ delay: '31 days', frequency: '2h', reentry: 'sometimes' })) {
      assert.throws(
        () => read({ id: 'shop', automation: { triggers: [{ ...trigger, [field]: value }] } }),
        (error: Error) => JSON.stringify(error).includes(`/automation/triggers/0/${field}`),
        field,
      );
    }
  });
});

describe('where a compiled flow goes', () => {
  it('takes the store and the accounts that are there: the one it names, else the first of the kind', () => {
    const accounts = [
      { id: 'a1', name: 'First', channel: 'smtp' },
      { id: 'a2', name: 'News', channel: 'smtp' },
    ];
    const document: DefinitionDocument = { id: 'd', channels: { email: {} } };
    const plain = compileDefinition(document, { store: { id: 's' }, accounts });
    assert.deepEqual(
      plain.flow.filter(({ z, type }) => z === undefined && type !== 'tab'),
      [],
    );
    assert.deepEqual(plain.warnings, []);
    assert.equal(new Reader(plain.flow).of('send')[0]?.['account'], 'a1');
    const named = read({ id: 'd', channels: { email: { account: 'News' } } }, { accounts });
    assert.equal(named.of('send')[0]?.['account'], 'a2');
  });

  it('a flow that the database owns is locked and says so; others are anybody’s', () => {
    const owned = compileDefinition(PHASE_2, { owned: true, store: { id: 's' } }).flow;
    const [tab, comment] = owned;
    assert.ok(tab && comment);
    assert.deepEqual(ownerOf(tab), { definition: 'email-drip-sequence', store: 's' });
    assert.equal(tab['locked'], true);
    assert.match(String(comment['info']), /database owns this tab/);
    const free = compileDefinition(PHASE_2).flow;
    assert.equal(ownerOf(free[0] ?? {}), undefined);
    assert.deepEqual(free.map(({ id }) => id).slice(0, 10), owned.map(({ id }) => id).slice(0, 10));
  });

  it('the same definition of two stores has ids of its own in each', () => {
    const both = [...ids(PHASE_2), ...compileDefinition(PHASE_2, { space: 'second' }).flow.map(({ id }) => id)];
    // The store that comes along is one.
    assert.equal(new Set(both).size, both.length - 1);
  });

  it('a document that is not right is refused with the paths of what is wrong', () => {
    const wrong = drip({ action: 'dance' }, { action: 'send_email', delay: 'soon' });
    assert.throws(
      () => compileDefinition(wrong),
      (error: { code?: string; details?: { problems: { path: string }[] } }) => {
        assert.equal(error.code, 'E_DEFINITION');
        assert.deepEqual(
          error.details?.problems.map(({ path }) => path),
          ['/automation/sequence/0/action', '/automation/sequence/1/delay'],
        );
        return true;
      },
    );
  });
});
