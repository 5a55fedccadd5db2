import assert from 'node:assert/strict';
import { Lifecycle, type CampaignState, type LifecycleSource } from '../../lib/campaigns';
import { ConflictError, InputError, NotFoundError } from '../../lib/errors';

/** Stage → action → `stage (state)`; what is not named is refused. */
type Table = Record<string, Record<string, string>>;

const ACTIONS = [
  'schedule',
  'unschedule',
  'queue',
  'launch',
  'pause',
  'resume',
  'complete',
  'close',
  'cancel',
  'optimize',
];

/** What a lifecycle does at each of its stages, found by trying every action. */
function tableOf(lifecycle: Lifecycle, stages: readonly string[], actions: readonly string[]): Table {
  const table: Table = {};
  for (const stage of stages) {
    const row: Record<string, string> = {};
    for (const action of actions) {
      try {
        const { to, state, from } = lifecycle.next(stage, action);
        assert.equal(from, stage);
        row[action] = to === state ? to : `${to} (${state})`;
      } catch (error) {
        assert.ok(error instanceof ConflictError && error.code === 'E_CAMPAIGN_STATE', String(error));
        assert.match(error.message, new RegExp(`is ${stage}; "${action}" is possible (only when it is|at no stage)`));
      }
    }
    assert.deepEqual([...lifecycle.actions(stage)].sort(), Object.keys(row).sort(), `what is possible at ${stage}`);
    table[stage] = row;
  }
  return table;
}

describe('a lifecycle', () => {
  it('by default leads from draft to completed, and says no to everything else', () => {
    const lifecycle = Lifecycle.of();
    assert.equal(lifecycle.initial, 'draft');
    assert.deepEqual(tableOf(lifecycle, lifecycle.stages, ACTIONS), {
      draft: { schedule: 'scheduled', queue: 'queued', launch: 'active', cancel: 'cancelled' },
      scheduled: {
        schedule: 'scheduled',
        unschedule: 'draft',
        queue: 'queued',
        launch: 'active',
        cancel: 'cancelled',
      },
      queued: { schedule: 'scheduled', unschedule: 'draft', launch: 'active', cancel: 'cancelled' },
      active: { pause: 'paused', complete: 'completed', close: 'completed', cancel: 'cancelled', optimize: 'active' },
      paused: { resume: 'active', complete: 'completed', close: 'completed', cancel: 'cancelled', optimize: 'paused' },
      completed: { schedule: 'scheduled', launch: 'active' },
      cancelled: {},
    });
  });

  it('of a declared list means what the names say, and can be paused, cancelled and scheduled all the same', () => {
    const lifecycle = Lifecycle.of({ stages: ['plan', 'active', 'closed'] });
    assert.deepEqual(lifecycle.stages, ['plan', 'active', 'closed']);
    assert.equal(lifecycle.initial, 'plan');
    const everywhere = ['plan', 'active', 'closed', 'scheduled', 'paused', 'cancelled'];
    assert.deepEqual(tableOf(lifecycle, everywhere, ACTIONS), {
      plan: { schedule: 'scheduled', launch: 'active', cancel: 'cancelled' },
      active: {
        pause: 'paused',
        complete: 'closed (completed)',
        close: 'closed (completed)',
        cancel: 'cancelled',
        optimize: 'active',
      },
      closed: { schedule: 'scheduled', launch: 'active' },
      scheduled: { schedule: 'scheduled', unschedule: 'plan (draft)', launch: 'active', cancel: 'cancelled' },
      paused: {
        resume: 'active',
        complete: 'closed (completed)',
        close: 'closed (completed)',
        cancel: 'cancelled',
        optimize: 'paused',
      },
      cancelled: {},
    });
  });

  /** Phase 2 of the requirement. */
  const QUEUED = Lifecycle.of({
    stages: ['queued', 'active', 'paused', 'completed', 'cancelled'],
    transitions: {
      activate: { from: 'queued', to: 'active', condition: 'data.subscription_date <= today()' },
      complete: { from: 'active', to: 'completed', condition: 'data.emails_sent >= 5' },
    },
  });

  const REVIEWED: LifecycleSource = {
    stages: ['idea', { name: 'review', state: 'draft' }, 'warm-up', 'main', 'on hold', 'done'],
    transitions: {
      submit: { from: 'idea', to: 'review' },
      approve: { from: 'review', to: 'warm-up', condition: 'data.budget > 0' },
      widen: { from: 'warm-up', to: 'main' },
      hold: { from: ['warm-up', 'main'], to: 'on hold' },
      go_on: { from: 'on hold', to: 'main' },
      reopen: { from: 'done', to: 'idea' },
      withdraw: { from: 'main', to: 'idea' },
    },
  };

  it('with declared transitions has these as actions, and the built-in ones follow them', () => {
    const lifecycle = Lifecycle.of(REVIEWED);
    const actions = [...Object.keys(REVIEWED.transitions ?? {}), ...ACTIONS];
    const running = {
      complete: 'done (completed)',
      close: 'done (completed)',
      cancel: 'cancelled',
    };
    assert.deepEqual(tableOf(lifecycle, [...lifecycle.stages, 'scheduled', 'cancelled'], actions), {
      idea: { submit: 'review (draft)', schedule: 'scheduled', cancel: 'cancelled' },
      review: { approve: 'warm-up (active)', launch: 'warm-up (active)', schedule: 'scheduled', cancel: 'cancelled' },
      'warm-up': {
        widen: 'main (active)',
        hold: 'on hold (paused)',
        pause: 'on hold (paused)',
        optimize: 'warm-up (active)',
        ...running,
      },
      main: {
        hold: 'on hold (paused)',
        pause: 'on hold (paused)',
        withdraw: 'idea (draft)',
        optimize: 'main (active)',
        ...running,
      },
      'on hold': {
        go_on: 'main (active)',
        resume: 'main (active)',
        optimize: 'on hold (paused)',
        ...running,
      },
      done: { reopen: 'idea (draft)', launch: 'warm-up (active)', schedule: 'scheduled' },
      scheduled: {
        schedule: 'scheduled',
        unschedule: 'idea (draft)',
        launch: 'warm-up (active)',
        cancel: 'cancelled',
      },
      cancelled: {},
    });
  });

  it('gives the engine its effect, and the condition of the transition to the built-in action as well', () => {
    const lifecycle = Lifecycle.of(REVIEWED);
    const effects = (stage: string, ...actions: string[]): string[] =>
      actions.map((action) => lifecycle.next(stage, action).effect);
    assert.deepEqual(effects('review', 'approve', 'launch'), ['launch', 'launch']);
    assert.equal(lifecycle.next('review', 'approve').condition, 'data.budget > 0');
    assert.equal(lifecycle.next('review', 'launch').condition, 'data.budget > 0');
    assert.equal(lifecycle.next('done', 'launch').condition, 'data.budget > 0', 'its next run is a launch as well');
    assert.deepEqual(effects('main', 'hold', 'pause', 'withdraw', 'close'), ['pause', 'pause', 'complete', 'complete']);
    assert.deepEqual([effects('on hold', 'go_on'), effects('idea', 'submit')], [['resume'], ['stage']]);
    assert.deepEqual([effects('warm-up', 'widen'), effects('done', 'reopen')], [['stage'], ['stage']]);
    assert.deepEqual(
      ['approve', 'hold', 'submit', 'launch', 'close'].map((action) => lifecycle.past(action)),
      ['launched', 'paused', 'stage_changed', 'launched', 'completed'],
    );
  });

  it('takes the first unknown name for draft, the last for completed, and what is between for active', () => {
    const lifecycle = Lifecycle.of({ stages: ['a', 'b', 'Ready', 'c', 'z'] });
    const states: CampaignState[] = ['draft', 'active', 'queued', 'active', 'completed'];
    assert.deepEqual(
      lifecycle.stages.map((stage) => lifecycle.stateOf(stage)),
      states,
    );
    assert.equal(lifecycle.next('a', 'queue').to, 'Ready');
    assert.equal(lifecycle.next('Ready', 'launch').to, 'b');
  });

  it('begins at its first stage where none means draft, and is taken back to that', () => {
    assert.equal(QUEUED.initial, 'queued');
    assert.deepEqual(tableOf(QUEUED, ['queued', 'scheduled', 'draft'], ['activate', ...ACTIONS]), {
      queued: { activate: 'active', schedule: 'scheduled', launch: 'active', cancel: 'cancelled' },
      scheduled: {
        schedule: 'scheduled',
        unschedule: 'queued',
        queue: 'queued',
        launch: 'active',
        cancel: 'cancelled',
      },
      // One that was made under an earlier list.
      draft: { schedule: 'scheduled', queue: 'queued', launch: 'active', cancel: 'cancelled' },
    });
    assert.equal(Lifecycle.of({ stages: ['scheduled', 'active'] }).next('scheduled', 'unschedule').to, 'scheduled');
    assert.equal(Lifecycle.of({ stages: ['queued', 'draft', 'active'] }).initial, 'draft');
  });

  it('lets nobody around the condition of a declared transition, wherever they come from', () => {
    const met = (action: string, ...stages: string[]): unknown[] =>
      stages.map((stage) => QUEUED.next(stage, action).condition);
    const before = 'data.subscription_date <= today()';
    assert.deepEqual(met('activate', 'queued'), [before]);
    assert.deepEqual(met('launch', 'queued', 'scheduled', 'draft', 'completed'), [before, before, before, before]);
    const enough = 'data.emails_sent >= 5';
    assert.deepEqual(met('complete', 'active', 'paused'), [enough, enough]);
    assert.deepEqual(met('close', 'paused'), [enough]);
    // Whoever is paused has been active: nothing is asked again, and whoever stops asks nothing.
    assert.deepEqual(
      [met('resume', 'paused'), met('cancel', 'queued', 'active')],
      [[undefined], [undefined, undefined]],
    );
  });

  it('without a preparation in its list begins as a draft', () => {
    const lifecycle = Lifecycle.of({ stages: ['running', 'finished'] });
    assert.deepEqual([lifecycle.initial, lifecycle.stages], ['draft', ['running', 'finished']]);
    assert.equal(lifecycle.next('draft', 'launch').to, 'running');
  });

  it('finds the place of a campaign whose stage is no longer in the list', () => {
    const lifecycle = Lifecycle.of({ stages: ['plan', 'live', 'closed'] });
    assert.equal(lifecycle.locate('live', 'active'), 'live');
    assert.equal(lifecycle.locate('warm-up', 'active'), 'live');
    assert.equal(lifecycle.locate(undefined, 'completed'), 'closed');
    assert.equal(lifecycle.locate('live', 'paused'), 'paused', 'a stage that means something else by now');
  });

  it('knows which actions there are', () => {
    const lifecycle = Lifecycle.of(REVIEWED);
    assert.throws(
      () => lifecycle.next('idea', 'fly'),
      (error: unknown) =>
        error instanceof NotFoundError && /possible now: submit, schedule, cancel/.test(error.message),
    );
    assert.throws(() => lifecycle.stateOf('nowhere'), { code: 'E_UNKNOWN_STAGE' });
    assert.ok(!lifecycle.knows('constructor') && lifecycle.knows('close') && lifecycle.knows('submit'));
  });

  for (const [what, source, path] of [
    ['two stages of one name', { stages: ['a', 'b', 'a'] }, '/stages/2'],
    ['a stage without a name', { stages: ['a', { name: ' ', state: 'active' }] }, '/stages/1'],
    [
      'a transition to a stage that is not there',
      { transitions: { 'a/b': { from: 'draft', to: 'x' } } },
      '/transitions/a~1b',
    ],
    [
      'a transition from a stage that is not there',
      { transitions: { go: { from: ['draft', 'x'], to: 'active' } } },
      '/transitions/go',
    ],
    [
      'a transition that pauses what does not run',
      { transitions: { rest: { from: 'draft', to: 'paused' } } },
      '/transitions/rest',
    ],
  ] as [string, LifecycleSource, string][]) {
    it(`cannot have ${what}`, () => {
      assert.throws(
        () => Lifecycle.of(source),
        (error: unknown) => {
          assert.ok(error instanceof InputError && error.code === 'E_LIFECYCLE');
          assert.deepEqual(
            (error.details['problems'] as { path: string }[]).map((problem) => problem.path),
            [path],
          );
          return true;
        },
      );
    });
  }
});
