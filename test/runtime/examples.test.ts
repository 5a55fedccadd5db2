import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { compileCondition } from '../../lib/conditions';
import { compileEmail, compileWebhook } from '../../lib/content';
import { readFlows, type FlowFileNode } from '../../lib/runtime/user-dir';

const ROOT = path.join(__dirname, '..', '..');
const CORE = new Set(['tab', 'comment', 'inject', 'debug', 'catch', 'switch', 'http in', 'http response']);
/** Versions of configurations that examples are in; all others are in the first. */
const VERSIONS: Readonly<Record<string, readonly number[]>> = {
  'marketing-consent': [1, 2],
  'marketing-delay': [1, 2],
  'marketing-send': [1, 2],
  'marketing-trigger': [1, 2],
};

function flowFiles(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith('.json') && !name.endsWith('_cred.json'))
    .map((name) => path.join(ROOT, folder, name));
}

function manifest(): { 'node-red': { nodes: Record<string, string> } } {
  return JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    'node-red': { nodes: Record<string, string> };
  };
}

const text = (node: FlowFileNode, property: string): string =>
  typeof node[property] === 'string' ? node[property] : '';

describe('example flows', () => {
  it('use every node type of the package', () => {
    const used = new Set(flowFiles('examples').flatMap((file) => readFlows(file).map((node) => node['type'])));
    for (const type of Object.keys(manifest()['node-red'].nodes)) assert.ok(used.has(type), `no example uses ${type}`);
  });

  it('are numbered, since the file name is the menu entry', () => {
    for (const file of flowFiles('examples')) assert.match(path.basename(file), /^\d\d - [A-Z][\w -]+\.json$/);
  });

  for (const file of [...flowFiles('examples'), ...flowFiles('flows')]) {
    describe(path.basename(file), () => {
      const nodes = readFlows(file);
      const byId = new Map(nodes.map((node) => [node['id'], node]));

      it('is a whole: one tab, a comment, unique ids, wires and configuration nodes that exist', () => {
        assert.equal(nodes.filter((node) => node['type'] === 'tab').length, 1);
        assert.ok(nodes.some((node) => node['type'] === 'comment' && text(node, 'name') !== ''));
        assert.equal(byId.size, nodes.length);
        for (const node of nodes) {
          const wires = (node['wires'] ?? []) as string[][];
          for (const target of wires.flat()) assert.ok(byId.has(target), `${text(node, 'name')} is wired to nothing`);
          if (node['store'] !== undefined) assert.equal(byId.get(node['store'])?.['type'], 'marketing-store');
          if (node['account'] !== undefined) assert.equal(byId.get(node['account'])?.['type'], 'marketing-account');
        }
      });

      it('needs no other package, and holds no secret', () => {
        for (const node of nodes) {
          const type = text(node, 'type');
          assert.ok(CORE.has(type) || type.startsWith('marketing-'), type);
          if (type.startsWith('marketing-'))
            assert.ok((VERSIONS[type] ?? [1]).includes(Number(node['configVersion'])), type);
          assert.equal(node['credentials'], undefined);
        }
      });

      it('names its steps and definitions, each once', () => {
        const stations = nodes.filter((node) =>
          ['marketing-trigger', 'marketing-delay', 'marketing-send'].includes(text(node, 'type')),
        );
        const steps = stations.map((node) => text(node, 'step'));
        assert.ok(steps.every(Boolean));
        assert.equal(new Set(steps).size, steps.length);
        for (const node of nodes)
          if (node['type'] === 'marketing-trigger') assert.match(text(node, 'definition'), /^[a-z-]+$/);
      });

      it('has templates and conditions that can be read', () => {
        for (const node of nodes) {
          if (node['type'] === 'marketing-segment' && node['mode'] === 'inline')
            compileCondition(text(node, 'condition'), { lead: {} });
          // A template's or a campaign's content is checked where it is kept.
          if (node['type'] !== 'marketing-send' || (node['contentFrom'] ?? 'inline') !== 'inline') continue;
          if (byId.get(node['account'])?.['channel'] === 'webhook') {
            const headers = Object.fromEntries(
              (node['headers'] as { name: string; value: string }[]).map(({ name, value }) => [name, value]),
            );
            compileWebhook({
              method: text(node, 'method'),
              url: text(node, 'url'),
              headers,
              payload: text(node, 'payload'),
            });
          } else {
            compileEmail({
              subject: text(node, 'subject'),
              html: text(node, 'html'),
              from: { address: 'news@example.org' },
            });
          }
        }
      });
    });
  }
});
