import assert from 'node:assert/strict';
import { codeOf } from '../../lib/errors';
import {
  delegationPath,
  Delegations,
  obstacleTo,
  pathBetween,
  pathFrom,
  type DelegationScope,
  type Link,
} from '../../lib/governance';
import { House, NOON, person } from '../campaigns/house';
import { eachDatabase } from '../kit/databases';

const DAY = 86_400_000;
const ANY = { kind: 'approvals' } as const;

function link(delegator: string, delegatee: string, more: Partial<Link> = {}): Link {
  return { delegator, delegatee, scope: 'all', startsAt: 0, ...more };
}
function chain(...people: string[]): Link[] {
  return people.slice(1).map((to, place) => link(people[place] ?? '', to));
}
const path = (links: readonly Link[], from: string, to: string, barred: string[] = []): string | undefined =>
  pathBetween(links, { from, to, matter: ANY, barred })?.join(' > ');

describe('a delegation', () => {
  it('is followed over one, two and three steps, and not over four', () => {
    const links = chain('a', 'b', 'c', 'd', 'e');
    assert.deepEqual(
      ['b', 'c', 'd', 'e', 'a'].map((to) => path(links, 'a', to)),
      ['a > b', 'a > b > c', 'a > b > c > d', undefined, undefined],
    );
    assert.equal(path(chain('a', 'b', 'c'), 'c', 'a'), undefined, 'not backwards');
  });

  it('makes at most three steps with those that there are, wherever it stands among them', () => {
    const people = ['a', 'b', 'c', 'd', 'e'];
    const links = chain(...people);
    for (const [place, fresh] of links.entries()) {
      const others = links.filter((_link, at) => at !== place);
      assert.equal(obstacleTo(fresh, others), 'depth', `a fourth step at place ${place}`);
      const three = chain(...people.slice(0, 4));
      if (place < 3) {
        assert.equal(
          obstacleTo(
            fresh,
            three.filter((_link, at) => at !== place),
          ),
          undefined,
        );
      }
    }
  });

  it('makes no circle, of whatever length', () => {
    assert.equal(obstacleTo(link('b', 'a'), chain('a', 'b')), 'cycle');
    assert.equal(obstacleTo(link('c', 'a'), chain('a', 'b', 'c')), 'cycle');
    assert.equal(
      obstacleTo(link('C ', 'A'), chain('a', 'b', 'c')),
      'cycle',
      'names of people differ by more than case',
    );
  });

  it('does not mind others of another time, or about something else', () => {
    const week = link('a', 'b', { startsAt: 0, endsAt: 7 });
    assert.equal(obstacleTo(link('b', 'a', { startsAt: 7, endsAt: 14 }), [week]), undefined);
    assert.equal(obstacleTo(link('b', 'a', { startsAt: 6, endsAt: 14 }), [week]), 'cycle');
    assert.equal(
      obstacleTo(link('b', 'a', { scope: 'approvals' }), [link('a', 'b', { scope: 'campaigns' })]),
      undefined,
    );
    const team = (scopeId: string): Partial<Link> => ({ scope: 'team', scopeId });
    assert.equal(obstacleTo(link('b', 'a', team('legal')), [link('a', 'b', team('brand'))]), undefined);
    assert.equal(obstacleTo(link('b', 'a', team('legal')), [link('a', 'b', team('legal'))]), 'cycle');
    assert.equal(
      obstacleTo(link('b', 'a', { scope: 'campaign', scopeId: 'x' }), [link('a', 'b', team('legal'))]),
      'cycle',
    );
  });

  it('is not followed through those who may not decide', () => {
    const links = chain('ann', 'owner', 'dave');
    assert.equal(path(links, 'ann', 'dave', ['Owner']), undefined);
    assert.equal(path(links, 'ann', 'owner', ['owner']), undefined);
    assert.equal(path(chain('owner', 'dave'), 'owner', 'dave', ['owner']), undefined);
  });

  it('leads nowhere when data go round in a circle, or on for too long', () => {
    assert.deepEqual(pathFrom([...chain('a', 'b', 'c'), link('c', 'a')], 'a', ANY), ['a']);
    assert.deepEqual(pathFrom(chain('a', 'b', 'c', 'd'), 'a', ANY), ['a', 'b', 'c', 'd']);
    assert.deepEqual(pathFrom(chain('a', 'b', 'c', 'd', 'e'), 'a', ANY), ['a']);
  });

  it('counts for what it is about; the narrowest goes first, then the newest', () => {
    const links: Link[] = [
      link('a', 'everything', { id: 1 }),
      link('a', 'approvals', { scope: 'approvals', id: 2 }),
      link('a', 'legal', { scope: 'team', scopeId: 'legal', id: 3 }),
      link('a', 'old', { scope: 'campaign', scopeId: 'spring', id: 4 }),
      link('a', 'new', { scope: 'campaign', scopeId: 'spring', id: 5 }),
    ];
    const ends = (matter: Parameters<typeof pathFrom>[2]): string | undefined => pathFrom(links, 'a', matter).at(-1);
    assert.equal(ends({ kind: 'campaigns' }), 'everything');
    assert.equal(ends({ kind: 'approvals' }), 'approvals');
    assert.equal(ends({ kind: 'approvals', team: 'legal' }), 'legal');
    assert.equal(ends({ kind: 'campaigns', campaign: 'spring', team: 'legal' }), 'new');
  });
});

eachDatabase((db) => {
  describe('delegations', function () {
    this.timeout(60_000);
    let house: House;
    let delegations: Delegations;
    const ann = person('ann', 'marketer');
    const code = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'ok', codeOf);

    before(async () => {
      house = await House.open(db, {
        standIn: async (tx, user, campaign) =>
          (await delegationPath(tx, user, { kind: 'campaigns', campaign: campaign.key })).at(-1) ?? user,
      });
      delegations = new Delegations(house.scope);
    });

    it('are made for oneself, and by administrators for others; the history knows', async () => {
      const made = await delegations.create(
        { delegatee: 'bob', endsAt: NOON + DAY, reason: 'holiday' },
        { actor: ann },
      );
      assert.deepEqual([made.delegator, made.delegatee, made.scope, made.startsAt], ['ann', 'bob', 'all', NOON]);
      const forCarl = { delegator: 'carl', delegatee: 'dora' };
      assert.equal(await code(delegations.create(forCarl, { actor: ann })), 'E_FORBIDDEN');
      assert.equal(await code(delegations.create(forCarl, { actor: person('root', 'admin') })), 'ok');
      assert.deepEqual(await house.history(), ['delegation.created by ann', 'delegation.created by root']);
    });

    it('refuse oneself, circles and a fourth step', async () => {
      assert.equal(await code(delegations.create({ delegatee: 'Ann' }, { actor: ann })), 'E_DELEGATION_SELF');
      assert.equal(await code(delegations.create({ delegator: 'bob', delegatee: 'ann' })), 'E_DELEGATION_CYCLE');
      assert.equal(await code(delegations.create({ delegator: 'bob', delegatee: 'carl' })), 'ok');
      // ann > bob > carl > dora: three steps.
      assert.equal(await code(delegations.create({ delegator: 'dora', delegatee: 'erik' })), 'E_DELEGATION_DEPTH');
      assert.equal(await code(delegations.create({ delegator: 'zoe', delegatee: 'ann' })), 'E_DELEGATION_DEPTH');
      // When ann is back, there is room.
      const later = { delegator: 'dora', delegatee: 'erik', startsAt: NOON + DAY };
      assert.equal(await code(delegations.create(later)), 'ok');
    });

    it('refuse what is no delegation, with paths', async () => {
      const wrong: [object, string][] = [
        [{ delegatee: '' }, '/delegatee'],
        [{ delegatee: 'x', scope: 'some' }, '/scope'],
        [{ delegatee: 'x', scope: 'team' }, '/scopeId'],
        [{ delegatee: 'x', scopeId: 'legal' }, '/scopeId'],
        [{ delegatee: 'x', startsAt: 5, endsAt: 4 }, '/endsAt'],
        [{ delegatee: 'x', startsAt: 0, endsAt: 1 }, '/endsAt'],
        [{ delegatee: 'x', startsAt: Number.NaN }, '/startsAt'],
      ];
      for (const [input, at] of wrong) {
        await assert.rejects(delegations.create(input as never, { actor: 'me' }), (error: { details: unknown }) => {
          assert.equal((error.details as { problems: { path: string }[] }).problems[0]?.path, at);
          return codeOf(error) === 'E_DELEGATION';
        });
      }
      const missing = { delegatee: 'x', scope: 'campaign' as DelegationScope, scopeId: 'nothing' };
      assert.equal(await code(delegations.create(missing, { actor: 'me' })), 'E_UNKNOWN_CAMPAIGN');
    });

    it('of two that would make a circle, and are made at the same moment, one is refused', async () => {
      const both = await Promise.all([
        code(delegations.create({ delegator: 'left', delegatee: 'right' })),
        code(delegations.create({ delegator: 'right', delegatee: 'left' })),
      ]);
      assert.deepEqual(both.sort(), ['E_DELEGATION_CYCLE', 'ok']);
    });

    it('are followed when a campaign is assigned (BR-009), and the assignment says for whom', async () => {
      await house.campaigns.create({ key: 'spring' });
      const given = await house.campaigns.assign('spring', { kind: 'user', assignee: 'ann' });
      assert.deepEqual(
        given.map(({ assignee, onBehalfOf }) => [assignee, onBehalfOf]),
        [['dora', 'ann']],
      );
      assert.deepEqual(await house.campaigns.unassign('spring', { kind: 'user', assignee: 'ann' }), []);
      const plain = await house.campaigns.assign('spring', { kind: 'user', assignee: 'zoe' });
      assert.deepEqual(
        plain.map(({ assignee, onBehalfOf }) => [assignee, onBehalfOf]),
        [['zoe', undefined]],
      );
    });

    it('end when they are revoked, or their time is over', async () => {
      const [ofBob] = await delegations.list({ delegator: 'bob' });
      assert.equal(await code(delegations.revoke(ofBob?.id ?? 0, { actor: ann })), 'E_FORBIDDEN');
      await delegations.revoke(ofBob?.id ?? 0, { actor: person('bob', 'viewer') });
      await delegations.revoke(ofBob?.id ?? 0);
      assert.deepEqual(await delegationPath(house.scope, 'ann', { kind: 'campaigns' }), ['ann', 'bob']);
      await house.clock.advance(DAY);
      assert.deepEqual(await delegationPath(house.scope, 'ann', { kind: 'campaigns' }), ['ann']);
      assert.equal((await delegations.list({ active: true, delegator: 'ann' })).length, 0);
      assert.equal(await code(delegations.revoke(999)), 'E_UNKNOWN_DELEGATION');
    });
  });
});
