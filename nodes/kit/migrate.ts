import { InputError } from '../../lib/errors';

/** A node's configuration as it was saved, by whatever release. */
export type SavedConfig = Readonly<Record<string, unknown>>;

/** Brings a saved configuration to `version`. */
export interface ConfigMigration {
  readonly version: number;
  /** Must not change its argument. */
  up(config: SavedConfig): SavedConfig;
}

/** The version of a saved configuration; 0 for one that says none. */
export function versionOf(config: SavedConfig): number {
  const version = config['configVersion'];
  return typeof version === 'number' && Number.isInteger(version) && version >= 0 ? version : 0;
}

/**
 * Applies what is missing, in order. A configuration that a newer release has saved is refused: guessing what its
 * properties mean could send the wrong thing to people.
 * @throws InputError E_CONFIG_VERSION
 */
export function migrateConfig(saved: SavedConfig, migrations: readonly ConfigMigration[]): SavedConfig {
  const newest = Math.max(0, ...migrations.map(({ version }) => version));
  const from = versionOf(saved);
  if (from > newest) {
    throw new InputError(
      'E_CONFIG_VERSION',
      'This node was saved by a newer release of the package. Update @nexus/node-red-marketing.',
      { details: { saved: from, known: newest } },
    );
  }
  return [...migrations]
    .sort((a, b) => a.version - b.version)
    .filter(({ version }) => version > from)
    .reduce((config, { version, up }) => ({ ...up(config), configVersion: version }), saved);
}

/** A migration to version 1: properties that are missing get their defaults. */
export function withDefaults(defaults: SavedConfig): ConfigMigration {
  return { version: 1, up: (config) => ({ ...defaults, ...defined(config) }) };
}

function defined(config: SavedConfig): SavedConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined && value !== null));
}
