import { createRequire } from 'node:module';
import path from 'node:path';
import { InputError, messageOf } from '../errors';

/**
 * Reads a Node-RED settings file (`module.exports = { … }`).
 * @throws InputError `E_SETTINGS`
 */
export function readSettings(file: string): Readonly<Record<string, unknown>> {
  let settings: unknown;
  try {
    settings = createRequire(__filename)(path.resolve(file));
  } catch (error) {
    throw new InputError('E_SETTINGS', `The settings file ${file} does not load: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  if (typeof settings !== 'object' || settings === null) {
    throw new InputError(
      'E_SETTINGS',
      `The settings file ${file} exports no object: it should look like Node-RED's settings.js.`,
    );
  }
  return settings as Readonly<Record<string, unknown>>;
}
