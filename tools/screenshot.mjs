/**
 * Makes the README's picture: the example flow in the editor while its campaign runs, with the counts under the nodes.
 *
 *   npm run build && node tools/screenshot.mjs [docs/images/example-flow.png]
 *
 * Needs a Chromium (apt-get install chromium). Starts `nexus-marketing start --editor --example` in a directory of its
 * own, presses the trigger's button and takes the picture when the first mails are sent.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
require('./ts.cjs');
const { EditorPage, openBrowser } = require('../test/editor/browser.ts');

const picture = path.resolve(root, process.argv[2] ?? 'docs/images/example-flow.png');
const userDir = mkdtempSync(path.join(tmpdir(), 'nexus-picture-'));
const cli = path.join(root, 'dist', 'lib', 'runtime', 'cli.js');
const runtime = spawn(process.execPath, [cli, 'start', '--editor', '--example', '--port', '0', '--user-dir', userDir], {
  stdio: ['ignore', 'pipe', 'pipe'],
  env: { ...process.env, NODE_OPTIONS: '' },
});
let said = '';
for (const stream of [runtime.stdout, runtime.stderr]) stream.on('data', (chunk) => (said += chunk));

/** Address of the editor, once the runtime has said it. */
async function editorUrl() {
  for (let waited = 0; waited < 60_000; waited += 100) {
    const [, url] = /Editor\s+(http\S+)/.exec(said) ?? [];
    if (url !== undefined) return url;
    if (runtime.exitCode !== null) break;
    await pause(100);
  }
  throw new Error(`The runtime did not start:\n${said}`);
}

const browser = await openBrowser();
try {
  const editor = await EditorPage.open(browser, await editorUrl(), { width: 1180, height: 330 });
  const { page } = editor;
  // The sidebars and tips hold nothing about the flow.
  await page.evaluate(`RED.actions.invoke('core:toggle-palette'); RED.actions.invoke('core:toggle-sidebar')`);
  await page.addStyleTag({
    content: '#red-ui-notifications { visibility: hidden } .red-ui-workspace-footer { display: none }',
  });
  const id = (type) => page.evaluate(`RED.nodes.filterNodes({ type: '${type}' })[0].id`);
  await editor.press(await id('marketing-trigger'));
  await page.waitForSelector('.marketing-launch-go', { state: 'attached' });
  await page.locator('.marketing-launch-go').dispatchEvent('click');
  await editor.waitForStatus(await id('marketing-send'), /\d.* sent|\d+ \/ /, 60_000);
  await pause(600);
  mkdirSync(path.dirname(picture), { recursive: true });
  await page.screenshot({ path: picture });
  console.log(path.relative(root, picture));
} finally {
  await browser.close();
  const ended = once(runtime, 'exit');
  runtime.kill('SIGTERM');
  await ended;
  rmSync(userDir, { recursive: true, force: true });
}
