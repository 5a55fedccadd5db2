import { spawn } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(__dirname, '..', '..');

/** An import that breaks a rule of `.dependency-cruiser.cjs`. */
export interface Violation {
  rule: string;
  from: string;
  to: string;
}

/** What a look at a tree found. */
export interface Cruise {
  modules: number;
  dependencies: number;
  violations: Violation[];
}

interface Report {
  summary: {
    totalCruised: number;
    totalDependenciesCruised?: number;
    violations: { rule: { name: string }; from: string; to: string }[];
  };
}

/** Holds the tree below `folder` (its lib/ and nodes/) against the project's rules. */
export function cruise(folder: string): Promise<Cruise> {
  const cli = path.join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const config = path.join(root, '.dependency-cruiser.cjs');
  const args = [cli, '--no-progress', '--config', config, '--output-type', 'json', 'lib', 'nodes'];
  return new Promise((resolve, reject) => {
    // The tests run with tools/ts.cjs preloaded, which the cruiser does not need.
    const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' } });
    let [output, complaints] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints += chunk));
    child.once('error', reject);
    // It ends with an error code where it found something: that is for the caller to judge.
    child.once('close', () => {
      if (!output.startsWith('{')) {
        reject(new Error(`dependency-cruiser could not do its work: ${complaints || output}`));
        return;
      }
      const { summary } = JSON.parse(output) as Report;
      resolve({
        modules: summary.totalCruised,
        dependencies: summary.totalDependenciesCruised ?? 0,
        violations: summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
      });
    });
  });
}
