// Lets Node load this project's TypeScript directly (tests, benches, tools): types are stripped by
// esbuild, ES imports become require(), source maps are inlined so that stack traces and coverage point
// at the source. Set through NODE_OPTIONS, so worker threads and child processes inherit it.
const { readFileSync } = require('node:fs');
const Module = require('node:module');

process.setSourceMapsEnabled(true);
Module._extensions['.ts'] = (module, filename) => {
  const { transformSync } = require('esbuild');
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    loader: 'ts',
    format: 'cjs',
    target: 'node22',
    platform: 'node',
    sourcemap: 'inline',
    sourcefile: filename,
    supported: { 'dynamic-import': true },
  });
  module._compile(code, filename);
};
