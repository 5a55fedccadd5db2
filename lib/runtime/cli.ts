#!/usr/bin/env node
/** Entry point of `nexus-marketing`. Checks Node.js before anything is loaded that an older one would crash on. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 14)) {
  process.stderr.write(
    `E_NODE_VERSION: nexus-marketing needs Node.js 22.14 or newer, and this is ${process.versions.node}: install Node.js 24.\n`,
  );
  process.exitCode = 1;
} else {
  // Whoever reads our output may stop reading (| head): that is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const { main } = require('./main') as typeof import('./main');
  void main(process.argv.slice(2)).then((code) => {
    process.exitCode ||= code;
    // Node-RED leaves timers behind when it has stopped: whoever is done ends the process, after the last word is written.
    process.stdout.write('', () => process.exit());
  });
}
