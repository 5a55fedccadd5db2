/**
 * Where the benches get the product from: the compiled one in `dist/`, because that is what users run, or the sources
 * where nothing has been built.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** The package's root. */
export const root = path.resolve(__dirname, '..', '..');
const compiled = path.join(root, 'dist');

/** True when the compiled product is measured. */
export const isCompiled = existsSync(path.join(compiled, 'lib', 'index.js'));

/** A module of the product by its path below the root, without extension: `product<typeof import('../../lib')>('lib/index')`. */
export function product<Module>(module: string): Module {
  const file = isCompiled ? path.join(compiled, `${module}.js`) : path.join(root, `${module}.ts`);
  return createRequire(__filename)(file) as Module;
}
