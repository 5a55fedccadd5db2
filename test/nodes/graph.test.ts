import assert from 'node:assert/strict';
import { planJourneys, type FlowConfig, type JourneyPlan, type PlannedDefinition } from '../../nodes/kit/graph';
import { delay, node, segment, send, TAB, trigger } from './flows';

function only(plan: JourneyPlan): PlannedDefinition {
  assert.deepEqual(plan.problems, []);
  assert.equal(plan.definitions.length, 1);
  return plan.definitions[0] as PlannedDefinition;
}

function steps(definition: PlannedDefinition): string[] {
  return definition.declaration.stations.map(({ step }) => step).sort();
}

function forks(configs: FlowConfig[], step: string): boolean | undefined {
  return only(planJourneys(configs)).declaration.stations.find((station) => station.step === step)?.forks;
}

describe('reading journeys out of a flow', () => {
  it('takes everything that a trigger leads to for one definition, ordinary nodes in between or not', () => {
    const plan = planJourneys([
      TAB,
      trigger('Welcome!', [['change']]),
      node('change', 'change', [['seg']]),
      segment('seg', [['later'], ['debug']]),
      delay('later', [['mail']]),
      send('mail', [[], [], []]),
      node('debug', 'debug', []),
      send('elsewhere', [[], [], []]),
    ]);
    const definition = only(plan);
    assert.equal(definition.declaration.key, 'welcome');
    assert.equal(definition.declaration.name, 'Welcome!');
    assert.equal(definition.declaration.entry, 'welcome');
    assert.deepEqual(steps(definition), ['later', 'mail', 'welcome']);
    assert.deepEqual(definition.declaration.stations.map(({ kind }) => kind).sort(), ['delay', 'send', 'trigger']);
  });

  it('says how people enter: by launch with an audience, or by an event', () => {
    const launched = only(
      planJourneys([TAB, trigger('t', [[]], { audience: 'segment', segment: 'gold', unknownPolicy: 'resend' })]),
    );
    assert.equal(launched.declaration.entryMode, 'launch');
    assert.equal(launched.declaration.segment, 'gold');
    assert.equal(launched.declaration.onUnknown, 'resend');
    assert.equal(launched.declaration.event, undefined);
    const everybody = only(planJourneys([TAB, trigger('t', [[]], { audience: 'everybody', segment: 'left over' })]));
    assert.equal(everybody.declaration.segment, undefined);
    const event = only(
      planJourneys([TAB, trigger('t', [[]], { mode: 'event', event: 'signed_up', audience: 'segment', segment: 'x' })]),
    );
    assert.equal(event.declaration.entryMode, 'event');
    assert.equal(event.declaration.event, 'signed_up');
    assert.equal(event.declaration.segment, undefined);
  });

  it('makes one definition for each trigger, which may share stations', () => {
    const plan = planJourneys([
      TAB,
      trigger('one', [['shared']]),
      trigger('two', [['shared']]),
      send('shared', [[], [], []]),
    ]);
    assert.deepEqual(plan.problems, []);
    assert.deepEqual(
      plan.definitions.map((definition) => [definition.declaration.key, steps(definition)]),
      [
        ['one', ['one', 'shared']],
        ['two', ['shared', 'two']],
      ],
    );
  });

  it('ends a journey at another trigger', () => {
    const plan = planJourneys([
      TAB,
      trigger('one', [['two']]),
      trigger('two', [['mail']], { mode: 'event', event: 'x' }),
      send('mail', [[], [], []]),
    ]);
    assert.deepEqual(
      plan.definitions.map((definition) => [definition.declaration.key, steps(definition)]),
      [
        ['one', ['one']],
        ['two', ['mail', 'two']],
      ],
    );
    assert.deepEqual(plan.leadsOn.get('one'), [true]);
  });

  it('uses the step name and the definition key as written, the name in their place, the type if there is none', () => {
    const definition = only(
      planJourneys([
        TAB,
        trigger('t', [['a']], { name: 'Über uns', definition: 'about-us', step: 'start' }),
        delay('a', [['b']], { name: 'Två dagar, senare', step: '' }),
        send('b', [[], [], []], { name: '' }),
      ]),
    );
    assert.equal(definition.declaration.key, 'about-us');
    assert.deepEqual(steps(definition), ['send', 'start', 'tva-dagar-senare']);
  });

  it('goes round a loop once', () => {
    const definition = only(
      planJourneys([
        TAB,
        trigger('t', [['wait']]),
        delay('wait', [['change']]),
        node('change', 'change', [['switch']]),
        node('switch', 'switch', [['wait'], ['change']]),
      ]),
    );
    assert.deepEqual(steps(definition), ['t', 'wait']);
  });

  describe('what is not drawn on one tab', () => {
    it('follows link nodes in both directions of noting them, over tabs', () => {
      const flow = [
        TAB,
        { id: 'tab2', type: 'tab' },
        trigger('t', [['out']]),
        node('out', 'link out', [], { mode: 'link', links: ['in1'] }),
        node('in1', 'link in', [['mail']], { links: ['out'], z: 'tab2' }),
        node('in2', 'link in', [['wait']], { links: ['out'], z: 'tab2' }),
        send('mail', [[], [], []], { z: 'tab2' }),
        delay('wait', [[]], { z: 'tab2' }),
      ];
      assert.deepEqual(steps(only(planJourneys(flow))), ['mail', 't', 'wait']);
      assert.equal(forks(flow, 't'), true);
    });

    it('follows a link call there and back, each caller to its own continuation', () => {
      const plan = planJourneys([
        TAB,
        trigger('one', [['call1']]),
        trigger('two', [['call2']]),
        node('call1', 'link call', [['mail1']], { links: ['in'], linkType: 'static' }),
        node('call2', 'link call', [['mail2']], { links: ['in'], linkType: 'static' }),
        node('in', 'link in', [['work']]),
        node('work', 'function', [['return']]),
        node('return', 'link out', [], { mode: 'return' }),
        send('mail1', [[], [], []]),
        send('mail2', [[], [], []]),
      ]);
      assert.deepEqual(plan.problems, []);
      assert.deepEqual(
        plan.definitions.map((definition) => steps(definition)),
        [
          ['mail1', 'one'],
          ['mail2', 'two'],
        ],
      );
    });

    it('does not return from a link call through a station, which sends a message of its own', () => {
      const definition = only(
        planJourneys([
          TAB,
          trigger('t', [['call']]),
          node('call', 'link call', [['after']], { links: ['in'] }),
          node('in', 'link in', [['wait']]),
          delay('wait', [['return']]),
          node('return', 'link out', [], { mode: 'return' }),
          send('after', [[], [], []]),
        ]),
      );
      assert.deepEqual(steps(definition), ['t', 'wait']);
    });

    it('knows that a link call with a target from the message may lead anywhere', () => {
      const plan = planJourneys([
        TAB,
        trigger('t', [['call']]),
        node('call', 'link call', [[]], { links: [], linkType: 'dynamic' }),
      ]);
      assert.deepEqual(plan.leadsOn.get('t'), [true]);
    });

    it('leaves disabled nodes and disabled tabs out', () => {
      const plan = planJourneys([
        TAB,
        { id: 'off', type: 'tab', disabled: true },
        trigger('t', [['a', 'b', 'link']]),
        delay('a', [['c']], { d: true }),
        delay('b', [[]]),
        send('c', [[], [], []]),
        node('link', 'link out', [], { links: ['in'] }),
        node('in', 'link in', [['d']], { z: 'off', links: ['link'] }),
        send('d', [[], [], []], { z: 'off' }),
        trigger('asleep', [[]], { z: 'off' }),
      ]);
      assert.deepEqual(steps(only(plan)), ['b', 't']);
      assert.deepEqual([...plan.disabled].sort(), ['a', 'asleep', 'd', 'in']);
    });

    it('follows errors to the catch nodes that hear them', () => {
      const flow = (scope: unknown, z = 'tab'): FlowConfig[] => [
        TAB,
        { id: 'other', type: 'tab' },
        trigger('t', [['f']]),
        node('f', 'function', [['mail']]),
        send('mail', [[], [], []]),
        node('guard', 'catch', [['later']], { scope, z }),
        delay('later', [[]], { z }),
      ];
      assert.deepEqual(steps(only(planJourneys(flow(null)))), ['later', 'mail', 't']);
      assert.deepEqual(steps(only(planJourneys(flow(['f'])))), ['later', 'mail', 't']);
      assert.deepEqual(steps(only(planJourneys(flow(['another'])))), ['mail', 't']);
      assert.deepEqual(steps(only(planJourneys(flow(null, 'other')))), ['mail', 't']);
      assert.equal(forks(flow(null), 't'), false);
    });

    it('does not mind groups', () => {
      const definition = only(
        planJourneys([
          TAB,
          { id: 'group', type: 'group', z: 'tab', nodes: ['t', 'mail'], x: 1, y: 1, w: 10, h: 10 },
          trigger('t', [['mail']], { g: 'group' }),
          send('mail', [[], [], []], { g: 'group' }),
        ]),
      );
      assert.deepEqual(steps(definition), ['mail', 't']);
    });
  });

  describe('subflows', () => {
    const template: FlowConfig[] = [
      {
        id: 'sf',
        type: 'subflow',
        name: 'Reminder',
        in: [{ wires: [{ id: 'wait' }] }],
        out: [
          { wires: [{ id: 'mail', port: 0 }] },
          {
            wires: [
              { id: 'mail', port: 1 },
              { id: 'mail', port: 2 },
            ],
          },
        ],
      },
      delay('wait', [['mail']], { z: 'sf', name: 'wait' }),
      send('mail', [[], [], []], { z: 'sf', name: 'mail' }),
    ];

    it('unfolds an instance: ids as the runtime makes them, steps with the name of the instance', () => {
      const definition = only(
        planJourneys([
          TAB,
          ...template,
          trigger('t', [['i1']]),
          node('i1', 'subflow:sf', [['i2'], []], { name: 'First reminder' }),
          node('i2', 'subflow:sf', [['last'], []], { name: '' }),
          send('last', [[], [], []]),
        ]),
      );
      assert.deepEqual(steps(definition), [
        'first-reminder.mail',
        'first-reminder.wait',
        'last',
        'reminder.mail',
        'reminder.wait',
        't',
      ]);
      assert.deepEqual(definition.stations.map(({ node: id }) => id).sort(), [
        'i1-mail',
        'i1-wait',
        'i2-mail',
        'i2-wait',
        'last',
        't',
      ]);
    });

    it('follows each output of the instance to its own wires', () => {
      const plan = planJourneys([
        TAB,
        ...template,
        trigger('t', [['i']]),
        node('i', 'subflow:sf', [['good'], ['bad']], { name: 'i' }),
        delay('good', [[]]),
        delay('bad', [[]]),
      ]);
      only(plan);
      assert.deepEqual(plan.leadsOn.get('i-mail'), [true, true, true]);
      assert.deepEqual(plan.leadsOn.get('good'), [false]);
    });

    it('passes straight through a subflow whose input is wired to its output', () => {
      const definition = only(
        planJourneys([
          TAB,
          {
            id: 'pipe',
            type: 'subflow',
            name: 'Pipe',
            in: [{ wires: [{ id: 'x' }] }],
            out: [{ wires: [{ id: 'pipe', port: 0 }] }],
          },
          node('x', 'debug', [], { z: 'pipe' }),
          trigger('t', [['i']]),
          node('i', 'subflow:pipe', [['mail']]),
          send('mail', [[], [], []]),
        ]),
      );
      assert.deepEqual(steps(definition), ['mail', 't']);
    });

    it('unfolds subflows in subflows', () => {
      const definition = only(
        planJourneys([
          TAB,
          ...template,
          {
            id: 'outer',
            type: 'subflow',
            name: 'Outer',
            in: [{ wires: [{ id: 'inner' }] }],
            out: [{ wires: [{ id: 'inner', port: 0 }] }],
          },
          node('inner', 'subflow:sf', [[], []], { z: 'outer', name: 'deep' }),
          trigger('t', [['o']]),
          node('o', 'subflow:outer', [['end']], { name: 'top' }),
          send('end', [[], [], []]),
        ]),
      );
      assert.deepEqual(steps(definition), ['end', 't', 'top.deep.mail', 'top.deep.wait']);
      assert.ok(definition.stations.some(({ node: id }) => id === 'o-inner-wait'));
    });

    it('makes a definition of its own for each instance of a subflow with a trigger', () => {
      const plan = planJourneys([
        TAB,
        { id: 'sf', type: 'subflow', name: 'Campaign', in: [], out: [] },
        trigger('t', [['m']], { z: 'sf', name: 'Go' }),
        send('m', [[], [], []], { z: 'sf' }),
        node('a', 'subflow:sf', [], { name: 'Spring' }),
        node('b', 'subflow:sf', [], { name: 'Autumn' }),
      ]);
      assert.deepEqual(plan.problems, []);
      assert.deepEqual(plan.definitions.map(({ declaration }) => declaration.key).sort(), ['autumn.go', 'spring.go']);
    });

    it('takes what the running node says over what is drawn: replaced variables, the store of the instance', () => {
      const plan = planJourneys(
        [
          TAB,
          { id: 'sf', type: 'subflow', name: 'S', in: [{ wires: [{ id: 'mail' }] }], out: [] },
          send('mail', [[], [], []], { z: 'sf', step: '${STEP}', store: 'inner-store' }),
          trigger('t', [['i']]),
          node('i', 'subflow:sf', []),
        ],
        { running: new Map([['i-mail', { step: 'offer', store: 'store', wires: [['nowhere']], id: 'i-mail' }]]) },
      );
      assert.deepEqual(steps(only(plan)), ['s.offer', 't']);
    });
  });

  describe('forks', () => {
    it('sees one when an output leads to two stations', () => {
      assert.equal(forks([TAB, trigger('t', [['a', 'b']]), delay('a', [[]]), delay('b', [[]])], 't'), true);
    });
    it('sees one when an output is wired twice to the same station', () => {
      assert.equal(forks([TAB, trigger('t', [['a', 'a']]), delay('a', [[]])], 't'), true);
    });
    it('sees one behind an ordinary node with several outputs', () => {
      const flow = [
        TAB,
        trigger('t', [['f']]),
        node('f', 'function', [['a'], ['b']]),
        delay('a', [[]]),
        delay('b', [[]]),
      ];
      assert.equal(forks(flow, 't'), true);
    });
    it('sees none in two outputs of a station, of which each person takes one', () => {
      const flow = [TAB, trigger('t', [['s']]), send('s', [['a'], ['b'], []]), delay('a', [[]]), delay('b', [[]])];
      assert.equal(forks(flow, 's'), false);
    });
    it('sees none behind a switch that sends each person one way', () => {
      const flow = [TAB, trigger('t', [['g']]), segment('g', [['a'], ['b']]), delay('a', [[]]), delay('b', [[]])];
      assert.equal(forks(flow, 't'), false);
      const stop = [
        TAB,
        trigger('t', [['g']]),
        node('g', 'switch', [['a'], ['b']], { checkall: 'false' }),
        delay('a', [[]]),
        delay('b', [[]]),
      ];
      assert.equal(forks(stop, 't'), false);
      const all = [
        TAB,
        trigger('t', [['g']]),
        node('g', 'switch', [['a'], ['b']], { checkall: 'true' }),
        delay('a', [[]]),
        delay('b', [[]]),
      ];
      assert.equal(forks(all, 't'), true);
    });
    it('sees none in what lies behind the next station', () => {
      const flow = [TAB, trigger('t', [['a']]), delay('a', [['b', 'c']]), delay('b', [[]]), delay('c', [[]])];
      assert.equal(forks(flow, 't'), false);
      assert.equal(forks(flow, 'a'), true);
    });
    it('does not count nodes that take nobody over', () => {
      assert.equal(forks([TAB, trigger('t', [['a', 'd']]), delay('a', [[]]), node('d', 'debug', [])], 't'), false);
    });
    it('takes several stations in a loop of ordinary nodes for a fork', () => {
      const flow = [
        TAB,
        trigger('t', [['f']]),
        node('f', 'function', [['g']]),
        node('g', 'marketing-segment', [['a'], ['f', 'b']], { store: 'store' }),
        delay('a', [[]]),
        delay('b', [[]]),
      ];
      assert.equal(forks(flow, 't'), true);
    });
  });

  describe('outputs that lead nowhere', () => {
    it('tells an output behind which nobody is taken over from one that leads on', () => {
      const plan = planJourneys([
        TAB,
        trigger('t', [['f', 'd']]),
        node('f', 'function', [['m']]),
        send('m', [['d'], [], ['g']]),
        segment('g', [['d'], []]),
        node('d', 'debug', []),
      ]);
      assert.deepEqual(plan.leadsOn.get('t'), [true]);
      assert.deepEqual(plan.leadsOn.get('m'), [false, false, true]);
      assert.deepEqual(plan.leadsOn.get('g'), [false, false]);
    });
  });

  describe('the hash of a station', () => {
    const hashOf = (properties: Record<string, unknown>, wires: string[][] = [['a', 'b']]): string | undefined =>
      planJourneys([
        TAB,
        trigger('t', [['s']]),
        delay('s', wires, properties),
        delay('a', [[]]),
        delay('b', [[]]),
      ]).definitions[0]?.declaration.stations.find(({ node: id }) => id === 's')?.hash;

    it('does not change with position, wires, credentials, name or description', () => {
      const before = hashOf({ amount: '1', unit: 'days', x: 1, y: 2 });
      const after = hashOf(
        {
          unit: 'days',
          amount: '1',
          x: 300,
          y: 7,
          g: 'group',
          name: 'other',
          info: 'text',
          credentials: { password: 'x' },
          step: 's',
        },
        [['b', 'a']],
      );
      assert.equal(after, before);
    });
    it('changes with what the station does', () => {
      assert.notEqual(hashOf({ amount: '1' }), hashOf({ amount: '2' }));
      assert.notEqual(
        hashOf({ headers: [{ name: 'a', value: '1' }] }),
        hashOf({ headers: [{ name: 'a', value: '2' }] }),
      );
    });
  });

  describe('the body of a version', () => {
    const bodyOf = (configs: FlowConfig[]): string => JSON.stringify(only(planJourneys(configs)).declaration.body);

    it('does not depend on order, position or the order of wires, and holds no secrets', () => {
      const flow = [
        TAB,
        trigger('t', [['a', 'f']]),
        node('f', 'function', [['b']], { func: 'return msg' }),
        delay('a', [[]]),
        delay('b', [[]]),
      ];
      const moved = [
        delay('b', [[]], { x: 5 }),
        delay('a', [[]]),
        trigger('t', [['f', 'a']], { y: 9, credentials: { secret: 's3cret' } }),
        ...flow.slice(2, 3),
        TAB,
      ];
      assert.equal(bodyOf(moved), bodyOf(flow));
      assert.ok(!bodyOf(moved).includes('s3cret'));
    });
    it('contains the ordinary nodes on the way, and nothing beside it', () => {
      const body = bodyOf([
        TAB,
        trigger('t', [['f']]),
        node('f', 'function', [['a']], { func: 'return 7' }),
        delay('a', [[]]),
        node('z', 'inject', [['a']]),
      ]);
      assert.ok(body.includes('return 7'));
      assert.ok(!body.includes('inject'));
    });
  });

  describe('what is wrong', () => {
    it('names both stations that have the same step name, and leaves other definitions alone', () => {
      const plan = planJourneys([
        TAB,
        trigger('bad', [['m1']]),
        send('m1', [['m2'], [], []], { name: 'Offer' }),
        send('m2', [[], [], []], { name: 'offer!' }),
        trigger('good', [['m1x']]),
        send('m1x', [[], [], []]),
      ]);
      assert.deepEqual(
        plan.definitions.map(({ declaration }) => declaration.key),
        ['good'],
      );
      assert.equal(plan.problems.length, 1);
      const [problem] = plan.problems;
      assert.equal(problem?.code, 'E_DUPLICATE_STEP');
      assert.deepEqual(problem?.nodes, ['m1', 'm2']);
      assert.match(problem?.message ?? '', /"Offer" \(node m1\).*"offer!" \(node m2\).*"offer"/);
    });

    it('names both triggers that have the same definition key in one store, but not in two', () => {
      const plan = planJourneys([
        TAB,
        trigger('a', [[]], { definition: 'x' }),
        trigger('b', [[]], { definition: 'x' }),
      ]);
      assert.deepEqual(plan.definitions, []);
      assert.equal(plan.problems[0]?.code, 'E_DUPLICATE_DEFINITION');
      assert.deepEqual(plan.problems[0]?.nodes, ['a', 'b']);
      const stores = planJourneys([
        TAB,
        trigger('a', [[]], { definition: 'x' }),
        trigger('b', [[]], { definition: 'x', store: 'other' }),
      ]);
      assert.deepEqual(stores.problems, []);
      assert.equal(stores.definitions.length, 2);
    });

    it('says so when a station has no store, or another one than its trigger', () => {
      const none = planJourneys([TAB, trigger('t', [['m']]), send('m', [[], [], []], { store: '' })]);
      assert.equal(none.problems[0]?.code, 'E_NO_STORE');
      assert.deepEqual(none.problems[0]?.nodes, ['m']);
      const other = planJourneys([TAB, trigger('t', [['m']]), send('m', [[], [], []], { store: 'store2' })]);
      assert.equal(other.problems[0]?.code, 'E_OTHER_STORE');
      assert.deepEqual(other.problems[0]?.nodes, ['t', 'm']);
      assert.deepEqual(other.definitions, []);
    });

    it('refuses keys and step names that the tables cannot hold', () => {
      const step = planJourneys([TAB, trigger('t', [['m']]), send('m', [[], [], []], { step: 'x'.repeat(129) })]);
      assert.equal(step.problems[0]?.code, 'E_STEP_NAME');
      const key = planJourneys([TAB, trigger('t', [[]], { definition: 'a b' })]);
      assert.equal(key.problems[0]?.code, 'E_DEFINITION_KEY');
    });

    it('survives a flow that is drawn wrongly: wires to nothing, a subflow that contains itself, odd properties', () => {
      const plan = planJourneys([
        TAB,
        trigger('t', [['gone', 'm', 'i']]),
        send('m', [[]], { wires: 'none' }),
        { id: 'sf', type: 'subflow', name: 'Self', in: [{ wires: [{ id: 'again' }] }], out: 'none' },
        node('again', 'subflow:sf', [['again']], { z: 'sf' }),
        node('i', 'subflow:sf', [[]]),
        node('call', 'link call', [['m']], { links: ['call'] }),
      ]);
      assert.deepEqual(
        plan.definitions.map((definition) => steps(definition)),
        [['m', 't']],
      );
    });
  });
});

describe('forks and joins in a flow', () => {
  const join = (id: string, wires: string[][]): FlowConfig =>
    node(id, 'marketing-join', wires, { store: 'store', name: id });
  const configs = (flow: FlowConfig[]): Map<string, Record<string, unknown>> =>
    new Map(only(planJourneys(flow)).declaration.stations.map(({ step, config }) => [step, { ...config }]));
  const expected = (flow: FlowConfig[]): unknown => configs(flow).get('t')?.['branches'];
  const upstream = (flow: FlowConfig[], step: string): unknown => configs(flow).get(step)?.['join'];

  it('counts the branches of wires, links and switches that there can be at most', () => {
    const ends = [send('a', [[], [], []]), send('b', [[], [], []]), send('c', [[], [], []])];
    assert.deepEqual(expected([TAB, trigger('t', [['a', 'b', 'c']]), ...ends]), { expected: [3] });
    assert.deepEqual(
      expected([
        TAB,
        trigger('t', [['a', 'out']]),
        node('out', 'link out', [], { mode: 'link', links: ['in'] }),
        node('in', 'link in', [['b', 'c']], { links: ['out'] }),
        ...ends,
      ]),
      { expected: [3] },
    );
    // Every rule may match: as many as there are outputs.
    const inclusive = node('which', 'switch', [['a'], ['b'], ['c']], { checkall: 'true' });
    assert.deepEqual(expected([TAB, trigger('t', [['which']]), inclusive, ...ends]), { expected: [3] });
    assert.deepEqual(configs([TAB, trigger('t', [['which']]), inclusive, ...ends]).get('t')?.['prompt'], 'yes');
    // A switch of ours passes on through one output, or ends the way: one branch in any case.
    assert.deepEqual(expected([TAB, trigger('t', [['seg', 'b']]), segment('seg', [['a'], []]), ...ends.slice(0, 2)]), {
      expected: [2],
    });
    assert.deepEqual(expected([TAB, trigger('t', [['seg', 'c']]), segment('seg', [['a', 'b'], ['a']]), ...ends]), {
      expected: [3],
    });
  });

  it('does not say how many where the drawing does not', () => {
    const ends = [send('a', [[], [], []]), send('b', [[], [], []])];
    const loop = [node('f', 'function', [['g', 'a']]), node('g', 'function', [['f', 'b']])];
    assert.deepEqual(expected([TAB, trigger('t', [['f']]), ...loop, ...ends]), { expected: [null] });
    assert.equal(configs([TAB, trigger('t', [['f']]), ...loop, ...ends]).get('t')?.['prompt'], undefined);
    const guard = node('oops', 'catch', [['b']], { scope: null });
    const careless = node('f', 'function', [['a']]);
    assert.deepEqual(expected([TAB, trigger('t', [['f', 'b']]), careless, guard, ...ends]), { expected: [null] });
  });

  it('gives a join the steps from which it can be reached, without those behind it that lead back in a loop', () => {
    const flow = [
      TAB,
      trigger('t', [['again']]),
      delay('again', [['a', 'b']]),
      send('a', [['j'], ['retry'], []]),
      delay('retry', [['a']]),
      delay('b', [['j']]),
      join('j', [['after'], []]),
      delay('after', [['again', 'end']]),
      send('end', [[], [], []]),
    ];
    assert.deepEqual(upstream(flow, 'j'), { upstream: ['a', 'again', 'b', 'retry', 't'] });
  });

  it('has an inner join hold up the outer one, in a loop too, and not the other way round', () => {
    const flow = [
      TAB,
      trigger('t', [['x', 'y']]),
      delay('x', [['x1', 'x2']]),
      delay('x1', [['inner']]),
      delay('x2', [['inner']]),
      join('inner', [['outer'], []]),
      delay('y', [['outer']]),
      join('outer', [['pause'], []]),
      delay('pause', [['x', 'y']]),
    ];
    assert.deepEqual(upstream(flow, 'inner'), { upstream: ['t', 'x', 'x1', 'x2'] });
    assert.deepEqual(upstream(flow, 'outer'), { upstream: ['inner', 't', 'x', 'x1', 'x2', 'y'] });
  });

  it('follows an error to the catch node that brings people to a join', () => {
    const flow = [
      TAB,
      trigger('t', [['a', 'b']]),
      delay('a', [['f']]),
      node('f', 'function', [['j']]),
      node('oops', 'catch', [['late']], { scope: ['f'] }),
      delay('late', [['j']]),
      delay('b', [['j']]),
      join('j', [[], []]),
    ];
    assert.deepEqual(upstream(flow, 'j'), { upstream: ['a', 'b', 'late', 't'] });
  });
});
