import assert from 'node:assert/strict';
import { Tokens, type Principal } from '../../lib/access';
import { VirtualClock } from '../../lib/clock';
import { ConflictError, ForbiddenError, InputError, MarketingError, NotFoundError } from '../../lib/errors';
import type { Store } from '../../lib/store';
import { eachDatabase } from '../kit/databases';

const DAY = 86_400_000;
const ADMIN: Principal = { id: 'ada', roles: ['admin'] };

function code(expected: string, kind: typeof MarketingError = MarketingError): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof kind, String(error));
    assert.equal(error.code, expected);
    return true;
  };
}

eachDatabase((db) => {
  describe('bearer tokens', () => {
    let store: Store;
    let clock: VirtualClock;
    let tokens: Tokens;
    const of = (tenant: string): Tokens => new Tokens(store.tenant(tenant), store.system);

    beforeEach(async () => {
      clock = new VirtualClock();
      store = await db.open({ clock });
      tokens = of('acme');
    });
    afterEach(() => tokens.idle());

    it('are shown once, in a form that secret scanners find, and stored as a hash only', async () => {
      const made = await tokens.create({ name: 'CRM', roles: ['marketer'] }, { actor: ADMIN });
      assert.match(made.token, /^nmk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}$/);
      assert.ok(made.token.startsWith(`${made.prefix}_`));
      assert.deepEqual([made.owner, made.createdBy, made.state], ['ada', 'ada', 'usable']);
      const rows = await store.system.all('SELECT * FROM marketing_tokens');
      const history = await store.system.all('SELECT * FROM marketing_history');
      const secret = made.token.slice(-43);
      assert.ok(!JSON.stringify([rows, history, await tokens.list(), await tokens.get(made.id)]).includes(secret));
      assert.equal(history.length, 1);
    });

    it('stand for their owner, roles, scopes and teams in their own tenant, whoever asks', async () => {
      const made = await of('globex').create({
        ...{ name: 'CRM', owner: 'grace', roles: ['marketer'], scopes: ['lead:read'], teams: ['emea'] },
      });
      assert.deepEqual(await tokens.authenticate(made.token), {
        principal: { id: 'grace', roles: ['marketer'], scopes: ['lead:read'], teams: ['emea'] },
        tenant: 'globex',
        token: made.id,
      });
    });

    it('are refused when they are unknown, cut, expired or revoked, the moment that they are', async () => {
      const { token, id } = await tokens.create({ name: 'CRM', roles: ['viewer'], expiresAt: clock.now() + DAY });
      assert.ok(await tokens.authenticate(token));
      for (const wrong of [
        '',
        'nmk_',
        token.slice(1),
        `${token}x`,
        token.replace(/.$/, '~'),
        `nmk_abcdefgh_${'A'.repeat(43)}`,
      ]) {
        assert.equal(await tokens.authenticate(wrong), undefined, wrong);
      }
      await clock.advance(DAY - 1);
      assert.ok(await tokens.authenticate(token));
      await clock.advance(1);
      assert.equal(await tokens.authenticate(token), undefined);
      assert.equal((await tokens.get(id)).state, 'expired');
      const other = await tokens.create({ name: 'Shop', roles: ['viewer'] });
      const elsewhere = new Tokens((await db.open({ clock, keep: true })).tenant('acme'), store.system);
      await elsewhere.revoke(other.id, { actor: ADMIN });
      assert.equal(await tokens.authenticate(other.token), undefined, 'revoked by another process');
    });

    it('write down when they were used, at most once a minute', async () => {
      const { token, id } = await tokens.create({ name: 'CRM', roles: ['viewer'] });
      const usedAt = async (): Promise<number | undefined> => {
        await tokens.authenticate(token);
        await tokens.idle();
        return (await tokens.get(id)).lastUsedAt;
      };
      const first = clock.now();
      assert.equal(await usedAt(), first);
      await clock.advance(59_999);
      assert.equal(await usedAt(), first);
      await clock.advance(1);
      assert.equal(await usedAt(), first + 60_000);
    });

    it('are rotated in place: the old text stops, everything else stays', async () => {
      const before = await tokens.create({ name: 'CRM', roles: ['marketer'], scopes: ['lead:read'] }, { actor: ADMIN });
      const after = await tokens.rotate(before.id, { actor: ADMIN });
      assert.equal(await tokens.authenticate(before.token), undefined);
      assert.deepEqual((await tokens.authenticate(after.token))?.principal.scopes, ['lead:read']);
      assert.notEqual(after.prefix, before.prefix);
      await tokens.revoke(before.id);
      await assert.rejects(tokens.rotate(before.id), code('E_TOKEN_REVOKED', ConflictError));
    });

    it('are listed without the revoked ones, unless they are asked for', async () => {
      const first = await tokens.create({ name: 'First', roles: ['viewer'] });
      await tokens.create({ name: 'Second', roles: ['viewer'] });
      await tokens.revoke(first.id, { actor: ADMIN });
      await tokens.revoke(first.id, { actor: ADMIN });
      assert.deepEqual(
        (await tokens.list({ actor: ADMIN })).map(({ name }) => name),
        ['Second'],
      );
      assert.deepEqual(
        (await tokens.list({ revoked: true })).map(({ state }) => state),
        ['usable', 'revoked'],
      );
      const events = await store
        .tenant('acme')
        .all<{ event: string }>('SELECT event FROM marketing_history WHERE tenant_id = :tenant ORDER BY id');
      assert.deepEqual(
        events.map(({ event }) => event),
        ['token.created', 'token.created', 'token.revoked'],
      );
    });

    it('of one tenant are no business of another', async () => {
      const made = await tokens.create({ name: 'CRM', roles: ['viewer'] });
      const other = of('globex');
      assert.deepEqual(await other.list({ revoked: true }), []);
      for (const attempt of [() => other.get(made.id), () => other.revoke(made.id), () => other.rotate(made.id)]) {
        await assert.rejects(attempt, code('E_UNKNOWN_TOKEN', NotFoundError));
      }
      assert.ok(await tokens.authenticate(made.token));
    });

    it('say whether anybody could be let in at all', async () => {
      assert.equal(await tokens.anyUsable(), false);
      const { id } = await of('globex').create({ name: 'CRM', roles: ['viewer'], expiresAt: clock.now() + DAY });
      assert.equal(await tokens.anyUsable(), true);
      await clock.advance(DAY);
      assert.equal(await tokens.anyUsable(), false);
      await of('globex').revoke(id);
    });

    describe('can be managed', () => {
      it('only with the permission', async () => {
        const { id } = await tokens.create({ name: 'CRM', roles: ['viewer'] });
        for (const role of ['viewer', 'marketer', 'approver', 'compliance'] as const) {
          const actor: Principal = { id: 'eve', roles: [role] };
          for (const attempt of [
            () => tokens.create({ name: 'x', roles: ['viewer'] }, { actor }),
            () => tokens.list({ actor }),
            () => tokens.get(id, { actor }),
            () => tokens.revoke(id, { actor }),
            () => tokens.rotate(id, { actor }),
          ]) {
            await assert.rejects(attempt, code('E_FORBIDDEN', ForbiddenError), role);
          }
        }
      });

      it('but nobody gives more than they have, nor takes it by rotating', async () => {
        const strong = await tokens.create({ name: 'Root', roles: ['admin'] }, { actor: ADMIN });
        const narrow: Principal = {
          id: 'bot',
          roles: ['admin'],
          scopes: ['token:manage', 'lead:read'],
          teams: ['emea'],
        };
        const refused = code('E_FORBIDDEN', ForbiddenError);
        const give = (input: object): Promise<unknown> =>
          tokens.create({ name: 'x', roles: ['admin'], scopes: ['lead:read'], ...input }, { actor: narrow });
        await assert.rejects(give({ scopes: undefined }), refused, 'all that the role may do');
        await assert.rejects(give({ scopes: ['lead:read', 'lead:erase'] }), refused, 'one permission more');
        await assert.rejects(give({ owner: 'ada' }), refused, 'in another name');
        await assert.rejects(give({ teams: ['apac'] }), refused, 'another team');
        await assert.rejects(tokens.rotate(strong.id, { actor: narrow }), refused);
        assert.ok(await tokens.authenticate(strong.token), 'the token that it wanted still works');
        await give({ teams: ['emea'] });
        await tokens.create(
          { name: 'For Grace', owner: 'grace', roles: ['compliance'], teams: ['apac'] },
          { actor: ADMIN },
        );
      });

      it('with every problem of the input named', async () => {
        const wrong = {
          name: ' ',
          owner: 'system',
          roles: ['root'],
          scopes: ['fly'],
          teams: [''],
          expiresAt: clock.now(),
        };
        await assert.rejects(tokens.create(wrong as never), (error: unknown) => {
          assert.ok(code('E_TOKEN', InputError)(error));
          const { problems } = (error as InputError).details as { problems: { path: string }[] };
          assert.deepEqual(
            problems.map(({ path }) => path),
            ['/name', '/owner', '/roles', '/scopes', '/teams', '/expiresAt'],
          );
          return true;
        });
        for (const roles of [[], 'admin', undefined, ['__proto__']]) {
          await assert.rejects(tokens.create({ name: 'x', roles } as never), code('E_TOKEN', InputError));
        }
      });
    });
  });
});
