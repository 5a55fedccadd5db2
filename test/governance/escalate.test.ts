import assert from 'node:assert/strict';
import { codeOf } from '../../lib/errors';
import { Delegations, escalate, readEscalations, writeLevels, type Raise } from '../../lib/governance';
import { House } from '../campaigns/house';
import { eachDatabase } from '../kit/databases';

eachDatabase((db) => {
  describe('raising a campaign', function () {
    this.timeout(60_000);
    let house: House;
    const low: Raise = { reason: 'a return of 0.4', cause: 'low_roi' };
    const raised = async (key: string, raise: Raise): Promise<string> => {
      const { raised, level, to } = await escalate(house.scope, key, raise);
      return `${raised} ${level} ${to ?? ''}`.trim();
    };

    before(async () => {
      house = await House.open(db);
      await writeLevels(
        house.scope,
        {
          levels: [
            { kind: 'user', assignee: 'mia' },
            { kind: 'role', assignee: 'director' },
          ],
          ignored: ['noise'],
        },
        'test',
      );
      for (const key of ['spring', 'summer', 'autumn']) {
        await house.campaigns.create({ key, owner: 'ann' });
        await house.campaigns.launch(key);
      }
    });

    it('goes to the next person each time, and ends at the top', async () => {
      const reason = 'nobody answers';
      assert.equal(await raised('spring', { reason }), 'true 1 user:mia');
      assert.equal(await raised('spring', { reason }), 'true 2 role:director');
      assert.equal(await raised('spring', { reason }).catch(codeOf), 'E_ESCALATION_TOP');
      assert.equal(
        await raised('spring', { reason, to: { kind: 'user', assignee: 'ceo' } }),
        'true 3 user:ceo',
        'whoever is named takes it',
      );
      const { id } = await house.campaigns.get('spring');
      assert.deepEqual(
        (await readEscalations(house.scope, id)).map(({ level, from, to, outcome }) => [level, from, to, outcome]),
        [
          [3, 'role:director', 'user:ceo', 'raised'],
          [2, 'user:mia', 'role:director', 'raised'],
          [1, 'user:ann', 'user:mia', 'raised'],
        ],
      );
      assert.deepEqual(
        (await house.campaigns.assignments('spring')).map(({ kind, assignee }) => `${kind}:${assignee}`),
        ['user:mia', 'role:director', 'user:ceo'],
      );
      assert.equal((await house.history(id)).filter((line) => line.startsWith('campaign.escalated')).length, 3);
      assert.equal((await house.announced()).filter((type) => type === 'escalated').length, 3);
    });

    it('happens once per run for a cause, however often and by however many it is told', async () => {
      const all = await Promise.all([1, 2, 3, 4].map(() => raised('summer', low)));
      assert.deepEqual(
        all.filter((one) => one.startsWith('true')),
        ['true 1 user:mia'],
      );
      assert.match(await raised('summer', low), /^false/);
      assert.equal(await raised('summer', { ...low, cause: 'approval_timeout', key: '7' }), 'true 2 role:director');
      assert.match(await raised('summer', { ...low, cause: 'other' }), /^false/, 'nobody is above');
      assert.match(await raised('summer', { ...low, cause: 'noise' }), /^false/, 'nobody wants to hear of it');
      await house.campaigns.complete('summer');
      await house.campaigns.launch('summer');
      assert.equal(await raised('summer', low), 'true 1 user:mia', 'another run');
    });

    it('goes to whoever acts for the next person', async () => {
      await new Delegations(house.scope).create({ delegator: 'mia', delegatee: 'noah' });
      assert.equal(await raised('autumn', low), 'true 1 user:noah');
      const [given] = await house.campaigns.assignments('autumn');
      assert.deepEqual([given?.assignee, given?.onBehalfOf], ['noah', 'mia']);
    });

    it('refuses what makes no sense', async () => {
      for (const wrong of [{ reason: '' }, { reason: 'x', level: 0 }, { reason: 'x', cause: 'Low ROI' }]) {
        assert.equal(await raised('spring', wrong).catch(codeOf), 'E_ESCALATION');
      }
      assert.equal(await raised('nothing', { reason: 'x' }).catch(codeOf), 'E_UNKNOWN_CAMPAIGN');
      assert.equal(
        await writeLevels(house.scope, { levels: [{ kind: 'boss', assignee: '' }] } as never, 'test').catch(codeOf),
        'E_ESCALATION_LEVELS',
      );
    });
  });
});
