import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { DefinitionCatalogue, Definitions, Documents, type Facts } from '../../lib/definitions';
import type { DefinitionDeclaration } from '../../lib/ledger';
import type { Scope } from '../../lib/store';
import { eachDatabase } from '../kit/databases';
import { LEVEL_2, LEVEL_3, PHASE_2, PHASE_3 } from './texts';

eachDatabase((db) => {
  describe('what campaigns know of a definition', () => {
    let scope: Scope;
    let definitions: Definitions;
    let documents: Documents;
    let catalogue: DefinitionCatalogue;

    beforeEach(async () => {
      scope = (await db.open({ clock: new VirtualClock(Date.UTC(2026, 0, 1)) })).tenant('test');
      definitions = new Definitions(scope);
      documents = new Documents(scope);
      catalogue = new DefinitionCatalogue({
        flow: (key) => definitions.get(key),
        document: (key, sql) => documents.find(key, sql),
      });
    });

    const declared = (key: string, more: Partial<DefinitionDeclaration> = {}): DefinitionDeclaration => ({
      key,
      name: `Flow ${key}`,
      entry: 'start',
      entryMode: 'launch',
      onUnknown: 'resend',
      segment: 'gold',
      stations: [{ step: 'start', kind: 'trigger', node: 'n', hash: 'h', forks: false }],
      body: [],
      ...more,
    });

    it('is nothing for an unknown key', async () => {
      assert.equal(await catalogue.definitionFor('nothing'), undefined);
      await assert.rejects(catalogue.describe('nothing'), { code: 'E_UNKNOWN_DEFINITION' });
    });

    it('is the flow alone, where no document belongs to it', async () => {
      await definitions.deploy('s', [declared('x')]);
      assert.deepEqual(await catalogue.definitionFor('x'), {
        name: 'Flow x',
        entry: 'start',
        entryMode: 'launch',
        segment: 'gold',
        onUnknown: 'resend',
        deployed: true,
      });
      assert.deepEqual(await catalogue.validate('x', { anything: 1 }), { anything: 1 });
    });

    it('is a document alone, which waits for its flow', async () => {
      await documents.save(PHASE_2);
      const known = await catalogue.definitionFor(PHASE_2.id);
      assert.deepEqual(
        { entry: known?.entry, mode: known?.entryMode, deployed: known?.deployed, name: known?.name },
        { entry: '', mode: 'launch', deployed: false, name: 'Welcome Drip Campaign' },
      );
      assert.deepEqual(known?.stages?.[0], { name: 'queued', state: 'queued' });
      assert.equal(known?.transitions?.['activate']?.to, 'active');
      assert.deepEqual(known?.document, PHASE_2);
    });

    it('is the flow’s stations with the document’s stages and data, where both have the same key', async () => {
      await documents.save(PHASE_2);
      await definitions.deploy('s', [declared(PHASE_2.id)]);
      const described = await catalogue.describe(PHASE_2.id);
      assert.deepEqual(
        { entry: described.entry, deployed: described.deployed, segment: described.segment, name: described.name },
        { entry: 'start', deployed: true, segment: 'gold', name: 'Welcome Drip Campaign' },
      );
      assert.deepEqual([described.flow?.version, described.documentVersion], [1, 1]);
      assert.equal(described.stages?.length, 5);
      assert.equal(described.read?.sequence.length, 3);
      assert.throws(() => described.validate({}), { code: 'E_CAMPAIGN_DATA' });
      await assert.rejects(catalogue.validate(PHASE_2.id, {}), { code: 'E_CAMPAIGN_DATA' });
      assert.deepEqual(await catalogue.validate(PHASE_2.id, {}, { partial: true }), {});
    });

    it('is entered by nobody, where a document has no journey', async () => {
      for (const document of [LEVEL_2, LEVEL_3]) {
        await documents.save(document);
        const known = await catalogue.definitionFor(document.id);
        assert.deepEqual([known?.entryMode, known?.deployed], ['none', true]);
      }
      await definitions.deploy('s', [declared(LEVEL_2.id, { entryMode: 'event', event: 'bought' })]);
      assert.equal((await catalogue.definitionFor(LEVEL_2.id))?.entryMode, 'event', 'a flow brings the journey');
      await definitions.deploy('s', []);
      assert.equal((await catalogue.definitionFor(LEVEL_2.id))?.entryMode, 'none', 'which goes when the flow goes');
    });

    it('is entered by events, where a document has triggers only', async () => {
      await documents.save({ id: 'events', automation: { triggers: [{ event: 'bought', action: 'thank' }] } });
      assert.equal((await catalogue.definitionFor('events'))?.entryMode, 'event');
      await documents.save(PHASE_3);
      assert.equal((await catalogue.definitionFor(PHASE_3.id))?.entryMode, 'launch');
    });

    it('follows the document: each version at once, and nothing of one that is out of force', async () => {
      await documents.save(LEVEL_2);
      await documents.save({ ...LEVEL_2, label: 'Another' });
      assert.equal((await catalogue.definitionFor(LEVEL_2.id))?.name, 'Another');
      await documents.deactivate(LEVEL_2.id);
      assert.equal(await catalogue.definitionFor(LEVEL_2.id), undefined);
    });

    it('answers its conditions with the types of its data', async () => {
      await documents.save(PHASE_2);
      const source = 'data.subscription_date <= today()';
      const guard = await catalogue.guard(PHASE_2.id, source);
      assert.equal(guard, await catalogue.guard(PHASE_2.id, source), 'compiled once');
      const now = Date.UTC(2026, 0, 1);
      assert.equal(guard.test({ campaign: {}, data: { subscription_date: '2026-01-01' }, now }), true);
      await assert.rejects(catalogue.guard(PHASE_2.id, 'data.subscriber_name > 5'), { code: 'E_CONDITION_TYPE' });
      assert.notEqual(await catalogue.guard('other', 'data.subscriber_name > 5'), undefined);
    });

    it('answers within a transaction, and asks for facts only where a condition reads one', async () => {
      await documents.save(PHASE_2);
      const campaign = { data: { subscription_date: '2026-01-01' } };
      const now = Date.UTC(2026, 0, 1);
      let asked = 0;
      const facts = (): Promise<Facts> => Promise.resolve({ emails_sent: 4 + ++asked });
      const holds = (action: string): Promise<boolean> =>
        scope.transaction(async (sql) => {
          const condition = PHASE_2.transitions?.[action]?.condition ?? '';
          return catalogue.holds(PHASE_2.id, condition, { campaign, now, facts, sql });
        });
      assert.deepEqual([await holds('activate'), asked], [true, 0]);
      assert.deepEqual([await holds('complete'), asked], [true, 1]);
    });
  });
});
