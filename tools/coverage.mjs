/**
 * Makes the coverage report of a test run and holds it against the project's bounds.
 *
 *   node tools/coverage.mjs               runs the tests (tools/test.mjs), then reports
 *   node tools/coverage.mjs --of FOLDER   reports what a run with NODE_V8_COVERAGE=FOLDER has left there
 *
 * What runs in child processes and worker threads counts too, from the sources and from dist/ alike; what is killed
 * with SIGKILL cannot say what it did. Files that are all types (nothing is left of them when compiled) are left out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { transformSync } from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = path.join(root, 'coverage');

/** Percent of lines that must be more than covered. */
const bounds = { 'lib/ledger': 90, 'lib/conditions': 90, 'lib/timers': 90, everything: 80 };

function run(args, env = {}) {
  const child = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  return child.status ?? 1;
}

/** True for a file that declares types only: it is never loaded, so nothing in it can be covered. */
function isAllTypes(file) {
  const { code } = transformSync(readFileSync(file, 'utf8'), { loader: 'ts', format: 'esm' });
  return code.trim() === '';
}

/** Lines by group: the first two folders of the path. */
function linesByGroup(summary) {
  const groups = new Map();
  for (const [file, { lines }] of Object.entries(summary)) {
    // What dist/ still holds of a source that was removed is no longer part of the project.
    if (file === 'total' || !existsSync(file) || isAllTypes(file)) continue;
    const parts = path.relative(root, file).split(path.sep);
    for (const group of ['everything', parts.slice(0, Math.min(2, parts.length - 1)).join('/')]) {
      const sum = groups.get(group) ?? { files: 0, total: 0, covered: 0 };
      groups.set(group, { files: sum.files + 1, total: sum.total + lines.total, covered: sum.covered + lines.covered });
    }
  }
  return groups;
}

function report(groups) {
  let kept = true;
  console.log('\nCoverage (lines)');
  for (const [group, { files, total, covered }] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const percent = (100 * covered) / total;
    const bound = bounds[group];
    const verdict =
      bound === undefined ? '' : percent > bound ? `  more than ${bound} %: kept` : `  NOT more than ${bound} %`;
    if (bound !== undefined && !(percent > bound)) kept = false;
    console.log(
      `  ${group.padEnd(20)} ${percent.toFixed(1).padStart(5)} %  of ${total} lines in ${files} files${verdict}`,
    );
  }
  for (const group of Object.keys(bounds)) {
    if (groups.has(group)) continue;
    console.log(`  ${group}: nothing was measured`);
    kept = false;
  }
  return kept;
}

const { values } = parseArgs({ options: { of: { type: 'string' } } });
const measured = path.resolve(values.of ?? path.join(folder, 'v8'));
let failed = 0;
if (values.of === undefined) {
  rmSync(measured, { recursive: true, force: true });
  mkdirSync(measured, { recursive: true });
  failed = run([path.join(root, 'tools', 'test.mjs')], { NODE_V8_COVERAGE: measured });
}
const processes = readdirSync(measured).filter((name) => name.endsWith('.json')).length;
console.log(`\n${processes} processes and threads left their coverage in ${measured}`);
const c8 = path.join(root, 'node_modules', 'c8', 'bin', 'c8.js');
const made = run([c8, 'report', '--temp-directory', measured, '--reports-dir', folder]);
if (made !== 0) process.exit(made);
const summary = JSON.parse(readFileSync(path.join(folder, 'coverage-summary.json'), 'utf8'));
const kept = report(linesByGroup(summary));
process.exitCode = failed || (kept ? 0 : 1);
