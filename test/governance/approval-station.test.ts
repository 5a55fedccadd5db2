import assert from 'node:assert/strict';
import { castVote } from '../../lib/governance/approvals/voting';
import type { Approval } from '../../lib/governance';
import { eachDatabase } from '../kit/databases';
import { Desk, person } from './desk';

const HOUR = 3_600_000;

eachDatabase((db) => {
  describe('an approval station', function () {
    this.timeout(120_000);
    let desk: Desk;
    const ann = { actor: person('ann') };
    const people = 12;

    beforeEach(async () => {
      await (await db.open()).close();
      desk = new Desk(db);
      await desk.open();
      await desk.people(people);
    });
    afterEach(() => desk.marketing.close());

    async function launch(key = 'spring'): Promise<number> {
      const { id } = await desk.marketing.campaigns.create({ key, definition: 'journey', owner: 'olga' });
      await desk.marketing.campaigns.launch(id);
      await desk.settled();
      return id;
    }
    const latest = async (): Promise<Approval> => {
      const [last] = await desk.marketing.approvals.list();
      assert.ok(last, 'somebody has been asked');
      return last;
    };
    const ports = (): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const { port } of desk.out) counts[port] = (counts[port] ?? 0) + 1;
      return counts;
    };

    it('holds a campaign’s people, asks once, and lets them all go with the decision; who comes later does not wait', async () => {
      desk.doorOpen = false;
      await desk.deploy();
      await launch();
      await desk.letIn(7);
      await desk.settled();
      assert.deepEqual([await desk.waiting(), desk.out.length], [7, 0]);
      assert.equal((await desk.marketing.approvals.list()).length, 1);
      const { id, subject, step, run, state } = await latest();
      assert.deepEqual([subject, step, run, state], ['station', 'gate', 1, 'pending']);
      assert.deepEqual(await desk.marketing.approvals.openAt('journey', 'gate'), { requests: 1, votes: 0, seats: 1 });
      await desk.marketing.approvals.vote(id, { decision: 'approve', comment: 'go' }, ann);
      await desk.settled();
      assert.deepEqual([await desk.waiting(), ports()], [0, { 0: 7 }]);
      await desk.letIn();
      await desk.settled();
      assert.deepEqual([await desk.waiting(), ports()], [0, { 0: people }]);
      for (const { outcome } of desk.out) {
        assert.deepEqual(
          [outcome.decision, outcome.by, outcome.comments],
          ['approved', ['ann'], [{ by: 'ann', decision: 'approve', comment: 'go' }]],
        );
      }
      assert.equal((await desk.marketing.approvals.list()).length, 1, 'nobody was asked twice');
    });

    it('sends people through its second output when it is rejected, through its third when nobody decides in time', async () => {
      desk.terms = { approvers: [{ kind: 'user', approver: 'ann' }], timeoutMs: 2 * HOUR };
      await desk.deploy();
      await launch('rejected');
      await desk.marketing.approvals.vote((await latest()).id, { decision: 'reject' }, ann);
      await desk.settled();
      assert.deepEqual(ports(), { 1: people });
      await launch('forgotten');
      assert.equal(await desk.waiting(), people);
      await desk.advance(2 * HOUR + 1);
      assert.deepEqual([await desk.waiting(), ports()], [0, { 1: people, 2: people }]);
      assert.equal(desk.out.at(-1)?.outcome.decision, 'timed out');
      assert.equal((await desk.marketing.escalations.list('forgotten')).length, 1);
    });

    it('asks once more when the campaign has changed after the approval, and people still come', async () => {
      desk.doorOpen = false;
      await desk.deploy();
      const campaign = await launch();
      const { approvals, campaigns } = desk.marketing;
      await desk.letIn(4);
      const first = await latest();
      await approvals.vote(first.id, { decision: 'approve' }, ann);
      await desk.settled();
      assert.deepEqual(ports(), { 0: 4 });
      await campaigns.pause(campaign);
      await campaigns.update(campaign, { data: { discount: 90 } });
      assert.equal((await approvals.get(first.id)).state, 'voided');
      await campaigns.resume(campaign);
      await desk.letIn();
      await desk.settled();
      assert.deepEqual([await desk.waiting(), ports()], [people - 4, { 0: 4 }]);
      const second = await latest();
      assert.deepEqual([second.round, second.state], [2, 'pending']);
      await approvals.vote(second.id, { decision: 'reject' }, ann);
      await desk.settled();
      assert.deepEqual(ports(), { 0: 4, 1: people - 4 });
    });

    it('asks anew for people who wait when what they wait for is voided', async () => {
      await desk.deploy();
      const campaign = await launch();
      const { approvals, campaigns } = desk.marketing;
      await campaigns.pause(campaign);
      await campaigns.update(campaign, { budget: 5 });
      assert.equal((await latest()).state, 'voided');
      assert.equal((await approvals.list()).length, 1, 'not while it is paused: more may change');
      await campaigns.resume(campaign);
      await desk.settled();
      await approvals.upkeep();
      const { id, round, state } = await latest();
      assert.deepEqual([round, state, await desk.waiting()], [2, 'pending', people]);
      await approvals.vote(id, { decision: 'approve' }, ann);
      await desk.settled();
      assert.deepEqual([await desk.waiting(), ports()], [0, { 0: people }]);
    });

    it('loses nobody when the process ends while they wait, nor between the decision and their going on', async () => {
      await desk.deploy();
      await launch();
      const { id } = await latest();
      await desk.marketing.close();
      await desk.open();
      await desk.deploy();
      await desk.settled();
      assert.deepEqual([await desk.waiting(), desk.out.length], [people, 0]);
      // The decision is committed, and nothing else: as it stands after a kill at that moment.
      const bare = {
        scope: desk.marketing.scope,
        timers: desk.marketing.timers,
        wakeStation: () => undefined,
        warn: () => undefined,
      };
      await castVote(bare, id, { decision: 'approve' }, { actor: 'ann' });
      await desk.marketing.close();
      await desk.open();
      await desk.deploy();
      assert.equal(await desk.waiting(), people);
      await desk.marketing.approvals.upkeep();
      await desk.settled();
      assert.deepEqual([await desk.waiting(), ports()], [0, { 0: people }]);
      await desk.marketing.approvals.upkeep();
      assert.equal((await desk.history()).filter((line) => line.startsWith('approved')).length, 1);
    });

    it('forgets nobody who arrives at the moment of the decision', async () => {
      desk.doorOpen = false;
      await desk.deploy();
      await launch();
      await desk.letIn(1);
      const { id } = await latest();
      const arriving: Promise<void>[] = [];
      for (let at = 1; at < people; at++) {
        arriving.push(desk.letIn(1));
        if (at % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
        if (at === 5)
          arriving.push(desk.marketing.approvals.vote(id, { decision: 'approve' }, ann).then(() => undefined));
      }
      await Promise.all(arriving);
      await desk.settled();
      assert.deepEqual([await desk.waiting(), ports()], [0, { 0: people }]);
    });

    it('keeps campaigns apart, and takes its question back when a campaign ends', async () => {
      await desk.deploy();
      const [one, other] = [await launch('one'), await launch('other')];
      const { approvals, campaigns } = desk.marketing;
      const [first] = await approvals.list({ campaign: one });
      const [second] = await approvals.list({ campaign: other });
      await approvals.vote(first?.id ?? 0, { decision: 'approve' }, ann);
      await desk.settled();
      assert.deepEqual([await desk.waiting(), ports()], [people, { 0: people }]);
      await campaigns.cancel(other);
      assert.equal((await approvals.get(second?.id ?? 0)).state, 'withdrawn');
    });

    it('leaves out approvers who own the campaign, and asks whoever may approve when nobody is left', async () => {
      desk.terms = { approvers: [{ kind: 'user', approver: 'Olga' }], strategy: 'quorum', quorum: '1' };
      await desk.deploy();
      await launch();
      const { id, seats } = await latest();
      assert.deepEqual(
        seats.map(({ kind, approver }) => `${kind}:${approver}`),
        ['role:approver'],
      );
      await desk.marketing.approvals.vote(id, { decision: 'approve' }, ann);
      await desk.settled();
      assert.deepEqual(ports(), { 0: people });
    });

    it('wakes very many people in chunks', async function () {
      if (db.name !== 'sqlite') return this.skip();
      const many = 1_100;
      await desk.marketing.scope.run('DELETE FROM marketing_leads WHERE tenant_id = :tenant');
      await desk.people(many);
      await desk.deploy();
      const { id } = await desk.marketing.campaigns.create({ key: 'many', definition: 'journey' });
      await desk.marketing.campaigns.launch(id, { approved: true });
      await desk.settled();
      assert.equal(await desk.waiting(), many);
      await desk.marketing.approvals.vote((await latest()).id, { decision: 'approve' }, ann);
      await desk.settled();
      assert.deepEqual([await desk.waiting(), ports()], [0, { 0: many }]);
    });
  });
});
