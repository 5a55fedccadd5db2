import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { readDocument, type Problem } from '../../lib/definitions';
import { InputError } from '../../lib/errors';
import { PHASE_2 } from './texts';

function problemsOf(document: unknown): { code: string; message: string; problems: readonly Problem[] } {
  try {
    readDocument(document);
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    return { code: error.code, message: error.message, problems: error.details['problems'] as readonly Problem[] };
  }
  assert.fail('it was taken');
}

const stages = ['plan', 'active', 'closed'];
const sequence = (...steps: unknown[]): object => ({ automation: { sequence: steps } });
const escalation = (...rules: unknown[]): object => ({ automation: { escalation: rules } });
const triggers = (...list: unknown[]): object => ({ automation: { triggers: list } });
const go = (transition: unknown): object => ({ stages, transitions: { go: transition } });

/** A part of a document, and the paths of what is wrong with it. */
const CASES: readonly (readonly [what: string, part: object, ...paths: string[]])[] = [
  ['an unknown name', { chanels: {} }, '/chanels'],
  ['an id that is no key', { id: 'two words' }, '/id'],
  ['an empty id', { id: '' }, '/id'],
  ['an id that is a number', { id: 7 }, '/id'],
  ['a name that is a list', { name: [] }, '/name'],
  ['a version that is an object', { version: {} }, '/version'],
  ['stages that are text', { stages: 'draft' }, '/stages'],
  ['no stages in the list', { stages: [] }, '/stages'],
  ['a stage that is a number', { stages: ['plan', 5] }, '/stages/1'],
  ['a stage without a state', { stages: ['plan', { name: 'active' }] }, '/stages/1/state'],
  ['a stage with an unknown state', { stages: [{ name: 'x', state: 'running' }] }, '/stages/0/state'],
  ['a stage that is there twice', { stages: ['plan', 'active', 'plan'] }, '/stages/2'],
  [
    'an object stage that is there twice',
    { stages: ['active', { name: 'active', state: 'paused' }] },
    '/stages/1/name',
  ],
  ['a stage with white space around it', { stages: ['plan', ' active', 'active'] }, '/stages/1'],
  ['stages of which none is active', { stages: ['plan', 'closed'] }, '/stages'],
  ['stages here and in the entity', { stages, entities: { campaign: { stages } } }, '/entities/campaign/stages'],
  ['stages of another entity', { entities: { lead: { stages } } }, '/entities/lead/stages'],
  ['a transition without an end', go({ from: 'plan' }), '/transitions/go/to'],
  ['a transition from nowhere', go({ from: 'nowhere', to: 'active' }), '/transitions/go/from'],
  ['one of several origins that is none', go({ from: ['plan', 'x'], to: 'active' }), '/transitions/go/from/1'],
  ['an origin that is there twice', go({ from: ['plan', 'plan'], to: 'active' }), '/transitions/go/from/1'],
  ['a transition to an undeclared stage', go({ from: 'plan', to: 'paused' }), '/transitions/go/to'],
  ['a transition to itself', go({ from: 'plan', to: 'plan' }), '/transitions/go/to'],
  [
    'pausing what never ran',
    { stages: ['plan', 'active', 'paused'], transitions: { rest: { from: 'plan', to: 'paused' } } },
    '/transitions/rest',
  ],
  [
    'a usual stage that does not exist',
    { transitions: { go: { from: 'drafts', to: 'active' } } },
    '/transitions/go/from',
  ],
  ['an action with an odd name', { transitions: { 'a/b~c': { from: 'draft', to: 'active' } } }, '/transitions/a~1b~0c'],
  [
    'a transition that is declared twice',
    {
      stages,
      transitions: { go: { from: 'plan', to: 'active' } },
      entities: { campaign: { transitions: { go: { from: 'active', to: 'closed' } } } },
    },
    '/entities/campaign/transitions/go',
  ],
  [
    'a condition that ends too early',
    go({ from: 'plan', to: 'active', condition: 'data.a >' }),
    '/transitions/go/condition',
  ],
  [
    'a condition on a lead',
    go({ from: 'plan', to: 'active', condition: 'lead.score > 5' }),
    '/transitions/go/condition',
  ],
  ['a condition on behaviour', go({ from: 'plan', to: 'active', condition: '$did("x")' }), '/transitions/go/condition'],
  [
    'an unknown field of campaigns',
    go({ from: 'plan', to: 'active', condition: 'campaign.bugdet > 0' }),
    '/transitions/go/condition',
  ],
  [
    'a declared field compared with another type',
    {
      dataSchema: { sent: { type: 'number' } },
      ...go({ from: 'plan', to: 'active', condition: 'data.sent > "5"' }),
    },
    '/transitions/go/condition',
  ],
  [
    'an operator that there is not',
    go({ from: 'plan', to: 'active', condition: [{ field: 'data.a', operator: 'gt', value: 5 }] }),
    '/transitions/go/condition/0/operator',
  ],
  ['a duration in months', escalation({ after: '2 months', action: 'optimize' }), '/automation/escalation/0/after'],
  ['a duration without a unit', sequence({ delay: '5', action: 'send_email' }), '/automation/sequence/0/delay'],
  ['a duration that is a number', sequence({ delay: 5, action: 'send_email' }), '/automation/sequence/0/delay'],
  [
    'a duration of nothing before an escalation',
    escalation({ after: '0', action: 'x' }),
    '/automation/escalation/0/after',
  ],
  ['a duration of centuries', sequence({ delay: '900 weeks', action: 'end' }), '/automation/sequence/0/delay'],
  ['an escalation without an action', escalation({ after: '1 day' }), '/automation/escalation/0/action'],
  [
    'an escalation that looks at a lead',
    escalation({ after: '1 day', action: 'x', condition: 'lead.score > 5' }),
    '/automation/escalation/0/condition',
  ],
  [
    'an unknown action in the sequence',
    sequence({ action: 'send_email' }, { action: 'dance' }),
    '/automation/sequence/1/action',
  ],
  ['sending on no channel', sequence({ action: 'send' }), '/automation/sequence/0/channel'],
  ['sending on two channels', sequence({ action: 'send_email', channel: 'sms' }), '/automation/sequence/0/channel'],
  ['waiting for nothing', sequence({ action: 'wait' }), '/automation/sequence/0/delay'],
  [
    'steps of one name',
    sequence({ action: 'end', name: 'a' }, { action: 'end', name: 'a' }),
    '/automation/sequence/1/name',
  ],
  [
    'a step’s condition that does not compile',
    sequence({ action: 'send_email', condition: 'lead.a = = 5' }),
    '/automation/sequence/0/condition',
  ],
  [
    'two sequences',
    { ...sequence({ action: 'end' }), entities: { campaign: sequence({ action: 'end' }) } },
    '/entities/campaign/automation/sequence',
  ],
  ['a trigger without an event', triggers({ action: 'x' }), '/automation/triggers/0/event'],
  [
    'a trigger’s condition of two types',
    triggers({ event: 'e', action: 'x', condition: 'data.a + "b" > 5' }),
    '/automation/triggers/0/condition',
  ],
  ['a channel with an odd name', { channels: { 'e mail': {} } }, '/channels/e mail'],
  ['a channel that is there twice', { channels: ['email', 'sms', 'email'] }, '/channels/2'],
  ['a channel that is text', { channels: { email: 'smtp' } }, '/channels/email'],
  ['a priority that is text', { channels: { email: { priority: 'first' } } }, '/channels/email/priority'],
  ['an address that is none', { channels: { webhook: { url: 'api.example.com' } } }, '/channels/webhook/url'],
  ['an unknown method', { channels: { webhook: { method: 'SEND' } } }, '/channels/webhook/method'],
  ['targeting with a broken expression', { targeting: { segment: 'lead.age >' } }, '/targeting/segment'],
  ['targeting with an empty group', { targeting: { segment: { conditions: [] } } }, '/targeting/segment/conditions'],
  [
    'targeting with an unknown logic',
    { targeting: { segment: { conditions: [{ field: 'age', operator: '>', value: 1 }], logic: 'XOR' } } },
    '/targeting/segment/logic',
  ],
  [
    'two conditions for one target',
    { targeting: { segment: 'lead.age > 5', condition: 'lead.age > 6' } },
    '/targeting/segment',
  ],
  ['a negative budget', { roi: { budget: -1 } }, '/roi/budget'],
  ['two budgets', { budget: 1, roi: { budget: 2 } }, '/roi/budget'],
  ['a threshold in words', { roi: { threshold: 'double' } }, '/roi/threshold'],
  ['an unknown breach action', { roi: { breach_action: 'pause_and_pray' } }, '/roi/breach_action'],
  ['a retention of no days', { compliance: { data_retention_days: 0 } }, '/compliance/data_retention_days'],
  ['a flag that is text', { compliance: { gdpr: 'yes' } }, '/compliance/gdpr'],
  [
    'a field that is there twice',
    { entities: { campaign: { fields: ['a', 'b', 'a'] } } },
    '/entities/campaign/fields/2',
  ],
  [
    'a field with JavaScript’s name',
    { entities: { campaign: { fields: ['constructor'] } } },
    '/entities/campaign/fields/0',
  ],
  ['a data schema that is a list', { dataSchema: [] }, '/dataSchema'],
  ['a data field without a type', { dataSchema: { a: {} } }, '/dataSchema/a/type'],
  ['a data field of an unknown type', { dataSchema: { a: { type: 'text' } } }, '/dataSchema/a/type'],
  ['a choice of nothing', { dataSchema: { a: { type: 'enum' } } }, '/dataSchema/a/values'],
  [
    'a data field with a broken pattern',
    { dataSchema: { a: { type: 'string', pattern: '(' } } },
    '/dataSchema/a/pattern',
  ],
  [
    'a default that its field refuses',
    { dataSchema: { a: { type: 'number', default: 'x' } } },
    '/dataSchema/a/default',
  ],
  ['text that no database holds', { name: 'a\0b' }, '/name'],
  [
    'several things at once',
    { stages, transitions: { go: { from: 'x', to: 'y' } }, roi: { threshold: '?' } },
    '/transitions/go/from',
    '/transitions/go/to',
    '/roi/threshold',
  ],
];

describe('definitions: malformed documents', () => {
  for (const [what, part, ...paths] of CASES) {
    it(`${what}: ${paths.join(', ')}`, () => {
      const { code, message, problems } = problemsOf({ id: 'it', ...part });
      assert.equal(code, 'E_DEFINITION');
      assert.deepEqual(
        problems.map(({ path }) => path),
        paths,
      );
      assert.ok(message.includes(`${paths[0]}: `), message);
      for (const problem of problems) assert.match(problem.message, /^\S.*[.?]$/s);
    });
  }

  for (const input of [undefined, null, 5, 'text', true, [], [PHASE_2], () => 1, Symbol('s'), 1n, NaN, new Map()]) {
    it(`${inspect(input, { depth: 0 })} is none`, () => {
      const { code, problems } = problemsOf(input);
      assert.equal(code, 'E_DEFINITION');
      assert.equal(problems[0]?.path, '');
    });
  }

  it('says where in a condition the error is', () => {
    const { message, problems } = problemsOf({
      id: 'it',
      transitions: { go: { from: 'draft', to: 'active', condition: 'data.a > 5 and\n  data.b = = 3' } },
    });
    assert.deepEqual(
      problems.map(({ path, position, line, column }) => ({ path, position, line, column })),
      [{ path: '/transitions/go/condition', position: 26, line: 2, column: 12 }],
    );
    assert.match(message, /\(character 27\)$/);
  });

  it('names the definition in the sentence once it is known', () => {
    assert.match(
      problemsOf({ ...PHASE_2, stages: ['active'] }).message,
      /^The definition "email-drip-sequence" cannot be used\./,
    );
  });
});
