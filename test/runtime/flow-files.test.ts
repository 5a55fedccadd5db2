import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { credentialSecret, prepareFlows, readFlows } from '../../lib/runtime/user-dir';
import { scratchFolder } from './kit';

describe('flow files of the runtime', () => {
  const folder = scratchFolder();
  let count = 0;
  let base: string;
  const file = (name: string, content: unknown): string => {
    const where = path.join(base, name);
    mkdirSync(path.dirname(where), { recursive: true });
    writeFileSync(where, typeof content === 'string' ? content : JSON.stringify(content));
    return where;
  };
  const read = (where: string): unknown => JSON.parse(readFileSync(where, 'utf8'));

  beforeEach(() => {
    base = folder.path(`case${++count}`);
    mkdirSync(base, { recursive: true });
  });

  it('are run as they stand without an editor', () => {
    const flows = file('flows.json', [{ id: 'a', type: 'tab' }]);
    assert.equal(prepareFlows({ flows, userDir: path.join(base, 'home'), editor: false }), flows);
  });

  it('are copied once for the editor, credentials included; from then on the copy counts', () => {
    const flows = file('my.json', [{ id: 'a', type: 'tab' }]);
    file('my_cred.json', { a: { password: '${PASSWORD}' } });
    const home = path.join(base, 'home');
    const copy = prepareFlows({ flows, userDir: home, editor: true });
    assert.equal(copy, path.join(home, 'flows.json'));
    assert.deepEqual(read(copy), [{ id: 'a', type: 'tab' }]);
    assert.deepEqual(read(path.join(home, 'flows_cred.json')), { a: { password: '${PASSWORD}' } });
    assert.equal(statSync(path.join(home, 'flows_cred.json')).mode & 0o777, 0o600);
    writeFileSync(copy, '[]');
    assert.equal(prepareFlows({ flows, userDir: home, editor: true }), copy);
    assert.deepEqual(read(copy), []);
  });

  it('of a directory are put together, a shared configuration node once', () => {
    file('flows/b.json', [
      { id: 'b', type: 'tab' },
      { id: 'store', type: 'marketing-store' },
    ]);
    file('flows/a.json', [
      { id: 'a', type: 'tab' },
      { id: 'store', type: 'marketing-store' },
    ]);
    file('flows/a_cred.json', { store: { signingSecret: 'x' } });
    const merged = prepareFlows({ flows: path.join(base, 'flows'), userDir: path.join(base, 'home'), editor: false });
    assert.deepEqual(
      (read(merged) as { id: string }[]).map(({ id }) => id),
      ['a', 'store', 'b'],
    );
    assert.deepEqual(read(merged.replace('.json', '_cred.json')), { store: { signingSecret: 'x' } });
  });

  it('let a store without a database take the one of the command line', () => {
    const userDir = path.join(base, 'home');
    const given = [
      { id: 'a', type: 'marketing-store', databaseUrl: '' },
      { id: 'b', type: 'marketing-store', databaseUrl: 'sqlite:b' },
    ];
    const flows = file('flows.json', given);
    for (const editor of [false, true]) {
      const copy = prepareFlows({ flows, userDir, editor, fillDatabase: true });
      assert.deepEqual(
        (read(copy) as { databaseUrl: string }[]).map(({ databaseUrl }) => databaseUrl),
        ['${MARKETING_DATABASE_URL}', 'sqlite:b'],
      );
    }
    assert.deepEqual(read(flows), given);
    const complete = file('complete.json', given.slice(1));
    assert.equal(prepareFlows({ flows: complete, userDir, editor: false, fillDatabase: true }), complete);
  });

  it('of a directory must not use one id for two things', () => {
    file('flows/a.json', [{ id: 'x', type: 'tab' }]);
    file('flows/b.json', [{ id: 'x', type: 'inject' }]);
    assert.throws(
      () => prepareFlows({ flows: path.join(base, 'flows'), userDir: path.join(base, 'home'), editor: false }),
      {
        code: 'E_FLOWS',
        message: /"x"/,
      },
    );
  });

  it('that are missing, empty or no flows at all are refused', () => {
    const home = path.join(base, 'home');
    mkdirSync(path.join(base, 'nothing'));
    for (const flows of [path.join(base, 'none.json'), path.join(base, 'nothing')]) {
      assert.throws(() => prepareFlows({ flows, userDir: home, editor: false }), { code: 'E_FLOWS' });
    }
    assert.throws(() => readFlows(file('broken.json', '{')), { code: 'E_FLOWS' });
    assert.throws(() => readFlows(file('other.json', { a: 1 })), { code: 'E_FLOWS' });
    assert.deepEqual(readFlows(file('v2.json', { rev: '1', flows: [{ id: 'a' }] })), [{ id: 'a' }]);
  });

  it('have their credentials encrypted with the secret of the environment, or one that is made once', () => {
    const home = path.join(base, 'home');
    assert.equal(credentialSecret(home, { MARKETING_CREDENTIAL_SECRET: 'given' }), 'given');
    assert.equal(existsSync(path.join(home, '.credential-secret')), false);
    const made = credentialSecret(home, {});
    assert.match(made, /^[0-9a-f]{64}$/);
    assert.equal(credentialSecret(home, {}), made);
  });
});
