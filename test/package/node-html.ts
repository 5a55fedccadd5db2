import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, type Expression, type ObjectExpression, type Property } from 'acorn';

/** Folder of the package. */
export const root = path.resolve(__dirname, '..', '..');

/** One `RED.nodes.registerType('literal', { inline object })` as the scorecard's parser finds it. */
export interface Registration {
  readonly type: string;
  readonly properties: ReadonlyMap<string, Expression>;
}

/** Folders under nodes/ that hold a node. */
export function nodeFolders(): string[] {
  return readdirSync(path.join(root, 'nodes'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'kit')
    .map((entry) => entry.name)
    .sort();
}

/** The html file of a node. */
export function nodeHtml(folder: string): string {
  return readFileSync(path.join(root, 'nodes', folder, `${folder}.html`), 'utf8');
}

/** Parses the scripts of an html file the way the scorecard does: literal type names and inline objects only. */
export function registrations(html: string): Registration[] {
  const found: Registration[] = [];
  for (const [, script = ''] of html.matchAll(/<script type="text\/javascript">([\s\S]*?)<\/script>/g)) {
    for (const statement of parse(script, { ecmaVersion: 2020 }).body) {
      if (statement.type !== 'ExpressionStatement' || statement.expression.type !== 'CallExpression') continue;
      const { callee, arguments: given } = statement.expression;
      if (script.slice(callee.start, callee.end) !== 'RED.nodes.registerType') continue;
      const [type, definition] = given;
      if (type?.type === 'Literal' && typeof type.value === 'string' && definition?.type === 'ObjectExpression') {
        found.push({ type: type.value, properties: propertiesOf(definition) });
      }
    }
  }
  return found;
}

/** The plain properties of an object literal, by name. */
export function propertiesOf(object: ObjectExpression): Map<string, Expression> {
  const plain = object.properties.filter((property): property is Property => property.type === 'Property');
  return new Map(plain.map(({ key, value }) => [key.type === 'Identifier' ? key.name : '', value]));
}

/** Every file below a folder, as paths; none when the folder does not exist. */
export function filesBelow(folder: string, extension: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith(extension))
      .map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}
