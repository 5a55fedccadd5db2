import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { nodeOptions } from '../kit/node-red';
import { SCENARIOS } from './scenarios';

interface Answer {
  ready?: boolean;
  scenario?: string;
  ok?: boolean;
  error?: string;
}

describe('example flows on a virtual clock, in a real Node-RED', function () {
  this.timeout(90_000);
  let lab: ChildProcess;
  let output = '';

  const answer = (wanted: (answer: Answer) => boolean): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const hear = (message: unknown): void => {
        const heard = message as Answer;
        if (!wanted(heard)) return;
        lab.off('message', hear);
        lab.off('exit', gone);
        if (heard.error === undefined) resolve(heard);
        else reject(new Error(`${heard.error}\n${output}`));
      };
      const gone = (code: number | null): void => reject(new Error(`The lab ended with ${code}.\n${output}`));
      lab.on('message', hear);
      lab.once('exit', gone);
    });

  before(async () => {
    lab = fork(path.join(__dirname, 'lab.ts'), [], {
      cwd: path.join(__dirname, '..', '..'),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: nodeOptions(), LANG: 'C' },
    });
    for (const stream of [lab.stdout, lab.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await answer(({ ready }) => ready !== undefined);
  });
  after(() => {
    lab.disconnect();
  });

  // They run in the lab's process; here are their names.
  for (const name of Object.keys(SCENARIOS)) {
    it(name, async () => {
      output = '';
      lab.send({ scenario: name });
      await answer(({ scenario }) => scenario === name);
    });
  }
});
