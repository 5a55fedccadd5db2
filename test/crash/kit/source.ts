/** Which code child processes run: the built one while it is fresh (it starts faster), the sources otherwise. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..', '..', '..');

function newest(folder: string): number {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newest(name) : statSync(name).mtimeMs);
  }
  return latest;
}

/** A module of lib/, for `require` in a child process. */
export function libModule(name: string): string {
  const record = statSync(path.join(ROOT, 'dist', '.tsbuildinfo'), { throwIfNoEntry: false });
  const built = builtModule(name);
  const fresh =
    statSync(built, { throwIfNoEntry: false }) !== undefined &&
    (record?.mtimeMs ?? 0) >= newest(path.join(ROOT, 'lib'));
  return fresh ? built : path.join(ROOT, 'lib', `${name}.ts`);
}

/** A module of the built library. */
export function builtModule(name: string): string {
  return path.join(ROOT, 'dist', 'lib', `${name}.js`);
}

/** Options for Node so that it can load TypeScript. */
export const LOADER = ['--require', path.join(ROOT, 'tools', 'ts.cjs')];
