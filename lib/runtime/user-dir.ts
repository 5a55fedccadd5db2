import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { InputError, messageOf } from '../errors';

/** The root of this package, from sources (`lib/runtime`) and from `dist/lib/runtime` alike. */
export function packageRoot(): string {
  for (let folder = __dirname; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    if (folder === path.dirname(folder)) throw new Error('This package has lost its package.json.');
  }
}

/** Where the runtime keeps its files unless told otherwise: `MARKETING_USER_DIR` or `~/.nexus-marketing`. */
export function defaultUserDir(environment: NodeJS.ProcessEnv = process.env): string {
  return path.resolve(environment['MARKETING_USER_DIR'] || path.join(homedir(), '.nexus-marketing'));
}

/** The SQLite file that is used when no database is named; the store node's default is the same one. */
export function defaultDatabase(userDir: string): string {
  return `sqlite:${path.join(userDir, 'marketing.sqlite')}`;
}

/**
 * The secret that Node-RED encrypts credentials with: `MARKETING_CREDENTIAL_SECRET`, or one that was made up once and is
 * kept in the user directory, readable for its owner only.
 */
export function credentialSecret(userDir: string, environment: NodeJS.ProcessEnv = process.env): string {
  const given = environment['MARKETING_CREDENTIAL_SECRET'];
  if (given) return given;
  const file = path.join(userDir, '.credential-secret');
  mkdirSync(userDir, { recursive: true, mode: 0o700 });
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const made = randomBytes(32).toString('hex');
  writeFileSync(file, `${made}\n`, { mode: 0o600, flag: 'wx' });
  return made;
}

/** One node of a flow file. */
export type FlowFileNode = Readonly<Record<string, unknown>>;

/**
 * Reads a flow file.
 * @throws InputError `E_FLOWS`
 */
export function readFlows(file: string): FlowFileNode[] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InputError(
      'E_FLOWS',
      `The flow file ${file} cannot be read: ${messageOf(error)}. Give a file that Node-RED exported.`,
      { cause: error },
    );
  }
  // Exported by the editor it is an array; by the admin API an object with `flows`.
  const nodes: unknown =
    typeof content === 'object' && content !== null && 'flows' in content ? content.flows : content;
  if (!Array.isArray(nodes))
    throw new InputError('E_FLOWS', `${file} is no flow file: Node-RED exports a JSON array of nodes.`);
  return nodes as FlowFileNode[];
}

/** How {@link prepareFlows} prepares. */
export interface FlowPlan {
  /** A flow file, or a directory of them. */
  readonly flows: string;
  readonly userDir: string;
  readonly editor: boolean;
  /** True: store nodes that name no database take the one in `MARKETING_DATABASE_URL`. */
  readonly fillDatabase?: boolean;
}

/**
 * The flow file that Node-RED is to run. A file is run as it stands when nothing has to be changed in it. A directory's files are put
 * together into one in the user directory; so is anything that the editor may change, once: from then on the copy is what counts.
 * Credentials (`NAME_cred.json`) go along.
 * @throws InputError `E_FLOWS`
 */
export function prepareFlows({ flows, userDir, editor, fillDatabase = false }: FlowPlan): string {
  const source = path.resolve(flows);
  if (!existsSync(source)) throw new InputError('E_FLOWS', `There are no flows at ${source}: check the path.`);
  mkdirSync(userDir, { recursive: true, mode: 0o700 });
  writePackageFile(userDir);
  const isFolder = statSync(source).isDirectory();
  const inUserDir = path.dirname(source) === path.resolve(userDir);
  const files = isFolder ? flowFilesIn(source) : [source];
  const read = mergeFlows(files);
  const nodes = fillDatabase ? read.map(withDatabase) : read;
  if (!isFolder && (editor ? inUserDir : nodes.every((node, index) => node === read[index]))) return source;
  const copy = path.join(userDir, editor ? 'flows.json' : 'flows-headless.json');
  if (editor && existsSync(copy)) return copy;
  writeFileSync(copy, `${JSON.stringify(nodes, null, 4)}\n`);
  const credentials = mergeCredentials(files.map(credentialsOf).filter((file) => existsSync(file)));
  if (credentials !== undefined)
    writeFileSync(credentialsOf(copy), `${JSON.stringify(credentials, null, 4)}\n`, { mode: 0o600 });
  return copy;
}

/** Node-RED reads it to find further nodes. Headless it changes no files, and would complain that it is not there. */
function writePackageFile(userDir: string): void {
  const file = path.join(userDir, 'package.json');
  if (existsSync(file)) return;
  const content = { name: 'node-red-project', description: 'A Node-RED Project', version: '0.0.1', private: true };
  writeFileSync(file, `${JSON.stringify(content, null, 4)}\n`);
}

function withDatabase(node: FlowFileNode): FlowFileNode {
  return node['type'] === 'marketing-store' && !node['databaseUrl']
    ? { ...node, databaseUrl: '${MARKETING_DATABASE_URL}' }
    : node;
}

function flowFilesIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.endsWith('_cred.json'));
  if (names.length === 0) throw new InputError('E_FLOWS', `There is no flow file (*.json) in ${folder}.`);
  return names.sort().map((name) => path.join(folder, name));
}

/** Where Node-RED looks for the credentials of a flow file. */
function credentialsOf(file: string): string {
  return file.replace(/\.json$/, '_cred.json');
}

function mergeFlows(files: readonly string[]): FlowFileNode[] {
  const nodes = new Map<unknown, FlowFileNode>();
  for (const file of files) {
    for (const node of readFlows(file)) {
      const known = nodes.get(node['id']);
      // Files may bring the same configuration node along; two different nodes with one id are a mistake.
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(node)) {
        throw new InputError(
          'E_FLOWS',
          `${file} has a node with the id "${String(node['id'])}" that another file uses for something else: import both into one editor and export them again.`,
        );
      }
      nodes.set(node['id'], node);
    }
  }
  return [...nodes.values()];
}

function mergeCredentials(files: readonly string[]): Record<string, unknown> | undefined {
  if (files.length === 0) return undefined;
  const all = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>);
  if (all.length > 1 && all.some((credentials) => '$' in credentials)) {
    throw new InputError(
      'E_FLOWS',
      `Encrypted credentials of several flow files cannot be put together: give one file with --flows, or credentials that name environment variables.`,
    );
  }
  return Object.assign({}, ...all) as Record<string, unknown>;
}
