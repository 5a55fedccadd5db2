import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { filesBelow, nodeFolders, nodeHtml, registrations, root } from './node-html';

interface Manifest {
  name: string;
  license: string;
  version: string;
  repository: { url: string };
  bugs: { url: string };
  keywords: string[];
  engines: { node: string };
  files: string[];
  dependencies: Record<string, string>;
  'node-red'?: { version: string; nodes: Record<string, string>; plugins?: Record<string, string> };
}

const load = createRequire(__filename);
const satisfies = load('semver/functions/satisfies') as (version: string, range: string) => boolean;
const validRange = load('semver/ranges/valid') as (range: string) => string | null;

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The checks of `node-red-dev validate`, which itself cannot run without the public catalogue. */
describe('The Node-RED scorecard', () => {
  const manifest = manifestOf(root);
  const registered = nodeFolders().flatMap((folder) => registrations(nodeHtml(folder)));

  it('P01: finds a licence', () => {
    assert.equal(manifest.license, 'MIT');
  });

  it('P03: finds where the source and the issues are', () => {
    assert.match(manifest.repository.url, /^git\+https:\/\/.+\.git$/);
    assert.match(manifest.bugs.url, /^https:\/\/.+\/issues$/);
  });

  it('P04: finds a scoped name', () => {
    assert.match(manifest.name, /^@[a-z\d][\w-.]+\/[a-z\d][\w-.]*$/);
  });

  it('P05: finds the keyword that lists the package', () => {
    assert.ok(manifest.keywords.includes('node-red'));
  });

  it('P06: finds a Node-RED version range that holds both supported releases', () => {
    const range = manifest['node-red']?.version ?? '';
    for (const installed of ['node-red', 'node-red-4.1']) {
      const { version } = manifestOf(path.join(root, 'node_modules', installed));
      assert.ok(satisfies(version, range), `${version} is not in ${range}`);
    }
  });

  it('P07: finds a Node.js range that begins where the SQLite driver works and stays within what Node-RED supports', () => {
    // The scorecard wants Node-RED's own minimum (22.9); better-sqlite3 13 crashes below 22.14, which is worse than a warning.
    const nodeRed = manifestOf(path.join(root, 'node_modules', 'node-red')).engines.node;
    assert.ok(!satisfies('22.13.0', manifest.engines.node));
    for (const version of ['22.14.0', '24.0.0']) {
      assert.ok(satisfies(version, manifest.engines.node) && satisfies(version, nodeRed), version);
    }
  });

  it('N01: finds one literal registerType in each html, and no type twice', () => {
    for (const folder of nodeFolders()) {
      const types = registrations(nodeHtml(folder)).map(({ type }) => type);
      assert.deepEqual(types, [`marketing-${folder}`]);
    }
    assert.equal(new Set(registered.map(({ type }) => type)).size, registered.length);
  });

  it('N02: finds every node that can be placed in an example', () => {
    const placed = new Set<string>();
    for (const file of filesBelow(path.join(root, 'examples'), '.json')) {
      const flow: unknown = JSON.parse(readFileSync(file, 'utf8'));
      for (const node of Array.isArray(flow) ? (flow as { type?: string }[]) : []) placed.add(node.type ?? '');
    }
    const missing = registered
      .filter(({ properties }) => {
        const category = properties.get('category');
        return category?.type === 'Literal' && category.value !== 'config';
      })
      .map(({ type }) => type)
      .filter((type) => !placed.has(type));
    assert.deepEqual(missing, []);
  });

  it('D03: finds dependencies that come from the registry and are installed as declared', () => {
    for (const [name, range] of Object.entries(manifest.dependencies)) {
      assert.notEqual(validRange(range), null, `${name}: ${range} is not a version range`);
      const { version } = manifestOf(path.join(root, 'node_modules', ...name.split('/')));
      assert.ok(satisfies(version, range), `${name}: ${version} is not in ${range}`);
    }
  });

  it('D01: finds no database driver among the dependencies that a user without that database must install', () => {
    const optional = [
      'pg',
      'mysql2',
      'mongodb',
      '@agendajs/postgres-backend',
      '@agendajs/mongo-backend',
      '@agendajs/redis-backend',
    ];
    assert.deepEqual(
      Object.keys(manifest.dependencies).filter((name) => optional.includes(name)),
      [],
    );
  });

  describe('after the build', () => {
    before(function () {
      if (!existsSync(path.join(root, 'dist', 'nodes'))) {
        throw new Error('The package is not built. Run: npm run build');
      }
    });

    it('finds each declared node with its html, and a node for each folder', () => {
      const declared = manifest['node-red']?.nodes ?? {};
      assert.deepEqual(
        Object.keys(declared).sort(),
        nodeFolders()
          .map((folder) => `marketing-${folder}`)
          .sort(),
      );
      for (const file of Object.values(declared)) {
        assert.ok(existsSync(path.join(root, file)), file);
        assert.ok(existsSync(path.join(root, file.replace(/\.js$/, '.html'))), `${file}: no html next to it`);
      }
    });

    it('finds the editor plugin and the resources that it loads', () => {
      const plugin = manifest['node-red']?.plugins?.['marketing-editor'] ?? '';
      const html = readFileSync(path.join(root, plugin.replace(/\.js$/, '.html')), 'utf8');
      const resources = [...html.matchAll(/resources\/@nexus\/node-red-marketing\/([\w.-]+)/g)].map(
        ([, name = '']) => name,
      );
      assert.deepEqual(resources.sort(), ['marketing-editor.css', 'marketing-editor.js']);
      for (const name of resources) assert.ok(existsSync(path.join(root, 'resources', name)), name);
    });

    it('finds everything that it needs among the published files', () => {
      for (const folder of ['dist/lib', 'dist/nodes', 'examples', 'flows', 'resources'])
        assert.ok(manifest.files.includes(folder), folder);
    });
  });
});
