/**
 * Builds what is published: `tsc` for lib and nodes, one bundle of editor code in resources/, and the files that
 * Node-RED reads next to a node's .js: html, locales, icons. Nothing is minified. Fast when nothing has changed: tsc is
 * incremental, and files are copied only when they are newer or of another size.
 *
 *   node tools/build.mjs            everything
 *   node tools/build.mjs --editor   all but tsc, while working on html, locales or editor code
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const editor = path.join(root, 'nodes', 'kit', 'editor');
const copied = /^(?:[^/]+\.html|locales\/.+\.(?:json|html)|icons\/.+\.(?:svg|png))$/;

/** Compiles lib/ and nodes/ into dist/. */
function compile() {
  const dist = path.join(root, 'dist');
  const buildInfo = path.join(dist, '.tsbuildinfo');
  // Somebody removed the output but not the record of it: tsc would believe that all is there.
  if (existsSync(buildInfo) && !existsSync(path.join(dist, 'lib'))) rmSync(buildInfo);
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [tsc, '-p', path.join(root, 'tsconfig.build.json')], {
      cwd: root,
      stdio: 'inherit',
      // The parent may run with tools/ts.cjs preloaded, which the compiler does not need.
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`tsc ended with code ${code}`))));
  });
}

/** Bundles the editor code and its style sheet into resources/. */
async function bundleEditor() {
  await build({
    // index.ts imports the style sheet: marketing-editor.css comes out next to marketing-editor.js.
    entryPoints: { 'marketing-editor': path.join(editor, 'index.ts') },
    outdir: path.join(root, 'resources'),
    bundle: true,
    format: 'iife',
    target: 'es2020',
    charset: 'utf8',
    sourcemap: true,
    logLevel: 'warning',
  });
}

/** Copies html, locales and icons of every node folder next to its compiled .js. */
function copyAssets() {
  const nodes = path.join(root, 'nodes');
  for (const entry of readdirSync(nodes, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const folder = path.join(nodes, entry.name);
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const name = file.split(path.sep).join('/');
      if (copied.test(name)) copyIfChanged(path.join(folder, file), path.join(root, 'dist', 'nodes', entry.name, file));
    }
  }
}

function copyIfChanged(from, to) {
  const source = statSync(from);
  const target = statSync(to, { throwIfNoEntry: false });
  if (target !== undefined && target.size === source.size && target.mtimeMs >= source.mtimeMs) return;
  mkdirSync(path.dirname(to), { recursive: true });
  cpSync(from, to);
}

try {
  copyAssets();
  await Promise.all([bundleEditor(), process.argv.includes('--editor') ? undefined : compile()]);
} catch (error) {
  // tsc and esbuild have already said what is wrong and where.
  console.error(`The build failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
