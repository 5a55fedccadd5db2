// mocha's own `spec` report, and at its end a line for each failure and one plain line that every reader of CI logs knows:
//
//   FAILED TEST: the suite and the test: what went wrong (test/file.test.ts)
//   123 passed, 1 failed, 4 skipped
const path = require('node:path');
const Mocha = require('mocha');

module.exports = class PlainEnd extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    // Registered after the base class's own, so that it is the last thing said.
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      for (const test of this.failures) {
        const reason = String(test.err?.message ?? test.err)
          .replace(/\s+/g, ' ')
          .slice(0, 400);
        const file = path.relative(process.cwd(), test.file ?? '');
        process.stdout.write(`FAILED TEST: ${test.fullTitle()}: ${reason} (${file})\n`);
      }
      const { passes, failures, pending } = this.stats;
      process.stdout.write(`${passes} passed, ${failures} failed, ${pending} skipped\n`);
    });
  }
};
