import { InputError } from '../../lib/errors';
import type { SavedConfig } from './migrate';
import { text } from './names';

/** Reads the properties of a node's configuration, which may come from anywhere: the editor, a file, an environment variable. */
export interface ConfigReader {
  /** Trimmed text; empty when there is none. */
  text(property: string): string;
  /** Text as it was written. */
  raw(property: string): string;
  flag(property: string, otherwise: boolean): boolean;
  /** @throws InputError E_CONFIG */
  number(property: string, bounds: { min: number; max?: number; whole?: boolean; otherwise?: number }): number;
  /** @throws InputError E_CONFIG */
  choice<const T extends string>(property: string, choices: readonly T[], otherwise: T): T;
}

/** Makes a reader; its errors name the property and what it may be. */
export function readConfig(config: SavedConfig): ConfigReader {
  return {
    text: (property) => text(config[property]),
    raw: (property) => (typeof config[property] === 'string' ? config[property] : ''),
    flag(property, otherwise) {
      const value = config[property];
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      return otherwise;
    },
    number(property, { min, max = Number.MAX_SAFE_INTEGER, whole = false, otherwise }) {
      const written = text(config[property]);
      if (written === '' && otherwise !== undefined) return otherwise;
      const value = written === '' ? Number.NaN : Number(written);
      if (!Number.isFinite(value) || value < min || value > max || (whole && !Number.isInteger(value))) {
        const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
        throw wrong(property, written, `give a ${whole ? 'whole ' : ''}number ${range}`);
      }
      return value;
    },
    choice(property, choices, otherwise) {
      const written = text(config[property]) || otherwise;
      const found = choices.find((choice) => choice === written);
      if (found === undefined) throw wrong(property, written, `choose one of ${choices.join(', ')}`);
      return found;
    },
  };
}

function wrong(property: string, written: string, advice: string): InputError {
  return new InputError('E_CONFIG', `The property "${property}" of this node is "${written}": ${advice}.`, {
    details: { property },
  });
}
