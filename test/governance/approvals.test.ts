import assert from 'node:assert/strict';
import { codeOf } from '../../lib/errors';
import type { Approval, ApprovalTerms, Decision } from '../../lib/governance';
import { eachDatabase } from '../kit/databases';
import { Desk, NOON, person } from './desk';

const HOUR = 3_600_000;
const users = (...names: string[]): ApprovalTerms['approvers'] => names.map((approver) => ({ kind: 'user', approver }));

eachDatabase((db) => {
  describe('approvals', function () {
    this.timeout(120_000);
    let desk: Desk;
    let made = 0;
    const { ada, ann, bob, carl, root } = {
      ada: person('ada', ['marketer']),
      ann: person('ann'),
      bob: person('bob'),
      carl: person('carl'),
      root: person('root', ['admin']),
    };

    before(async () => {
      await (await db.open()).close();
      desk = new Desk(db);
      await desk.open();
      await desk.people(12);
      await desk.deploy();
      await desk.marketing.campaigns.setLimits({ approvalAbove: 10 });
    });
    after(() => desk.marketing.close());

    /** A campaign of ada's with a request on these terms. */
    async function asked(terms: ApprovalTerms = {}): Promise<Approval> {
      const { campaigns, approvals } = desk.marketing;
      const { id } = await campaigns.create({ key: `c${++made}`, definition: 'journey', budget: 100 }, { actor: ada });
      return approvals.request(id, terms, { actor: ada });
    }
    const vote = async (id: number, actor: typeof ann, decision: Decision = 'approve', more = {}): Promise<string> =>
      (await desk.marketing.approvals.vote(id, { decision, ...more }, { actor })).approval.state;
    const code = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'ok', codeOf);

    it('let a large campaign start that could not before, also by its schedule; a second look says why not', async () => {
      const { campaigns, approvals, schedules } = desk.marketing;
      const { id } = await campaigns.create({ key: 'large', definition: 'journey' }, { actor: ada });
      await assert.rejects(campaigns.launch(id, { actor: ada }), {
        code: 'E_APPROVAL_NEEDED',
        message:
          /\(12\) is larger than 10 .* nobody has asked .*POST \/api\/v1\/campaigns\/\d+\/approvals.*approval request large/,
      });
      const { id: request } = await approvals.request(id, { approvers: users('ann') }, { actor: ada });
      await assert.rejects(campaigns.launch(id, { actor: ada }), {
        code: 'E_APPROVAL_NEEDED',
        message: /not decided yet/,
      });
      assert.equal(await code(approvals.request(id, {}, { actor: ada })), 'E_APPROVAL_PENDING');
      assert.equal(await vote(request, ann), 'approved');
      assert.equal(await code(approvals.request(id, {}, { actor: ada })), 'E_APPROVAL_GRANTED');
      assert.equal((await campaigns.can(id, 'launch', { actor: ada })).allowed, true);
      await schedules.schedule(id, { kind: 'once', at: NOON + HOUR }, { actor: ada });
      await desk.advance(HOUR + 1_000);
      assert.equal((await campaigns.get(id)).run, 1);
      await campaigns.cancel(id);
      assert.equal(await code(approvals.request(id, {}, { actor: ada })), 'E_CAMPAIGN_STATE');
    });

    it('are voided by a change of audience, content or budget, and by nothing else', async () => {
      const { campaigns, approvals, segments, templates } = desk.marketing;
      await segments.create({ key: 'some', condition: 'lead.score >= 0', kind: 'dynamic' });
      await templates.create({ key: 'words', name: 'Words', type: 'sms', content: { text: 'Hello' } });
      const changes: [string, (id: number) => Promise<unknown>, string][] = [
        ['audience', (id) => campaigns.update(id, { segment: 'some' }, { actor: ada }), 'audience'],
        [
          'content',
          (id) => campaigns.update(id, { content: { sms: { template: 'words' } } }, { actor: ada }),
          'content',
        ],
        ['data', (id) => campaigns.update(id, { data: { discount: 50 } }, { actor: ada }), 'content'],
        ['budget', (id) => campaigns.update(id, { budget: 1_000_000 }, { actor: ada }), 'budget'],
        ['the name', (id) => campaigns.update(id, { name: 'Other' }, { actor: ada }), ''],
      ];
      for (const [what, change, part] of changes) {
        for (const decided of [false, true]) {
          const { id, campaign } = await asked({ approvers: users('ann') });
          if (decided) await vote(id, ann);
          await change(campaign);
          const after = await approvals.get(id);
          const stands = decided ? 'approved' : 'pending';
          assert.equal(after.state, part === '' ? stands : 'voided', what);
          if (part === '') continue;
          assert.equal(after.reason, `changed since it was asked for: ${part}`);
          assert.equal(await code(vote(id, ann)), 'E_APPROVAL_VOIDED');
          assert.equal(await code(campaigns.launch(campaign, { actor: ada })), 'E_APPROVAL_NEEDED');
          assert.equal((await approvals.request(campaign, {}, { actor: ada })).round, 2, 'asked for once more');
        }
      }
    });

    it('are voided when a segment’s rule, a template or a send node has changed behind the campaign', async () => {
      const { campaigns, approvals, segments, templates } = desk.marketing;
      const content = { sms: { template: 'words' } };
      const behind: [() => Promise<unknown>, string][] = [
        [() => segments.update('some', 1, { condition: 'lead.score >= -1' }), 'audience'],
        [() => templates.update('words', { content: { text: `Hello ${made}` } }), 'content'],
        [() => desk.deploy('hash-2'), 'content'],
      ];
      for (const [change, part] of behind) {
        const first = await asked();
        await campaigns.update(first.campaign, { content, segment: 'some' }, { actor: ada });
        const granted = await approvals.request(first.campaign, { approvers: users('ann') }, { actor: ada });
        await vote(granted.id, ann);
        const open = await asked({ approvers: users('ann') });
        await campaigns.update(open.campaign, { content, segment: 'some' }, { actor: ada });
        const pending = await approvals.request(open.campaign, { approvers: users('ann') }, { actor: ada });
        assert.equal((await campaigns.can(first.campaign, 'launch', { actor: ada })).allowed, true);
        await change();
        await assert.rejects(campaigns.launch(first.campaign, { actor: ada }), { message: /has changed since/ });
        assert.equal(await code(vote(pending.id, ann)), 'E_APPROVAL_VOIDED');
        assert.equal((await approvals.get(pending.id)).reason, `changed since it was asked for: ${part}`);
      }
    });

    it('do not count for many more people than were looked at', async () => {
      const { campaigns, leads } = desk.marketing;
      const { id, campaign } = await asked({ approvers: users('ann') });
      await vote(id, ann);
      for (const name of ['one', 'two']) await leads.upsert({ email: `${name}@more.example` });
      assert.equal((await campaigns.can(campaign, 'launch', { actor: ada })).allowed, true, '14 of 12');
      for (const name of ['three', 'four']) await leads.upsert({ email: `${name}@more.example` });
      await assert.rejects(campaigns.launch(campaign, { actor: ada }), {
        message: /12 people were approved, and there are 16/,
      });
    });

    it('are never given by who owns the campaign, made it or asks: not as a user, a role, by a delegate or a link', async () => {
      const { approvals, campaigns, delegations } = desk.marketing;
      const boss = person('boss', ['admin']);
      const { id: campaign } = await campaigns.create(
        { key: 'own', definition: 'journey', owner: 'olga' },
        { actor: boss },
      );
      for (const name of ['olga', 'OLGA ', 'boss', 'ada']) {
        const terms = { approvers: users('ann', name) };
        assert.equal(await code(approvals.request(campaign, terms, { actor: ada })), 'E_APPROVAL_SELF', name);
      }
      const { id } = await approvals.request(
        campaign,
        { approvers: [{ kind: 'role', approver: 'admin' }, ...(users('dora') ?? [])], strategy: 'unanimous' },
        { actor: ada },
      );
      assert.equal(await code(vote(id, boss)), 'E_APPROVAL_SELF');
      assert.equal(await code(vote(id, person('olga', ['admin']))), 'E_APPROVAL_SELF');
      assert.equal(await code(vote(id, person('ada', ['admin']))), 'E_APPROVAL_SELF');
      await delegations.create({ delegator: 'dora', delegatee: 'olga' });
      await delegations.create({ delegator: 'olga', delegatee: 'pal' });
      assert.equal(await code(vote(id, person('olga'))), 'E_APPROVAL_SELF', 'dora has delegated to the owner');
      assert.equal(await code(vote(id, person('pal'))), 'E_APPROVAL_NOT_ASKED', 'the owner has delegated on');
      const link = { kind: 'role', approver: 'admin' } as const;
      assert.equal(await code(approvals.linkFor(id, link, { as: 'Olga' })), 'E_APPROVAL_SELF');
      assert.equal(await vote(id, root), 'pending');
      assert.equal(await vote(id, person('dora')), 'approved');
    });

    it('are not given by who gives the campaign away, or makes a link for another name, or has it mailed to themselves', async () => {
      const { approvals, campaigns, history } = desk.marketing;
      const both = person('both', ['admin']);
      const { id: campaign } = await campaigns.create({ key: 'away', definition: 'journey', owner: 'both' });
      const role = { kind: 'role', approver: 'approver' } as const;
      const mine = { approvers: [{ ...role, emails: ['ada@home.example'] }] };
      assert.equal(await code(approvals.request(campaign, mine, { actor: ada })), 'E_FORBIDDEN');
      const { id } = await approvals.request(campaign, { approvers: [role] }, { actor: ada });
      await campaigns.update(campaign, { owner: 'somebody' }, { actor: both });
      assert.equal(await code(vote(id, both)), 'E_APPROVAL_SELF', 'the owner of when it was asked for');
      assert.equal(await code(approvals.linkFor(id, role, { as: 'ghost', actor: both })), 'E_APPROVAL_SELF');
      assert.equal(await code(approvals.linksFor(id, { actor: both })), 'E_APPROVAL_SELF');
      await approvals.linkFor(id, role, { as: 'paula', actor: root });
      const made = (await history.list({ campaign })).items.find(({ event }) => event === 'approval.links_made');
      assert.deepEqual(
        made?.payload,
        { approval: id, for: ['role:approver'], voters: ['paula'] },
        'the history says who got one',
      );
      await campaigns.update(campaign, { owner: 'Both' }, { actor: root });
      assert.equal((await campaigns.can(campaign, 'launch', { actor: both })).allowed, false, 'nor by launching it');
    });

    it('have one vote of each person’s own, however many of the roles and teams that are asked are theirs', async () => {
      const approvers: ApprovalTerms['approvers'] = [
        { kind: 'user', approver: 'ann' },
        { kind: 'role', approver: 'approver' },
        { kind: 'team', approver: 'legal' },
      ];
      const { id } = await asked({ approvers, strategy: 'unanimous' });
      const legalAnn = person('ann', ['approver'], { teams: ['legal'] });
      const role = { kind: 'role', approver: 'approver' };
      assert.equal(await vote(id, legalAnn), 'pending');
      assert.equal(await code(vote(id, legalAnn, 'approve', { for: role })), 'E_APPROVAL_VOTED');
      assert.equal(await code(vote(id, person('Ann '), 'approve', { for: role })), 'E_APPROVAL_VOTED');
      assert.equal(await vote(id, legalAnn), 'pending', 'the same once more');
      assert.equal(await vote(id, bob), 'pending');
      assert.equal(await vote(id, person('leo', ['approver'], { teams: ['legal'] })), 'approved');
    });

    it('are needed anew by a campaign that was changed while it was paused', async () => {
      const { campaigns } = desk.marketing;
      const { approvals } = desk.marketing;
      const { id, campaign } = await asked({ approvers: users('ann') });
      await vote(id, ann);
      await campaigns.launch(campaign, { actor: ada });
      await campaigns.pause(campaign, { actor: ada });
      await campaigns.resume(campaign, { actor: ada });
      await campaigns.pause(campaign, { actor: ada });
      await campaigns.update(campaign, { content: { sms: { text: 'Something else' } } }, { actor: ada });
      assert.equal((await campaigns.can(campaign, 'resume', { actor: ada })).allowed, false);
      assert.equal(await code(campaigns.resume(campaign, { actor: ada })), 'E_APPROVAL_NEEDED');
      assert.equal((await campaigns.can(campaign, 'resume', { actor: root })).allowed, true);
      const { id: anew } = await approvals.request(campaign, { approvers: users('ann') }, { actor: ada });
      assert.equal(await vote(anew, ann), 'approved');
      assert.equal((await campaigns.resume(campaign, { actor: ada })).state, 'active');
      await campaigns.cancel(campaign);
    });

    it('are voided when a template has changed that a send node or a variant names', async () => {
      const { approvals, templates, scope } = desk.marketing;
      await templates.create({ key: 'named', name: 'Named', type: 'sms', content: { text: 'Hello' } });
      await scope.run(
        `UPDATE marketing_stations SET config = (:config)${scope.dialect.name === 'postgres' ? '::jsonb' : ''}
         WHERE tenant_id = :tenant AND definition_key = 'journey' AND step = 'mail'`,
        { config: JSON.stringify({ send: { template: 'named' } }) },
      );
      const { id } = await asked({ approvers: users('ann') });
      await templates.update('named', { content: { text: 'Buy!' } });
      assert.equal(await code(vote(id, ann)), 'E_APPROVAL_VOIDED');
      assert.equal((await approvals.get(id)).reason, 'changed since it was asked for: content');
    });

    it('take votes of those who are asked and may approve, once for each seat', async () => {
      const { approvals } = desk.marketing;
      const { id } = await asked({
        approvers: [
          ...(users('ann') ?? []),
          { kind: 'team', approver: 'legal' },
          { kind: 'team', approver: 'brand', members: ['bob', 'carl'] },
        ],
        strategy: 'unanimous',
      });
      assert.equal(await code(vote(id, person('zoe'))), 'E_APPROVAL_NOT_ASKED');
      assert.equal(await code(vote(id, person('ann', ['marketer']))), 'E_FORBIDDEN', 'being named is no right');
      const narrow = { ...ann, scopes: ['campaign:read'] as const };
      assert.equal(await code(vote(id, narrow)), 'E_FORBIDDEN');
      assert.equal(await vote(id, ann), 'pending');
      const lea = person('lea', ['approver'], { teams: ['legal'] });
      assert.equal(await vote(id, lea), 'pending');
      assert.equal(await code(vote(id, person('leo', ['approver'], { teams: ['legal'] }))), 'E_APPROVAL_VOTED');
      assert.equal(await vote(id, bob), 'pending');
      assert.equal(
        await code(vote(id, bob, 'approve', { for: { kind: 'user', approver: 'carl' } })),
        'E_APPROVAL_NOT_ASKED',
      );
      assert.equal(
        await code(vote(id, bob, 'approve', { for: { kind: 'user', approver: 'zoe' } })),
        'E_UNKNOWN_APPROVER',
      );
      assert.equal(await vote(id, carl), 'approved');
      const { seats, decidedBy } = await approvals.get(id);
      assert.deepEqual(
        seats.map(({ approver, votedBy, team }) => [approver, votedBy, team]),
        [
          ['ann', 'ann', undefined],
          ['legal', 'lea', undefined],
          ['bob', 'bob', 'brand'],
          ['carl', 'carl', 'brand'],
        ],
      );
      assert.equal(decidedBy, 'carl');
    });

    it('let a vote be changed until they are decided; the same said twice counts once', async () => {
      const { approvals } = desk.marketing;
      const { id } = await asked({ approvers: users('ann', 'bob', 'carl'), strategy: 'majority' });
      assert.equal(await vote(id, ann, 'reject', { comment: 'too loud' }), 'pending');
      const again = await approvals.vote(id, { decision: 'reject' }, { actor: ann });
      assert.equal(again.counted, false);
      assert.equal(await vote(id, ann, 'approve', { comment: 'fine now' }), 'pending');
      assert.equal((await approvals.get(id)).seats[0]?.comment, 'fine now');
      assert.equal(await vote(id, bob), 'approved', 'carl cannot change it any more');
      assert.equal(await code(vote(id, carl, 'reject')), 'E_APPROVAL_DECIDED');
      assert.deepEqual((await desk.history()).slice(-5), [
        'requested by ada',
        'voted by ann',
        'voted by ann',
        'voted by bob',
        'approved by bob',
      ]);
    });

    it('of two tabs at once, and of a double click, one decides and the other is told so', async () => {
      for (const decisions of [
        ['approve', 'approve'],
        ['approve', 'reject'],
      ] as const) {
        const { id } = await asked({ approvers: users('ann') });
        const outcomes = await Promise.all(decisions.map((decision) => code(vote(id, ann, decision))));
        assert.deepEqual(outcomes.sort(), ['E_APPROVAL_DECIDED', 'ok']);
        assert.equal((await desk.history()).filter((line) => /(approved|rejected) by ann/.test(line)).length > 0, true);
      }
      const { id } = await asked({ approvers: users('ann', 'bob', 'carl'), strategy: 'majority' });
      const all = await Promise.all([ann, bob, carl].map((who) => code(vote(id, who))));
      assert.deepEqual(all.sort(), ['E_APPROVAL_DECIDED', 'ok', 'ok']);
      const { approvals } = desk.marketing;
      assert.equal((await approvals.get(id)).seats.filter(({ decision }) => decision).length, 2);
    });

    it('follow delegations of one to three steps; an original approver has one vote, and takes it back', async () => {
      const { approvals, delegations } = desk.marketing;
      for (const [delegator, delegatee] of [
        ['d0', 'd1'],
        ['d1', 'd2'],
        ['d2', 'd3'],
      ] as const) {
        await delegations.create({ delegator, delegatee, scope: 'approvals' });
      }
      for (const depth of [1, 2, 3]) {
        const { id } = await asked({ approvers: users('d0') });
        assert.equal(await vote(id, person(`d${depth}`)), 'approved', `${depth} steps`);
      }
      assert.equal(await code(delegations.create({ delegator: 'd3', delegatee: 'd4' })), 'E_DELEGATION_DEPTH');
      // Two seats, one person: once for themselves, once for whom they stand in.
      const { id } = await asked({ approvers: users('d0', 'd1', 'zoe'), strategy: 'unanimous' });
      assert.equal(
        await vote(id, person('d1'), 'reject', { for: { kind: 'user', approver: 'd0' } }).catch(codeOf),
        'rejected',
      );
      const other = await asked({ approvers: users('d0', 'd1', 'zoe'), strategy: 'majority' });
      assert.equal(await vote(other.id, person('d1')), 'pending', 'their own vote first');
      assert.equal(await vote(other.id, person('d1'), 'reject', { for: { kind: 'user', approver: 'd0' } }), 'pending');
      assert.equal(
        await code(vote(other.id, person('d2'), 'approve', { for: { kind: 'user', approver: 'd0' } })),
        'E_APPROVAL_VOTED',
      );
      assert.equal(await vote(other.id, person('d0')), 'approved', 'whose vote it is has the last word');
      const [seat] = (await approvals.get(other.id)).seats;
      assert.deepEqual([seat?.approver, seat?.votedBy, seat?.decision], ['d0', 'd0', 'approve']);
    });

    it('remind those who have not voted, expire, and raise the campaign to the next person; all of it once', async () => {
      const { approvals, campaigns, scope } = desk.marketing;
      const started = desk.clock.now();
      const { id, campaign, dueAt } = await asked({
        approvers: users('ann', 'bob'),
        strategy: 'unanimous',
        timeoutMs: 10 * HOUR,
        remindEveryMs: 3 * HOUR,
      });
      assert.equal(dueAt, started + 10 * HOUR);
      await vote(id, ann);
      await desk.advance(10 * HOUR - 1);
      assert.deepEqual([(await approvals.get(id)).state, (await approvals.get(id)).reminders], ['pending', 3]);
      await desk.clock.advance(1);
      assert.equal(await code(vote(id, bob)), 'E_APPROVAL_EXPIRED', 'whether or not anybody has looked at the clock');
      await desk.advance(5_000);
      assert.equal((await approvals.get(id)).state, 'expired');
      await approvals.upkeep();
      const told = (await desk.history()).slice(-6);
      assert.deepEqual(told, [
        'requested by ada',
        'voted by ann',
        ...Array<string>(3).fill('reminded by system:approval'),
        'expired by system:approval',
      ]);
      const raised = await desk.marketing.escalations.list(campaign);
      assert.deepEqual(
        raised.map(({ action, level, to }) => [action, level, to]),
        [[`raise:approval_timeout:${id}`, 1, 'role:approver']],
      );
      assert.equal((await campaigns.assignments(campaign)).length, 1);
      assert.equal(await code(campaigns.launch(campaign, { actor: ada })), 'E_APPROVAL_NEEDED');
      const left = await scope.get<{ n: number }>(
        `SELECT COUNT(*) AS n FROM marketing_approvals WHERE tenant_id = :tenant AND state = 'pending' AND due_at <= :now`,
        { now: desk.clock.now() },
      );
      assert.equal(Number(left?.n), 0);
    });

    it('are asked for on the tenant’s terms where it has some', async () => {
      const { approvals, campaigns } = desk.marketing;
      assert.equal(await code(approvals.setSettings({ strategy: 'majority' }, { actor: ada })), 'E_FORBIDDEN');
      await approvals.setSettings({ approvers: users('ann', 'bob'), strategy: 'unison' }, { actor: root });
      const addressed = { approvers: [{ kind: 'user', approver: 'ann', emails: ['ann@example.org'] }] } as const;
      await approvals.setSettings(addressed, { actor: root });
      assert.equal((await approvals.settings({ actor: root })).approvers?.[0]?.emails?.length, 1);
      assert.equal(JSON.stringify(await approvals.settings({ actor: ada })).includes('@'), false);
      await approvals.setSettings({ approvers: users('ann', 'bob'), strategy: 'unison' }, { actor: root });
      const { id } = await campaigns.create({ key: 'policy', definition: 'journey' }, { actor: ada });
      const weaker = { approvers: users('bob'), strategy: 'single' };
      assert.equal(await code(approvals.request(id, weaker, { actor: ada })), 'E_FORBIDDEN');
      const request = await approvals.request(id, { comment: 'please' }, { actor: ada });
      assert.deepEqual([request.strategy, request.seats.length, request.comment], ['unanimous', 2, 'please']);
      assert.equal(await code(approvals.withdraw(request.id, { actor: person('zoe', ['marketer']) })), 'E_FORBIDDEN');
      assert.equal((await approvals.withdraw(request.id, { actor: ada })).state, 'withdrawn');
      assert.equal(await code(vote(request.id, ann)), 'E_APPROVAL_DECIDED');
      await approvals.setSettings({}, { actor: root });
    });

    it('refuse terms that cannot be used, with paths', async () => {
      const wrong: [object, string][] = [
        [{ approvers: [] }, '/approvers'],
        [{ approvers: [{ kind: 'boss', approver: 'x' }] }, '/approvers/0/kind'],
        [{ approvers: [{ kind: 'user', approver: ' ' }] }, '/approvers/0/approver'],
        [{ approvers: [{ kind: 'user', approver: 'x', members: ['y'] }] }, '/approvers/0/members'],
        [{ approvers: [{ kind: 'user', approver: 'x', emails: ['nowhere'] }] }, '/approvers/0/emails'],
        [{ strategy: 'dice' }, '/strategy'],
        [{ quorum: 'most' }, '/quorum'],
        [{ timeoutMs: 1 }, '/timeoutMs'],
        [{ remindEveryMs: 0.5 }, '/remindEveryMs'],
        [{ surprise: true }, '/surprise'],
      ];
      for (const [terms, path] of wrong) {
        await assert.rejects(asked(terms), (error: { details: unknown }) => {
          assert.equal((error.details as { problems: { path: string }[] }).problems[0]?.path, path);
          return codeOf(error) === 'E_APPROVAL_TERMS';
        });
      }
      assert.equal(
        await code(asked({ approvers: users('ann'), strategy: 'quorum', quorum: '2' })),
        'E_APPROVAL_QUORUM',
      );
    });
  });
});
