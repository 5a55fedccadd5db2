import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { STATUS_TEXTS } from '../../nodes/kit/texts';
import { filesBelow, nodeFolders, nodeHtml, registrations, root } from './node-html';

type Catalogue = { [key: string]: string | Catalogue };

const languages = ['en-US', 'de'];
const catalogues = [...nodeFolders().map((folder) => ({ folder, file: folder })), { folder: 'kit', file: 'plugin' }];

function catalogue(folder: string, file: string, language: string): Map<string, string> {
  const text = readFileSync(path.join(root, 'nodes', folder, 'locales', language, `${file}.json`), 'utf8');
  return flatten(JSON.parse(text) as Catalogue);
}

function flatten(tree: Catalogue, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') flat.set(prefix + key, value);
    else for (const entry of flatten(value, `${prefix}${key}.`)) flat.set(...entry);
  }
  return flat;
}

function placeholders(text: string): string[] {
  return [...text.matchAll(/__(\w+?)__/g)].map(([, name = '']) => name).sort();
}

function help(folder: string, language: string): string {
  return readFileSync(path.join(root, 'nodes', folder, 'locales', language, `${folder}.html`), 'utf8');
}

/** Every key that a node's html names, in data-i18n or through this._(). */
function keysIn(html: string): string[] {
  const keys: string[] = [];
  for (const [, attribute = ''] of html.matchAll(/data-i18n="([^"]+)"/g)) {
    for (const part of attribute.split(';')) keys.push(part.replace(/^\[\w+\]/, ''));
  }
  for (const [, list = ''] of html.matchAll(/this\._\((\[[^\]]+\]|'[^']+')/g)) {
    for (const [, key = ''] of list.matchAll(/'([\w.-]+)'/g)) if (!key.endsWith('.')) keys.push(key);
  }
  return keys;
}

describe('The texts of the editor', () => {
  for (const { folder, file } of catalogues) {
    it(`of ${folder} are there in every language, with the same keys and placeholders`, () => {
      const base = catalogue(folder, file, 'en-US');
      for (const language of languages) {
        const other = catalogue(folder, file, language);
        assert.deepEqual([...other.keys()].sort(), [...base.keys()].sort(), language);
        for (const [key, text] of other) {
          assert.notEqual(text.trim(), '', `${language}: ${key} is empty`);
          assert.deepEqual(placeholders(text), placeholders(base.get(key) ?? ''), `${language}: ${key}`);
        }
      }
    });
  }

  for (const folder of nodeFolders()) {
    it(`of ${folder} hold every key that its html names`, () => {
      const known = catalogue(folder, folder, 'en-US');
      const keys = keysIn(nodeHtml(folder));
      assert.ok(keys.length > 5);
      assert.deepEqual(
        keys.filter((key) => !key.includes(':') && !known.has(key)),
        [],
      );
    });
  }

  it('of the shared editor code hold every key that the code names', () => {
    const known = catalogue('kit', 'plugin', 'en-US');
    const missing: string[] = [];
    for (const file of filesBelow(path.join(root, 'nodes', 'kit', 'editor'), '.ts')) {
      for (const [, key = ''] of readFileSync(file, 'utf8').matchAll(/\btext\('([\w.]+)'/g)) {
        if (!known.has(key)) missing.push(`${path.basename(file)}: ${key}`);
      }
    }
    assert.deepEqual(missing, []);
  });
});

describe('The badges under the nodes', () => {
  it('have a text of at most 20 characters in every language, the English one as the runtime has it', () => {
    for (const language of languages) {
      const known = catalogue('kit', 'plugin', language);
      for (const [name, english] of Object.entries(STATUS_TEXTS)) {
        const text = known.get(`status.${name}`) ?? '';
        if (language === 'en-US') assert.equal(text, english);
        const filled = text.replace(/__\w+?__/g, '9,999');
        assert.ok(filled.length > 0 && filled.length <= 20, `${language}: ${filled}`);
      }
    }
  });
});

describe('The help of the nodes', () => {
  const order: Record<string, string[]> = {
    'en-US': ['Inputs', 'Outputs', 'Details', 'References'],
    de: ['Eingangsdaten', 'Ausgangsdaten', 'Details', 'Referenzen'],
  };

  for (const folder of nodeFolders()) {
    it(`of ${folder} begins with a short sentence and keeps the order of sections in every language`, () => {
      const isConfig = !registrations(nodeHtml(folder))[0]?.properties.has('inputs');
      for (const language of languages) {
        const body = /data-help-name="marketing-\w+">\n([\s\S]*)<\/script>/.exec(help(folder, language))?.[1] ?? '';
        const [intro = ''] = body.split('\n\n');
        assert.ok(intro.length > 20 && intro.length < 240 && !intro.startsWith('#'), `${language}: ${intro}`);
        const sections = [...body.matchAll(/^### (.+)$/gm)].map(([, title]) => title);
        assert.deepEqual(sections, (order[language] ?? []).slice(isConfig ? 2 : 0), language);
        assert.ok(!/^[ \t]+\S/m.test(body.replace(/^ - /gm, '- ')), `${language}: a line is indented`);
      }
    });
  }
});
