import assert from 'node:assert/strict';
import { CampaignDesk, Lifecycle, type CampaignState } from '../../lib/campaigns';
import { ConflictError, ForbiddenError, InputError } from '../../lib/errors';
import { listenersOf } from '../../lib/outbox';
import { moveMetrics } from '../../lib/metrics';
import { eachDatabase } from '../kit/databases';
import { definition, House, NOON, person } from './house';

const STATES = Lifecycle.of().stages as CampaignState[];
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

eachDatabase((db) => {
  describe('an action on a campaign', function () {
    this.timeout(60_000);
    let house: House;
    const comments: string[] = [];
    beforeEach(async () => {
      comments.length = 0;
      house = await House.open(db, {
        conditionHolds: (_definition, source, { data }) => {
          if (source === 'broken') throw new Error('it cannot be read');
          return Promise.resolve(data['budget'] === source);
        },
        comment: (_tx, { author, body }) => Promise.resolve(void comments.push(`${author}: ${body}`)),
      });
    });

    it('is done or refused in each state as the lifecycle says, and leaves what it refuses as it was', async () => {
      for (const state of STATES) {
        const { id } = await house.at(state, `a-${state}`);
        for (const action of ACTIONS) {
          const key = (await house.campaigns.clone(id)).key;
          await house.scope.run(
            `UPDATE marketing_campaigns SET state = :state, stage = :state WHERE tenant_id = :tenant AND campaign_key = :key`,
            { state, key },
          );
          const before = await house.campaigns.get(key);
          const { allowed, reason } = await house.campaigns.can(key, action);
          assert.equal(allowed, Lifecycle.of().actions(state).includes(action), `${action} when ${state}`);
          if (allowed) {
            const after = await house.campaigns.act(key, action);
            assert.equal(after.state, Lifecycle.of().next(state, action).state);
            assert.ok(after.version > before.version);
          } else {
            await assert.rejects(house.campaigns.act(key, action), { code: 'E_CAMPAIGN_STATE', message: reason });
            assert.deepEqual(await house.campaigns.get(key), before);
          }
        }
      }
    });

    it('of a declared lifecycle moves through its stages and tells each', async () => {
      house.definitions.set(
        'sales',
        definition({
          stages: ['plan', 'warm-up', 'main', 'closed'],
          transitions: {
            activate: { from: 'plan', to: 'warm-up' },
            widen: { from: 'warm-up', to: 'main' },
            close: { from: ['warm-up', 'main'], to: 'closed' },
          },
        }),
      );
      const { id, stage, state } = await house.campaigns.create({ name: 'Spring', definition: 'sales' });
      assert.deepEqual([stage, state], ['plan', 'draft']);
      const places: string[] = [];
      for (const action of ['activate', 'pause', 'resume', 'widen', 'close']) {
        const after = await house.campaigns.act(id, action, { actor: 'ada' });
        places.push(`${after.stage} ${after.state} ${after.run}`);
      }
      assert.deepEqual(places, [
        'warm-up active 1',
        'paused paused 1',
        'warm-up active 1',
        'main active 1',
        'closed completed 1',
      ]);
      assert.deepEqual((await house.history(id)).slice(1), [
        'campaign.launched by ada',
        'campaign.paused by ada',
        'campaign.resumed by ada',
        'campaign.stage_changed by ada',
        'campaign.completed by ada',
      ]);
      assert.deepEqual(await house.announced(), [
        'created',
        'launched',
        'paused',
        'resumed',
        'stage_changed',
        'completed',
      ]);
      assert.equal((await house.campaigns.list({ stage: 'closed' })).items[0]?.id, id);
      assert.deepEqual(await house.campaigns.actionsOf(id), ['schedule', 'launch']);
    });

    it('keeps when it began and ended, and counts its runs', async () => {
      await house.campaigns.create({ key: 'spring' });
      await house.campaigns.launch('spring');
      await house.clock.advance(1_000);
      const ended = await house.campaigns.act('spring', 'close');
      assert.deepEqual([ended.startedAt, ended.endedAt, ended.run], [NOON, NOON + 1_000, 1]);
      const again = await house.campaigns.launch('spring');
      assert.deepEqual(
        [again.startedAt, again.endedAt, again.run, again.hadAudience],
        [NOON + 1_000, undefined, 2, false],
      );
    });

    it('runs its hooks in the transaction, in order, by its name, its effect, and for all', async () => {
      house.definitions.set('sales', definition({ transitions: { activate: { from: 'draft', to: 'active' } } }));
      const told: string[] = [];
      const hook = (name: string) => (_tx: unknown, campaign: { state: string }, action: string) =>
        void told.push(`${name} ${action} ${campaign.state}`);
      house.campaigns.on('after', '*', hook('after all'));
      house.campaigns.on('before', 'launch', hook('before launch'));
      house.campaigns.on('before', 'activate', hook('before activate'));
      house.campaigns.on('before', 'pause', hook('before pause'));
      const off = house.campaigns.on('after', 'activate', hook('after activate'));
      await house.campaigns.create({ key: 'spring', definition: 'sales' });
      await house.campaigns.act('spring', 'activate');
      assert.deepEqual(told, [
        'before launch activate draft',
        'before activate activate draft',
        'after all activate active',
        'after activate activate active',
      ]);
      off();
      await house.campaigns.pause('spring');
      assert.deepEqual(told.slice(4), ['before pause pause active', 'after all pause paused']);
    });

    it('is taken back as a whole when a guard, a condition or a hook is against it, and nobody hears of it', async () => {
      house.definitions.set(
        'sales',
        definition({
          transitions: {
            activate: { from: 'draft', to: 'active', condition: 'plenty' },
            queue_up: { from: 'draft', to: 'queued', condition: 'broken' },
          },
        }),
      );
      const heard: string[] = [];
      listenersOf(house.scope).on(['*'], ({ type }) => void heard.push(type));
      const { id } = await house.campaigns.create({ key: 'spring', definition: 'sales', data: { budget: 'plenty' } });
      await house.campaigns.create({ key: 'poor', definition: 'sales' });
      await new Promise((resolve) => setImmediate(resolve));
      heard.length = 0;
      let fails: 'before' | 'after' | 'write' | 'also' | undefined;
      house.campaigns.on('before', 'launch', async (tx, campaign) => {
        await moveMetrics(tx, [{ campaign: campaign.id, channel: 'email', at: NOON, name: 'queued' }]);
        if (fails === 'before') throw new Error('the shop is closed');
      });
      house.campaigns.on('after', 'launch', async (tx) => {
        if (fails === 'after') throw new InputError('E_SHOP', 'the shop is closed.');
        if (fails === 'write') await tx.run(`INSERT INTO marketing_settings (tenant_id, name) VALUES (:tenant, NULL)`);
      });
      const before = await house.everything();
      const refused = async (key: string, action: string, message: RegExp): Promise<void> => {
        await assert.rejects(house.campaigns.act(key, action, { comment: 'go' }), (error: unknown) => {
          assert.ok(error instanceof ConflictError && error.code === 'E_GUARD', String(error));
          assert.match(error.message, message);
          return true;
        });
        assert.deepEqual(await house.everything(), before);
      };
      for (fails of ['before', 'after'] as const) await refused('spring', 'activate', /the shop is closed\.$/);
      fails = 'write';
      await refused('spring', 'launch', /not allowed/);
      fails = undefined;
      await refused('poor', 'launch', /its condition is not met: plenty/);
      await refused('poor', 'queue_up', /it cannot be read/);
      const also = (): Promise<void> => Promise.reject(new Error('no room'));
      await assert.rejects(house.campaigns.act('spring', 'launch', {}, { also }), /no room/);
      assert.deepEqual(await house.everything(), before);
      for (const [answer, message] of [
        [false, /a guard says no/],
        ['the budget is spent', /the budget is spent/],
        [new Error('no answer'), /no answer/],
      ] as const) {
        const off = house.campaigns.guard('launch', () => {
          if (answer instanceof Error) throw answer;
          return answer;
        });
        await refused('spring', 'activate', message);
        const { allowed, reason } = await house.campaigns.can(id, 'launch');
        assert.ok(!allowed);
        assert.match(reason ?? '', message);
        off();
      }
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(heard, []);
      assert.equal((await house.campaigns.act('spring', 'activate')).state, 'active');
      assert.ok((await house.count('metrics')) > 0);
    });

    it('asks its guards with who acts', async () => {
      await house.campaigns.create({ key: 'spring' });
      house.campaigns.guard('*', (campaign, actor) => {
        return (typeof actor === 'object' && actor.id === 'ada') || `${campaign.key} is only for ada`;
      });
      assert.deepEqual(await house.campaigns.can('spring', 'launch', { actor: person('bob', 'admin') }), {
        allowed: false,
        reason: '"launch" of the campaign "spring" is not allowed: spring is only for ada.',
      });
      assert.deepEqual(await house.campaigns.can('spring', 'launch', { actor: person('ada', 'marketer') }), {
        allowed: true,
      });
      assert.equal((await house.campaigns.get('spring')).version, 1);
    });

    it('meets the condition of its definition from every stage, also from one that it was planned ahead to', async () => {
      house.definitions.set(
        'enterprise',
        definition({
          stages: ['queued', 'active', 'paused', 'completed'],
          transitions: { activate: { from: 'queued', to: 'active', condition: 'plenty' } },
        }),
      );
      const { campaigns } = house;
      const { id, state, stage } = await campaigns.create({ key: 'welcome', definition: 'enterprise' });
      assert.deepEqual([state, stage, (await campaigns.clone(id)).stage], ['queued', 'queued', 'queued']);
      for (const action of ['activate', 'launch']) {
        await assert.rejects(campaigns.act(id, action), { code: 'E_GUARD', message: /condition is not met: plenty/ });
      }
      await campaigns.act(id, 'schedule');
      await assert.rejects(campaigns.launch(id), { code: 'E_GUARD' });
      assert.equal((await campaigns.act(id, 'unschedule')).stage, 'queued');
      await house.scope.run(
        `UPDATE marketing_campaigns SET state = 'draft', stage = 'draft' WHERE tenant_id = :tenant`,
      );
      await assert.rejects(campaigns.launch(id), { code: 'E_GUARD' });
      await campaigns.update(id, { data: { budget: 'plenty' } });
      assert.equal((await campaigns.launch(id)).stage, 'active');
    });

    it('is allowed by what it does, whatever it is called', async () => {
      house.definitions.set('sly', definition({ transitions: { optimize: { from: 'draft', to: 'active' } } }));
      const { campaigns } = house;
      const writer = { actor: { ...person('ada', 'marketer'), scopes: ['campaign:read', 'campaign:write'] as const } };
      await campaigns.create({ key: 'sly', definition: 'sly' }, writer);
      await assert.rejects(campaigns.act('sly', 'optimize', writer), { code: 'E_FORBIDDEN' });
      const { id } = await house.at('active', 'spring');
      assert.equal((await campaigns.act(id, 'optimize', writer)).state, 'active');
      await campaigns.awaitAction(id, 'optimize');
      assert.equal((await campaigns.can(id, 'optimize', writer)).allowed, false);
      await assert.rejects(campaigns.act(id, 'optimize', writer), { code: 'E_FORBIDDEN' }, 'it would go on with it');
      assert.equal((await campaigns.get(id)).state, 'paused');
    });

    it('holds everybody to their roles', async () => {
      const { id } = await house.campaigns.create({ key: 'spring' });
      const viewer = { actor: person('eve', 'viewer') };
      const approver = { actor: person('bob', 'approver') };
      const narrow = { actor: { ...person('ada', 'admin'), scopes: ['campaign:read' as const] } };
      const { campaigns } = house;
      const desk = new CampaignDesk(house.scope, campaigns, () => undefined);
      for (const who of [viewer, approver, narrow]) {
        for (const attempt of [
          () => campaigns.create({ name: 'x' }, who),
          () => campaigns.update(id, { name: 'x' }, who),
          () => campaigns.ensure('generic', who),
          () => desk.retry(id, who),
          () => desk.reconcile(id, 'sent', who),
          () => desk.reconcile(id, 'resend', who),
          () => campaigns.clone(id, {}, who),
          () => campaigns.act(id, 'launch', who),
          () => campaigns.act(id, 'optimize', who),
          () => campaigns.awaitAction(id, 'optimize', who),
          () => campaigns.remove(id, who),
          () => campaigns.restore(id, who),
          () => campaigns.purgeDeleted(NOON, who),
          () => campaigns.assign(id, { kind: 'user', assignee: 'eve' }, who),
          () => campaigns.unassign(id, { kind: 'user', assignee: 'eve' }, who),
          () => campaigns.setLimits({}, who) as Promise<unknown>,
        ]) {
          await assert.rejects(
            async () => attempt(),
            (error: unknown) => error instanceof ForbiddenError && error.code === 'E_FORBIDDEN',
          );
        }
        assert.equal((await campaigns.can(id, 'launch', who)).allowed, false);
        assert.equal((await campaigns.list({}, who)).items.length, 1);
      }
      const nobody = { actor: person('nobody') };
      for (const attempt of [
        () => campaigns.get(id, nobody),
        () => desk.report(id, nobody),
        () => desk.unknown(id, nobody),
        () => desk.deadLetters(id, nobody),
        () => desk.why(id, 1, nobody),
        () => campaigns.list({}, nobody),
        () => campaigns.limits(nobody),
      ]) {
        await assert.rejects(async () => attempt(), { code: 'E_FORBIDDEN' });
      }
      assert.equal((await campaigns.act(id, 'launch', { actor: person('ada', 'marketer') })).state, 'active');
      assert.equal((await house.history(id)).at(-1), 'campaign.launched by ada');
    });

    it('to optimize is logged with its comment and changes no state', async () => {
      const { id } = await house.at('active', 'spring');
      const after = await house.campaigns.act(id, 'optimize', {
        actor: 'ada',
        comment: 'Shorter subject',
        reason: 'few opens',
      });
      assert.deepEqual([after.state, after.stage], ['active', 'active']);
      assert.deepEqual(comments, ['ada: Shorter subject']);
      assert.equal((await house.history(id)).at(-1), 'campaign.optimized by ada');
      assert.equal((await house.announced()).at(-1), 'updated');
    });

    it('can be waited for: the campaign is paused until then, and nothing else has it go on', async () => {
      const { id } = await house.at('active', 'spring');
      const waiting = await house.campaigns.awaitAction(id, 'optimize', { actor: 'ada' });
      assert.deepEqual([waiting.state, waiting.awaiting], ['paused', 'optimize']);
      await assert.rejects(house.campaigns.resume(id), { code: 'E_CAMPAIGN_AWAITS', message: /waits for "optimize"/ });
      assert.match((await house.campaigns.can(id, 'resume')).reason ?? '', /waits for "optimize"/);
      const after = await house.campaigns.act(id, 'optimize', { actor: 'bob' });
      assert.deepEqual([after.state, after.awaiting], ['active', undefined]);
      assert.deepEqual((await house.history(id)).slice(-4), [
        'campaign.awaits by ada',
        'campaign.paused by ada',
        'campaign.optimized by bob',
        'campaign.resumed by bob',
      ]);
      assert.deepEqual((await house.announced()).slice(-2), ['updated', 'resumed']);
    });

    it('can be waited for while it is paused already; completing ends the waiting', async () => {
      house.definitions.set('sales', definition({ transitions: { sign: { from: 'paused', to: 'active' } } }));
      await house.campaigns.create({ key: 'spring', definition: 'sales' });
      await assert.rejects(house.campaigns.awaitAction('spring', 'sign'), { code: 'E_CAMPAIGN_STATE' });
      await house.campaigns.launch('spring');
      for (const [action, code] of [
        ['resume', 'E_AWAIT_ACTION'],
        ['launch', 'E_CAMPAIGN_STATE'],
        ['fly', 'E_UNKNOWN_ACTION'],
      ]) {
        await assert.rejects(house.campaigns.awaitAction('spring', action as string), { code });
      }
      await house.campaigns.pause('spring');
      assert.equal((await house.campaigns.awaitAction('spring', 'sign')).awaiting, 'sign');
      await assert.rejects(house.campaigns.resume('spring'), { code: 'E_CAMPAIGN_AWAITS' });
      const signed = await house.campaigns.act('spring', 'sign');
      assert.deepEqual([signed.state, signed.awaiting], ['active', undefined]);
      await house.campaigns.awaitAction('spring', 'sign');
      const over = await house.campaigns.complete('spring');
      assert.deepEqual([over.state, over.awaiting], ['completed', undefined]);
    });

    it('keeps to the number of active campaigns, also of two at the same moment', async () => {
      await house.campaigns.setLimits({ maxActiveCampaigns: 2 }, { actor: person('root', 'admin') });
      for (const key of ['a', 'b', 'c', 'd']) await house.campaigns.create({ key });
      const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((key) => house.campaigns.launch(key)));
      const codes = results.map((result) =>
        result.status === 'fulfilled' ? 'ok' : (result.reason as ConflictError).code,
      );
      assert.deepEqual(codes.sort(), ['E_LIMIT_ACTIVE_CAMPAIGNS', 'E_LIMIT_ACTIVE_CAMPAIGNS', 'ok', 'ok']);
      const [running] = await house.campaigns.all({ state: 'active' });
      await house.campaigns.pause(running?.id ?? 0);
      const [waiting] = await house.campaigns.all({ state: 'draft' });
      await house.campaigns.launch(waiting?.id ?? 0);
      await assert.rejects(house.campaigns.resume(running?.id ?? 0), { code: 'E_LIMIT_ACTIVE_CAMPAIGNS' });
      await house.campaigns.setLimits({});
      assert.equal((await house.campaigns.resume(running?.id ?? 0)).state, 'active');
      await assert.rejects(house.campaigns.setLimits({ maxActiveCampaigns: -1 }), { code: 'E_LIMITS' });
      await assert.rejects(house.campaigns.setLimits({ max: 1 } as object), { code: 'E_LIMITS' });
    });
  });

  describe('a large audience', () => {
    it('is launched by somebody who may approve and does not own the campaign, or on a trusted program’s word', async () => {
      let people = 100;
      const house = await House.open(db, { countAudience: () => Promise.resolve(people) });
      house.definitions.set('journey', definition({ entryMode: 'launch' }));
      await house.campaigns.setLimits({ approvalAbove: 100 });
      const { campaigns } = house;
      const marketer = person('ada', 'marketer');
      const boss = person('root', 'admin');
      await campaigns.create({ key: 'small', definition: 'journey' }, { actor: marketer });
      assert.equal((await campaigns.launch('small', { actor: marketer })).state, 'active');
      people = 101;
      await campaigns.create({ key: 'own', definition: 'journey' }, { actor: boss });
      await campaigns.create({ key: 'large', definition: 'journey' }, { actor: marketer });
      const refused: [string, object][] = [
        ['large', { actor: marketer }],
        ['large', { actor: marketer, approved: true }],
        ['large', { actor: 'node' }],
        ['large', {}],
        ['own', { actor: boss }],
      ];
      for (const [key, options] of refused) {
        await assert.rejects(
          campaigns.launch(key, options),
          (error: unknown) => error instanceof ForbiddenError && error.code === 'E_APPROVAL_NEEDED',
        );
        assert.equal((await campaigns.can(key, 'launch', options)).allowed, false);
      }
      assert.equal((await campaigns.launch('large', { actor: boss })).state, 'active');
      assert.equal((await campaigns.launch('own', { actor: 'approvals', approved: true })).state, 'active');
    });

    it('cannot be given to a small campaign that was paused before its people were in', async () => {
      const house = await House.open(db, {
        countAudience: ({ segment }) => Promise.resolve(segment === 'vips' ? 10 : 1_000),
      });
      house.definitions.set('journey', definition({ entryMode: 'launch' }));
      await house.campaigns.setLimits({ approvalAbove: 100 });
      const { campaigns } = house;
      const marketer = { actor: person('ada', 'marketer') };
      await campaigns.create({ key: 'few', definition: 'journey', segment: 'vips' }, marketer);
      await campaigns.launch('few', marketer);
      await campaigns.pause('few', marketer);
      for (const change of [
        { segment: 'pros' },
        { segment: null },
        { segment: null, audience: { include: ['pros'] } },
      ]) {
        await assert.rejects(campaigns.update('few', change, marketer), { code: 'E_APPROVAL_NEEDED' });
      }
      assert.equal((await campaigns.update('few', { name: 'Few', data: { a: 1 } }, marketer)).segment, 'vips');
      assert.equal(
        (await campaigns.update('few', { segment: 'pros' }, { actor: person('root', 'admin') })).segment,
        'pros',
      );
    });
  });
});
