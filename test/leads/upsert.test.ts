import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { createLeads, type LeadInput, type Leads, type UpsertResult } from '../../lib/leads';
import { eachDatabase } from '../kit/databases';

function idOf(result: UpsertResult): number {
  assert.notEqual(result.outcome, 'rejected', JSON.stringify(result));
  return result.outcome === 'rejected' ? 0 : result.id;
}
function codeOf(result: UpsertResult): string {
  return result.outcome === 'rejected' ? result.reason.code : result.outcome;
}

eachDatabase((db) => {
  describe('upserting leads', () => {
    let leads: Leads;
    let clock: VirtualClock;
    let changes: [readonly number[], readonly string[]][];

    beforeEach(async () => {
      clock = new VirtualClock();
      const store = await db.open({ clock });
      changes = [];
      leads = createLeads(store.tenant('acme'), {
        onChanged: (ids, fields) => {
          changes.push([ids, fields]);
          return Promise.resolve();
        },
      });
      await leads.declareAll([
        { name: 'plan', type: 'string' },
        { name: 'seats', type: 'number' },
        { name: 'vip', type: 'boolean' },
        { name: 'signup', type: 'date' },
        { name: 'tags', type: 'string[]' },
      ]);
    });

    it('creates a lead, normalised, and shows it as the marketer sees it', async () => {
      const id = idOf(
        await leads.upsert({
          email: '  Ana.Müller@Bücher.Example ',
          name: ' Ana \n Müller ',
          country: 'Deutschland',
          phone: '030 1234567',
          timeZone: 'Europe/Berlin',
          score: '12.5',
          plan: 'pro',
          seats: '3',
          vip: 'ja',
          signup: '2026-03-01',
          tags: 'a; b',
        }),
      );
      assert.deepEqual(await leads.get(id), {
        id,
        email: 'ana.müller@xn--bcher-kva.example',
        name: 'Ana Müller',
        country: 'DE',
        phone: '+49301234567',
        timeZone: 'Europe/Berlin',
        score: 12.5,
        createdAt: clock.now(),
        plan: 'pro',
        seats: 3,
        vip: true,
        signup: Date.UTC(2026, 2, 1),
        tags: ['a', 'b'],
      });
    });

    it('keeps what is absent, removes what is null, and says when nothing changed', async () => {
      const id = idOf(await leads.upsert({ email: 'a@example.com', name: 'A', plan: 'pro', tags: ['x'], score: 5 }));
      assert.equal(codeOf(await leads.upsert({ email: 'A@EXAMPLE.COM' })), 'unchanged');
      assert.equal(
        codeOf(await leads.upsert({ email: 'a@example.com', tags: ['x'], plan: 'pro', score: 5, name: 'A' })),
        'unchanged',
      );
      assert.equal(
        codeOf(await leads.upsert({ email: 'a@example.com', name: null, plan: null, score: null })),
        'updated',
      );
      assert.deepEqual(await leads.get(id), {
        id,
        email: 'a@example.com',
        score: 0,
        createdAt: clock.now(),
        tags: ['x'],
      });
    });

    it('tells which leads changed and which of their fields, and nothing when nothing did', async () => {
      const id = idOf(await leads.upsert({ email: 'a@example.com', plan: 'free' }));
      await leads.upsert({ email: 'a@example.com', plan: 'free' });
      await leads.upsert({ email: 'a@example.com', plan: 'pro', score: 3 });
      assert.deepEqual(changes, [
        [[id], ['*']],
        [[id], ['score', 'plan']],
      ]);
    });

    it('lets the external id decide, and the e-mail address when nobody has that id', async () => {
      const id = idOf(await leads.upsert({ email: 'a@example.com', externalId: 17 }));
      assert.equal(idOf(await leads.upsert({ externalId: '17', email: 'new@example.com' })), id);
      assert.equal((await leads.get({ externalId: '17' }))?.email, 'new@example.com');
      const other = idOf(await leads.upsert({ email: 'b@example.com' }));
      assert.equal(idOf(await leads.upsert({ email: 'b@example.com', externalId: '18' })), other);
      assert.equal((await leads.get(other))?.externalId, '18');
    });

    it('rejects an input whose two keys belong to different leads, and changes neither', async () => {
      await leads.upsertAll([
        { email: 'a@example.com', externalId: 'A' },
        { email: 'b@example.com', externalId: 'B', name: 'B' },
      ]);
      const result = await leads.upsert({ email: 'b@example.com', externalId: 'A', name: 'X' });
      assert.equal(codeOf(result), 'E_LEAD_CONFLICT');
      assert.equal(
        codeOf(await leads.upsert({ email: 'b@example.com', externalId: 'C', name: 'X' })),
        'E_LEAD_CONFLICT',
      );
      assert.equal((await leads.get({ email: 'b@example.com' }))?.name, 'B');
    });

    it('never leaves a lead that nobody can find again', async () => {
      await leads.upsert({ email: 'a@example.com', externalId: 'A' });
      assert.equal(codeOf(await leads.upsert({ email: null, externalId: 'A' })), 'updated');
      assert.equal(codeOf(await leads.upsert({ email: null })), 'E_LEAD_IDENTITY');
      assert.equal(codeOf(await leads.upsert({})), 'E_LEAD_IDENTITY');
      assert.equal((await leads.get({ externalId: 'A' }))?.email, undefined);
    });

    it('rejects each wrong field with its own code and stores the others', async () => {
      const results = await leads.upsertAll([
        { email: 'no address' },
        { email: 'a@example.com', phone: 'call me' },
        { email: 'a@example.com', country: 'Atlantis' },
        { email: 'a@example.com', timeZone: 'Mars/Base' },
        { email: 'a@example.com', score: '12,5' },
        { email: 'a@example.com', seats: 'three' },
        { email: 'a@example.com', signup: '2026-02-30' },
        { email: 'a@example.com', plan: { a: 1 } },
        'nonsense' as unknown as LeadInput,
        { email: 'good@example.com' },
      ]);
      assert.deepEqual(results.map(codeOf), [
        'E_LEAD_EMAIL',
        'E_LEAD_PHONE',
        'E_LEAD_COUNTRY',
        'E_LEAD_TIME_ZONE',
        'E_LEAD_SCORE',
        'E_ATTRIBUTE_VALUE',
        'E_ATTRIBUTE_VALUE',
        'E_ATTRIBUTE_VALUE',
        'E_LEAD_INPUT',
        'created',
      ]);
      const seats = results[5];
      assert.ok(
        seats?.outcome === 'rejected' && seats.reason.field === 'seats' && seats.reason.message.includes('"seats"'),
      );
      assert.equal(await leads.count(), 1);
    });

    it('handles undeclared fields as it is told: ignore and say so, reject, declare', async () => {
      const ignored = await leads.upsert({ email: 'a@example.com', color: 'red' });
      assert.deepEqual(ignored.outcome === 'created' && ignored.warnings, ['color']);
      assert.equal(
        codeOf(await leads.upsert({ email: 'a@example.com', color: 'red' }, { undeclared: 'reject' })),
        'E_ATTRIBUTE_UNDECLARED',
      );
      assert.equal(
        codeOf(
          await leads.upsert({ email: 'a@example.com', color: 'red', n: 1, list: ['x'] }, { undeclared: 'declare' }),
        ),
        'updated',
      );
      assert.equal((await leads.get({ email: 'a@example.com' }))?.['color'], 'red');
      assert.deepEqual((await leads.schema()).lead['list'], 'string[]');
      assert.equal(
        codeOf(await leads.upsert({ email: 'a@example.com', o: {} }, { undeclared: 'declare' })),
        'E_ATTRIBUTE_VALUE',
      );
    });

    it('is not moved by names that mean something to JavaScript', async () => {
      const evil = JSON.parse(
        '{"email":"e@example.com","__proto__":{"admin":true},"constructor":1,"attributes":{"__proto__":"x"}}',
      ) as LeadInput;
      const result = await leads.upsert(evil, { undeclared: 'declare' });
      assert.equal(codeOf(result), 'E_ATTRIBUTE_VALUE');
      const ignored = await leads.upsert(evil);
      const view = await leads.get(idOf(ignored));
      assert.equal(view?.['admin'], undefined);
      assert.equal(Object.hasOwn(view ?? {}, '__proto__'), false);
      await assert.rejects(leads.declare('__proto__', 'string'), { code: 'E_ATTRIBUTE_NAME' });
      await assert.rejects(leads.declare('email', 'string'), { code: 'E_ATTRIBUTE_NAME' });
    });

    it('applies several inputs about one lead in their order', async () => {
      const results = await leads.upsertAll([
        { email: 'a@example.com', score: 1 },
        { email: 'a@example.com', score: 2 },
        { email: 'b@example.com', externalId: 'B' },
        { externalId: 'B', email: 'c@example.com' },
        { email: 'b@example.com', name: 'another B' },
        { email: 'a@example.com', score: 2 },
      ]);
      assert.deepEqual(results.map(codeOf), ['created', 'updated', 'created', 'updated', 'created', 'unchanged']);
      assert.equal((await leads.get({ email: 'a@example.com' }))?.score, 2);
      assert.equal((await leads.get({ email: 'c@example.com' }))?.externalId, 'B');
      assert.equal((await leads.get({ email: 'b@example.com' }))?.name, 'another B');
    });

    it('writes thousands in the background, with the same answers', async () => {
      const inputs = Array.from({ length: 2_500 }, (_, n) => ({
        email: `p${n}@example.com`,
        score: n,
        plan: 'pro',
        tags: ['a', 'ü'],
      }));
      const first = await leads.upsertAll(inputs);
      assert.ok(first.every((result) => result.outcome === 'created'));
      assert.equal(new Set(first.map(idOf)).size, 2_500);
      const second = await leads.upsertAll(inputs.map((input, n) => (n % 2 ? input : { ...input, score: -n })));
      assert.equal(second.filter((result) => result.outcome === 'unchanged').length, 1_251);
      assert.deepEqual(second.map(idOf), first.map(idOf));
      assert.equal((await leads.get({ email: 'p8@example.com' }))?.score, -8);
    });

    it('creates a lead once when two sign-ups arrive at the same moment', async () => {
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, n) => leads.upsert({ email: 'same@example.com', seats: n })),
      );
      assert.equal(results.filter((result) => result.outcome === 'created').length, 1);
      assert.equal(new Set(results.map(idOf)).size, 1);
      assert.equal(await leads.count(), 1);
    });

    it('knows the country of a stored lead when a number is written the local way', async () => {
      await leads.upsert({ email: 'a@example.com', country: 'CH' });
      assert.equal(codeOf(await leads.upsert({ email: 'a@example.com', phone: '044 668 18 00' })), 'updated');
      assert.equal((await leads.get({ email: 'a@example.com' }))?.phone, '+41446681800');
      assert.equal(codeOf(await leads.upsert({ email: 'b@example.com', phone: '044 668 18 00' })), 'E_LEAD_PHONE');
    });

    it('keeps tenants apart', async () => {
      const store = await db.open({ clock, keep: true });
      const others = createLeads(store.tenant('other'));
      const mine = idOf(await leads.upsert({ email: 'a@example.com', name: 'mine' }));
      const theirs = idOf(await others.upsert({ email: 'a@example.com', name: 'theirs' }));
      assert.notEqual(mine, theirs);
      assert.equal(await others.get(mine), undefined);
      assert.equal(await others.remove(mine), false);
      assert.equal((await leads.get(mine))?.name, 'mine');
    });
  });
});
