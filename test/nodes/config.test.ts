import assert from 'node:assert/strict';
import { InputError } from '../../lib/errors';
import { readConfig } from '../../nodes/kit/config';
import { migrateConfig, withDefaults, type ConfigMigration } from '../../nodes/kit/migrate';
import { definitionKey, slug, stepName } from '../../nodes/kit/names';
import { databaseUrl } from '../../nodes/kit/store-settings';

const NODES = ['store', 'account', 'lead', 'trigger', 'segment', 'consent', 'split', 'delay', 'send', 'campaign'];

/** Throws an InputError with this code. */
function refuses(code: string, work: () => unknown): void {
  assert.throws(work, (error: unknown) => error instanceof InputError && error.code === code);
}

describe('migrating saved node configurations', () => {
  const migrations: ConfigMigration[] = [
    { version: 2, up: (config) => ({ ...config, unit: config['unit'] ?? 'hours' }) },
    withDefaults({ amount: '1', name: '' }),
    { version: 3, up: ({ amount, ...rest }) => ({ ...rest, value: amount }) },
  ];

  it('applies what is missing, in the order of the versions', () => {
    assert.deepEqual(migrateConfig({ id: 'n', amount: '5' }, migrations), {
      id: 'n',
      name: '',
      unit: 'hours',
      value: '5',
      configVersion: 3,
    });
  });
  it('applies only what is newer than the saved version', () => {
    assert.deepEqual(migrateConfig({ amount: '5', configVersion: 2 }, migrations), { value: '5', configVersion: 3 });
  });
  it('leaves a current configuration as it is', () => {
    const current = { configVersion: 3, value: '7' };
    assert.deepEqual(migrateConfig(current, migrations), current);
  });
  it('takes null and undefined for missing', () => {
    assert.deepEqual(migrateConfig({ amount: null, name: undefined }, [withDefaults({ amount: '1', name: '' })]), {
      amount: '1',
      name: '',
      configVersion: 1,
    });
  });
  it('does not change what it is given', () => {
    const saved = Object.freeze({ amount: '5' });
    migrateConfig(saved, migrations);
    assert.deepEqual(saved, { amount: '5' });
  });
  it('refuses a configuration of a newer release', () => {
    refuses('E_CONFIG_VERSION', () => migrateConfig({ configVersion: 4 }, migrations));
  });

  for (const name of NODES) {
    it(`brings an empty ${name} node to its current version, with a default for every property but what must be chosen`, () => {
      const { migrations: own } = require(`../../nodes/${name}/migrations`) as { migrations: ConfigMigration[] };
      const config = migrateConfig({ id: 'x', type: `marketing-${name}` }, own);
      assert.equal(config['configVersion'], Math.max(...own.map(({ version }) => version)));
      assert.equal(config['name'], '');
      assert.ok(!Object.values(config).includes(undefined));
      assert.deepEqual(
        own.map(({ version }) => version).sort((a, b) => a - b),
        own.map((_, index) => index + 1),
      );
    });
  }
});

describe('reading a node configuration', () => {
  const config = readConfig({
    text: '  a ',
    number: '12.5',
    flag: 'true',
    off: false,
    choice: 'b',
    empty: '',
    raw: ' x ',
  });
  it('takes numbers and booleans as the editor or a file writes them', () => {
    assert.equal(config.text('text'), 'a');
    assert.equal(config.raw('raw'), ' x ');
    assert.equal(config.number('number', { min: 0 }), 12.5);
    assert.equal(config.number('empty', { min: 0, otherwise: 7 }), 7);
    assert.equal(config.flag('flag', false), true);
    assert.equal(config.flag('off', true), false);
    assert.equal(config.flag('missing', true), true);
    assert.equal(config.choice('choice', ['a', 'b'], 'a'), 'b');
    assert.equal(config.choice('missing', ['a', 'b'], 'a'), 'a');
  });
  it('names the property that is not usable', () => {
    assert.throws(
      () => config.number('text', { min: 0, max: 5 }),
      /"text" of this node is "a": give a number from 0 to 5/,
    );
    refuses('E_CONFIG', () => config.number('number', { min: 0, whole: true }));
    refuses('E_CONFIG', () => config.number('number', { min: 13 }));
    refuses('E_CONFIG', () => config.number('empty', { min: 0 }));
    refuses('E_CONFIG', () => config.choice('choice', ['x'], 'x'));
  });
});

describe('names', () => {
  it('are made like the editor makes them', () => {
    assert.equal(slug('  Grüße aus Łódź & Århus!  '), 'grusse-aus-łodz-arhus');
    assert.equal(slug('***'), '');
    assert.equal(slug('x'.repeat(100)).length, 64);
    assert.equal(stepName({ type: 'marketing-send', name: 'Offer 2', step: ' first ' }), 'first');
    assert.equal(stepName({ type: 'marketing-send', name: 'Offer 2', step: '' }), 'offer-2');
    assert.equal(stepName({ type: 'marketing-send' }), 'send');
    assert.equal(definitionKey({ type: 'marketing-trigger' }), 'journey');
  });
});

describe('the database of a store', () => {
  it('is a file in the user directory unless said otherwise; relative files are taken from there', () => {
    assert.equal(databaseUrl('', '/data'), 'sqlite:/data/marketing.sqlite');
    assert.equal(databaseUrl('sqlite:x/y.sqlite', '/data'), 'sqlite:/data/x/y.sqlite');
    assert.equal(databaseUrl('mine.sqlite', '/data'), 'sqlite:/data/mine.sqlite');
    assert.equal(databaseUrl('sqlite:/abs/y.sqlite', '/data'), 'sqlite:/abs/y.sqlite');
    assert.equal(databaseUrl('sqlite::memory:', '/data'), 'sqlite::memory:');
    assert.equal(databaseUrl('sqlite:///abs/y.sqlite', '/data'), 'sqlite:///abs/y.sqlite');
    assert.equal(databaseUrl('postgres://u@h/db', '/data'), 'postgres://u@h/db');
    assert.equal(databaseUrl('mariadb://u@h/db', '/data'), 'mariadb://u@h/db');
  });
});
