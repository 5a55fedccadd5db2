import path from 'node:path';
import type { NodeAPI } from 'node-red';
import type { MarketingOptions } from '../../lib';
import { InputError } from '../../lib/errors';
import type { NodeKit } from './node';

/** The part of the options that comes from the store node's configuration. */
export type StoreSettings = Omit<MarketingOptions, 'clock' | 'logger' | 'migrate' | 'tenant'> & {
  readonly tenant: string;
  /** Where the public pages are, below Node-RED's own HTTP root. */
  readonly httpPath: string;
};

/** Reads the store node's configuration. @throws InputError E_CONFIG */
export function storeSettings({
  config,
  credentials,
  red,
}: Pick<NodeKit, 'config' | 'credentials' | 'red'>): StoreSettings {
  const httpPath = pathOf(config.text('httpPath') || '/marketing');
  const { databasePassword, timersPassword, signingSecret } = credentials;
  const timersUrl = config.text('timersUrl');
  return {
    database: {
      url: databaseUrl(config.text('databaseUrl'), userDirOf(red)),
      ...(databasePassword ? { password: databasePassword } : {}),
    },
    ...(timersUrl ? { timersUrl } : {}),
    ...(timersPassword ? { timersPassword } : {}),
    tenant: config.text('tenant') || 'default',
    baseUrl: join(config.text('baseUrl') || localAddress(red), httpRootOf(red), httpPath),
    ...(signingSecret ? { signingSecret } : {}),
    httpPath,
  };
}

/** The database to open: by default a file in Node-RED's user directory; relative file names are taken from there too. */
export function databaseUrl(written: string, userDir: string): string {
  if (written === '') return `sqlite:${path.join(userDir, 'marketing.sqlite')}`;
  const file = /^(?:(?:sqlite|file):)?(?!\/\/|[a-z][a-z0-9+]*:|:memory:)(.+)$/i.exec(written)?.[1];
  return file === undefined || path.isAbsolute(file) ? written : `sqlite:${path.join(userDir, file)}`;
}

function pathOf(written: string): string {
  if (!/^\/[\w\-./]*$/.test(written)) {
    throw new InputError(
      'E_CONFIG',
      `The store's HTTP path "${written}" is not usable: write a path such as /marketing.`,
    );
  }
  return written.replace(/\/+$/, '');
}

function userDirOf(red: NodeAPI): string {
  const { userDir } = red.settings;
  return typeof userDir === 'string' && userDir !== '' ? userDir : process.cwd();
}

function httpRootOf(red: NodeAPI): string {
  const { httpNodeRoot } = red.settings;
  return typeof httpNodeRoot === 'string' ? httpNodeRoot : '';
}

/** Good enough to try things out on one machine; for mails to other people the public address must be set. */
function localAddress(red: NodeAPI): string {
  const { uiPort } = red.settings;
  return `http://127.0.0.1:${typeof uiPort === 'number' ? uiPort : 1880}`;
}

function join(...parts: string[]): string {
  return parts
    .map((part, index) => part.replace(index === 0 ? /\/+$/ : /^\/+|\/+$/g, ''))
    .filter(Boolean)
    .join('/');
}
