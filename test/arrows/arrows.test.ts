import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cruise, type Cruise } from './cruise';

const root = path.resolve(__dirname, '..', '..');
const { forbidden } = createRequire(__filename)(path.join(root, '.dependency-cruiser.cjs')) as {
  forbidden: { name: string }[];
};

/** A small tree in which each rule is broken once, and in which the ways that are allowed are gone as well. */
const files: Readonly<Record<string, string>> = {
  'tsconfig.json': '{ "compilerOptions": { "module": "nodenext", "moduleResolution": "nodenext" } }',
  'package.json': JSON.stringify({
    type: 'commonjs',
    dependencies: { express: '5.0.0' },
    peerDependencies: { 'node-red': '5.0.0' },
    devDependencies: { 'node-red': '5.0.0', mocha: '12.0.0' },
  }),
  'node_modules/node-red/package.json': '{ "name": "node-red", "version": "5.0.0", "main": "index.js" }',
  'node_modules/node-red/index.js': 'module.exports = {};',
  'node_modules/express/package.json': '{ "name": "express", "version": "5.0.0", "main": "index.js" }',
  'node_modules/express/index.js': 'module.exports = {};',
  'node_modules/mocha/package.json': '{ "name": "mocha", "version": "12.0.0", "main": "index.js" }',
  'node_modules/mocha/index.js': 'module.exports = {};',
  'lib/errors.ts': 'export class MarketingError extends Error {}',
  'lib/clock.ts': 'export const clock = 1;',
  'lib/marketing/index.ts': `import { leads } from '../leads'; export const marketing = leads;`,
  'lib/index.ts': `export { marketing } from './marketing';`,
  'lib/store/index.ts': `import { clock } from '../clock'; export const store = clock; export { inside } from './inside';`,
  'lib/store/inside.ts': `import { MarketingError } from '../errors'; export const inside = MarketingError; export type Row = number;`,
  'lib/store/nosy.ts': `import { leads } from '../leads'; export const nosy = leads;`,
  'lib/timers/index.ts': `import { store } from '../store'; export const timers = store;`,
  'lib/timers/nosy.ts': `import { conditions } from '../conditions'; export const nosy = conditions;`,
  'lib/conditions/index.ts': `import type { Row } from '../store/inside'; export const conditions: Row = 1;`,
  'lib/leads/index.ts': `import { store } from '../store'; export const leads = store; export { inside } from './inside';`,
  'lib/leads/inside.ts': `import { conditions } from '../conditions'; export const inside = conditions; export type Lead = 1;`,
  'lib/segments/index.ts': `import { leads } from '../leads'; import type { Lead } from '../leads/inside'; export const segments: [unknown, Lead] = [leads, 1];`,
  'lib/segments/nosy.ts': `import { inside } from '../leads/inside'; export const nosy = inside;`,
  'lib/segments/upward.ts': `import { marketing } from '../marketing'; export const upward = marketing;`,
  'lib/ledger/one.ts': `import { two } from './two'; export const one = () => two;`,
  'lib/ledger/two.ts': `import { one } from './one'; export const two = () => one;`,
  'lib/ledger/chicken.ts': `import type { Egg } from './egg'; export type Chicken = Egg; export const chicken = 1;`,
  'lib/ledger/egg.ts': `import { chicken } from './chicken'; export type Egg = typeof chicken; export const egg = chicken;`,
  'lib/content/index.ts': `import { gone } from './gone'; export const content = gone;`,
  'lib/channels/index.ts': `import express from 'express'; export const channels = express;`,
  'lib/sending/index.ts': `import RED from 'node-red'; export const sending = RED;`,
  'lib/events/index.ts': `import { trigger } from '../../nodes/trigger/trigger'; export const events = trigger;`,
  'lib/history/index.ts': `import { world } from '../../test/world'; export const history = world;`,
  'lib/definitions/index.ts': `import mocha from 'mocha'; export const definitions = mocha;`,
  'lib/http/index.ts': `import express from 'express'; export const http = express;`,
  'lib/runtime/index.ts': `import RED from 'node-red'; import { http } from '../http'; export const runtime = [RED, http];`,
  'nodes/kit/kit.ts': `import RED from 'node-red'; import { marketing } from '../../lib'; export const kit = [RED, marketing];`,
  'nodes/trigger/trigger.ts': `import type { NodeAPI } from 'node-red'; import { kit } from '../kit/kit'; export const trigger: [unknown, NodeAPI?] = [kit];`,
  'nodes/delay/delay.ts': `import RED from 'node-red'; export const delay = RED;`,
  'nodes/send/send.ts': `import { delay } from '../delay/delay'; export const send = delay;`,
  'nodes/lead/lead.ts': `import { inside } from '../../lib/leads/inside'; export const lead = inside;`,
  'test/world.ts': 'export const world = 1;',
};

/** Which import of the tree above breaks which rule. */
const broken: Readonly<Record<string, [from: string, to: string]>> = {
  'no-cycles': ['lib/ledger/one.ts', 'lib/ledger/two.ts'],
  'lib-imports-no-nodes': ['lib/events/index.ts', 'nodes/trigger/trigger.ts'],
  'node-red-is-started-by-the-runtime-only': ['lib/sending/index.ts', 'node_modules/node-red/index.js'],
  'express-is-in-http-only': ['lib/channels/index.ts', 'node_modules/express/index.js'],
  'only-the-kit-touches-red': ['nodes/delay/delay.ts', 'node_modules/node-red/index.js'],
  'nodes-do-not-import-each-other': ['nodes/send/send.ts', 'nodes/delay/delay.ts'],
  'nodes-enter-lib-through-the-front': ['nodes/lead/lead.ts', 'lib/leads/inside.ts'],
  'store-stands-alone': ['lib/store/nosy.ts', 'lib/leads/index.ts'],
  'timers-and-conditions-stand-alone': ['lib/timers/nosy.ts', 'lib/conditions/index.ts'],
  'modules-are-entered-through-index': ['lib/segments/nosy.ts', 'lib/leads/inside.ts'],
  'modules-do-not-import-their-users': ['lib/segments/upward.ts', 'lib/marketing/index.ts'],
  'tests-stay-outside': ['lib/history/index.ts', 'test/world.ts'],
  'packages-are-declared': ['lib/definitions/index.ts', 'node_modules/mocha/index.js'],
  'everything-resolves': ['lib/content/index.ts', './gone'],
};

describe('The arrows between the folders', function () {
  this.timeout(120_000);

  it('all point one way in this project', async () => {
    const { modules, dependencies, violations } = await cruise(root);
    assert.deepEqual(violations, []);
    // An empty look would find nothing wrong either.
    assert.ok(modules > 200 && dependencies > 800, `only ${modules} files and ${dependencies} imports were looked at`);
  });

  describe('in a tree that breaks every rule once', () => {
    let folder: string;
    let found: Cruise;

    before(async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'arrows-'));
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
        writeFileSync(path.join(folder, name), `${text}\n`);
      }
      found = await cruise(folder);
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    it('has an example for every rule', () => {
      assert.deepEqual(Object.keys(broken).sort(), forbidden.map(({ name }) => name).sort());
    });

    for (const [rule, [from, to]] of Object.entries(broken)) {
      it(`${rule}: ${from} may not import ${to}`, () => {
        const ofRule = found.violations.filter((violation) => violation.rule === rule);
        assert.ok(
          ofRule.some((violation) => violation.from === from && violation.to === to),
          `found only ${JSON.stringify(ofRule)}`,
        );
      });
    }

    it('leaves what is allowed alone', () => {
      const culprits = new Set([...Object.values(broken).map(([from]) => from), 'lib/ledger/two.ts']);
      assert.deepEqual(
        found.violations.filter(({ from }) => !culprits.has(from)),
        [],
      );
    });
  });
});
