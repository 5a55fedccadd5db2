import path from 'node:path';
import { credentialSecret, packageRoot } from './user-dir';
import type { Log } from './log';

/** What the settings depend on. */
export interface SettingsInput {
  readonly userDir: string;
  readonly flowFile: string;
  readonly editor: boolean;
  readonly port: number;
  readonly log: Log;
  /** The user's own settings. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Settings for the embedded Node-RED. The user's come first; where headless running depends on one, ours stands. */
export function nodeRedSettings({
  userDir,
  flowFile,
  editor,
  port,
  log,
  settings,
}: SettingsInput): Record<string, unknown> {
  const own = settings['nodesDir'];
  return {
    httpNodeRoot: '/',
    telemetry: { enabled: false, updateNotification: false },
    nodeCloseTimeout: 15_000,
    functionExternalModules: false,
    externalModules: {
      autoInstall: false,
      palette: { allowInstall: editor, allowUpload: false },
      modules: { allowInstall: false },
    },
    paletteCategories: ['marketing', 'subflows', 'common', 'function', 'network', 'sequence', 'parser', 'storage'],
    editorTheme: { page: { title: 'Marketing flows' }, tours: false, projects: { enabled: false } },
    logging: { marketing: { level: 'trace', metrics: false, audit: false, handler: () => logHandler(log) } },
    credentialSecret: credentialSecret(userDir),
    ...settings,
    userDir,
    flowFile: path.resolve(flowFile),
    // Not for listening: the store node makes its default address from it.
    uiPort: port,
    // The package itself: Node-RED reads its package.json and finds nodes, locales, resources and examples.
    nodesDir: [packageRoot(), ...(Array.isArray(own) ? (own as unknown[]) : typeof own === 'string' ? [own] : [])],
    httpAdminRoot: editor ? '/' : false,
    disableEditor: !editor,
  };
}

interface NodeRedMessage {
  level: number;
  msg?: unknown;
  type?: string;
  name?: string;
  id?: string;
}

/** Node-RED's levels: 10 fatal, 20 error, 30 warn, 40 info, 50 debug, 60 trace. */
function logHandler(log: Log) {
  return ({ level, msg, type, name, id }: NodeRedMessage): void => {
    const text =
      msg instanceof Error ? (msg.stack ?? msg.message) : typeof msg === 'string' ? msg : JSON.stringify(msg);
    const line = type === undefined ? String(text) : `[${type}:${name ?? id ?? ''}] ${text}`;
    if (level <= 20) log.error(line);
    else if (level <= 30) log.warn(line);
    else if (level <= 40) log.info(line);
    else log.debug(line);
  };
}
