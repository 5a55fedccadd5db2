// mocha's own `spec` report, and at its end a line for each failure and one plain line that every reader of CI logs knows:
//
//   FAILED TEST: the suite and the test: what went wrong (test/file.test.ts)
//   123 passed, 1 failed, 4 skipped
//
// The same goes into the file that MARKETING_TEST_RESULT names, for tools/test.mjs.
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const Mocha = require('mocha');

module.exports = class PlainEnd extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    // Registered after the base class's own, so that it is the last thing said.
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const failed = this.failures.map((test) => ({
        title: test.fullTitle(),
        reason: String(test.err?.message ?? test.err)
          .replace(/\s+/g, ' ')
          .slice(0, 400),
        file: path.relative(process.cwd(), test.file ?? ''),
      }));
      for (const { title, reason, file } of failed)
        process.stdout.write(`FAILED TEST: ${title}: ${reason} (${file})\n`);
      const { passes, failures, pending } = this.stats;
      process.stdout.write(`${passes} passed, ${failures} failed, ${pending} skipped\n`);
      const result = process.env.MARKETING_TEST_RESULT;
      if (result) writeFileSync(result, JSON.stringify({ passes, failures, pending, failed }));
    });
  }
};
