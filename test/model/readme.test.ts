import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '..', '..');

describe('the "hello world" of the README', () => {
  const code = /```js hello\n([\s\S]*?)```/.exec(readFileSync(path.join(root, 'README.md'), 'utf8'))?.[1] ?? '';

  it('has at most ten lines', () => {
    const lines = code.trimEnd().split('\n');
    assert.ok(lines.length > 3, 'the README has no block "js hello"');
    assert.ok(lines.length <= 10, `${lines.length} lines`);
  });

  it('runs as it stands, and prints the campaign that it launched', function () {
    this.timeout(60_000);
    const here = code.replace("'@nexus/node-red-marketing'", JSON.stringify(path.join(root, 'lib', 'index.ts')));
    assert.notEqual(here, code);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', here], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /name: 'product_launch'/);
    assert.match(stdout, /state: 'active'/);
    assert.match(stdout, /target_segment: 'early_adopters'/);
  });
});
