import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { chromium, type Browser, type Page } from 'playwright-core';

const candidates = [
  process.env.MARKETING_TEST_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Milliseconds that the dialog takes to slide in or out; what is clicked meanwhile would miss. */
const slide = 400;

/** Path of a Chromium on this machine, or undefined. */
export function chromiumPath(): string | undefined {
  return candidates.find((candidate) => candidate !== '' && existsSync(candidate));
}

/** Starts Chromium without a window. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath() ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** One editor in a browser, operated as a user does: by mouse and keyboard. */
export class EditorPage {
  /** Uncaught errors of the page: there must be none. */
  readonly errors: string[] = [];
  /** What the runtime refused, to say it when a test fails. */
  readonly refused: string[] = [];

  private constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('response', (response) => {
      if (response.status() >= 400) this.refused.push(`${response.status()} ${response.url()}`);
    });
    page.on('console', (message) => {
      // Node-RED catches what a node's editor code throws and prints it.
      if (/Definition error|oneditprepare|oneditsave|Validation error/.test(message.text()))
        this.errors.push(message.text());
    });
  }

  /** Opens the editor and waits for the palette. */
  static async open(
    browser: Browser,
    url: string,
    options: { locale?: string; width?: number; height?: number } = {},
  ): Promise<EditorPage> {
    const page = await browser.newPage({
      viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
      locale: options.locale ?? 'en-US',
    });
    page.setDefaultTimeout(45_000);
    const editor = new EditorPage(page);
    await page.goto(url);
    await page.waitForSelector('.red-ui-palette-node[data-palette-type="marketing-send"]', {
      state: 'attached',
      timeout: 60_000,
    });
    await page.waitForSelector('#red-ui-loading-progress', { state: 'hidden', timeout: 60_000 }).catch(() => undefined);
    return editor;
  }

  /** Drags a node from the palette to a point of the workspace, in pixels from its corner, and returns its id. */
  async drag(type: string, x: number, y: number): Promise<string> {
    await this.unshaded();
    const before = new Set(await this.nodeIds());
    const source = this.page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
    await source.scrollIntoViewIfNeeded();
    const from = await boxOf(this.page, source);
    const chart = await boxOf(this.page, this.page.locator('#red-ui-workspace-chart'));
    await this.page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await this.page.mouse.down();
    await this.page.mouse.move(chart.x + x - 30, chart.y + y - 10, { steps: 6 });
    await this.page.mouse.move(chart.x + x, chart.y + y, { steps: 3 });
    await this.page.mouse.up();
    return until(`${type} to be dropped`, async () => (await this.nodeIds()).find((id) => !before.has(id)));
  }

  /** Waits until nothing lies over the editor: deploys and modal questions shade it, and what is clicked then is lost. */
  private async unshaded(): Promise<void> {
    const shades = this.page.locator('[id^="red-ui-"][id$="-shade"]:visible');
    await until('the editor to be free', async () => ((await shades.count()) === 0 ? true : undefined));
  }

  /** Draws a wire from an output port to the input port of another node. */
  async wire(from: string, output: number, to: string): Promise<void> {
    await this.unshaded();
    const [source, target] = [this.node(from), this.node(to)];
    const drawn = `RED.nodes.getNodeLinks('${from}').some((link) => link.sourcePort === ${output} && link.target.id === '${to}')`;
    // A node that has just been dropped is still being placed for a moment, and its ports with it: then draw again.
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const start = await boxOf(this.page, source.locator('.red-ui-flow-port-output .red-ui-flow-port').nth(output));
      const end = await boxOf(this.page, target.locator('.red-ui-flow-port-input .red-ui-flow-port'));
      await this.page.mouse.move(start.x + start.width / 2, start.y + start.height / 2);
      await this.page.mouse.down();
      await this.page.mouse.move(end.x - 20, end.y + end.height / 2, { steps: 6 });
      await this.page.mouse.move(end.x + end.width / 2, end.y + end.height / 2, { steps: 3 });
      await this.page.mouse.up();
      if ((await this.page.evaluate(drawn)) === true) return;
      await pause(slide);
    }
    throw new Error(`The wire from ${from} to ${to} was not drawn`);
  }

  /** Opens a node's dialog. */
  async edit(id: string): Promise<void> {
    await this.unshaded();
    const opened = this.page.locator('#node-dialog-ok');
    // On a busy machine the two clicks may come too far apart for the editor to take them for one double click.
    for (let attempt = 0; attempt < 5 && !(await opened.isVisible()); attempt += 1) {
      const box = await boxOf(this.page, this.node(id).locator('rect.red-ui-flow-node'));
      await this.page.mouse.dblclick(box.x + box.width / 2, box.y + box.height / 2);
      await opened.waitFor({ timeout: 4_000 }).catch(() => undefined);
    }
    await opened.waitFor();
    await this.page.waitForTimeout(slide);
  }

  /** Presses the button at a node's side. */
  async press(id: string): Promise<void> {
    await this.unshaded();
    const box = await boxOf(this.page, this.node(id).locator('.red-ui-flow-node-button-button'));
    await this.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  }

  /** Closes the dialog with Done. */
  async done(): Promise<void> {
    await this.page.click('#node-dialog-ok');
    await this.page.waitForSelector('#node-dialog-ok', { state: 'detached' });
    await this.page.waitForTimeout(slide);
  }

  /** Opens the dialog of a new config node from a node's dialog. */
  async addConfig(property: string): Promise<void> {
    await this.page.click(`#node-input-btn-${property}-add`);
    await this.page.waitForSelector('#node-config-dialog-ok');
    await this.page.waitForTimeout(slide);
  }

  /** Closes a config node's dialog. */
  async doneConfig(): Promise<void> {
    await this.page.click('#node-config-dialog-ok');
    await this.page.waitForSelector('#node-config-dialog-ok', { state: 'detached' });
    await this.page.waitForTimeout(slide);
  }

  /** Writes a Monaco editor's text as a user does. */
  async typeInto(elementId: string, text: string): Promise<void> {
    await this.page.click(`#${elementId} .view-lines`);
    await this.page.keyboard.press('Control+A');
    await this.page.keyboard.insertText(text);
  }

  /** Presses Deploy and waits until the runtime has taken the flows. */
  async deploy(): Promise<void> {
    const taken = this.page.waitForResponse(
      (response) => /\/flows$/.test(response.url()) && response.request().method() === 'POST',
    );
    await this.page.click('#red-ui-header-button-deploy');
    const response = await taken;
    if (!response.ok()) throw new Error(`Deploy failed: ${response.status()}`);
    // The editor takes the marks off its nodes only when it has read the answer.
    await until(
      'the editor to be clean',
      async () => (await this.page.evaluate('RED.nodes.dirty()')) === false || undefined,
    );
  }

  /** The text under a node. */
  async status(id: string): Promise<string> {
    return (await this.node(id).locator('.red-ui-flow-node-status-label').textContent()) ?? '';
  }

  /** Waits until the text under a node fits. */
  async waitForStatus(id: string, pattern: RegExp, timeout = 60_000): Promise<string> {
    const fitting = async (): Promise<string | undefined> => {
      const status = await this.status(id);
      return pattern.test(status) ? status : undefined;
    };
    return until(`the status ${String(pattern)}`, fitting, timeout);
  }

  /** Whether the node has the red triangle. */
  async isMarkedInvalid(id: string): Promise<boolean> {
    return this.node(id).locator('.red-ui-flow-node-error').isVisible();
  }

  /** Waits until the red triangle is there, or gone. */
  async waitForMark(id: string, marked: boolean): Promise<void> {
    await until(`the red triangle to ${marked ? 'appear' : 'go'}`, async () =>
      (await this.isMarkedInvalid(id)) === marked ? true : undefined,
    );
  }

  /** A property of a node as the editor holds it. */
  async property(id: string, name: string): Promise<unknown> {
    return this.page.evaluate(`RED.nodes.node(${JSON.stringify(id)})[${JSON.stringify(name)}]`);
  }

  /** The drawn node. */
  node(id: string): ReturnType<Page['locator']> {
    return this.page.locator(`[id="${id}"]`);
  }

  private nodeIds(): Promise<string[]> {
    return this.page.locator('.red-ui-flow-node').evaluateAll((elements) => elements.map((element) => element.id));
  }
}

async function boxOf(
  page: Page,
  locator: ReturnType<Page['locator']>,
): Promise<{ x: number; y: number; width: number; height: number }> {
  await locator.waitFor({ state: 'visible' });
  const box = await locator.boundingBox();
  if (box === null) throw new Error(`Not visible on ${page.url()}`);
  return box;
}

/** Asks again and again until there is an answer. Milliseconds. */
async function until<T>(what: string, ask: () => Promise<T | undefined>, timeout = 45_000): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`Waited ${timeout} ms for ${what}`);
    await pause(50);
  }
}
