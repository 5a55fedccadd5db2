import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser } from 'playwright-core';
import { chromiumPath, EditorPage, openBrowser } from './browser';
import { root } from '../package/node-html';
import { startMailSink, type MailSink } from './mail-sink';
import { requireBuild, startNodeRed, type NodeRedOptions, type RunningNodeRed } from './node-red';

/** A second tab that puts five people into the store when the flows start. */
function peopleFlow(): object[] {
  const people = [
    { email: 'ada@example.org', name: 'Ada', country: 'US', score: 10 },
    { email: 'grace@example.org', name: 'Grace', country: 'US', score: 80 },
    { email: 'linus@example.org', name: 'Linus', country: 'CA', score: 5 },
    { email: 'katherine@example.org', name: 'Katherine', country: 'US', score: 50 },
    { email: 'alan@example.org', name: 'Alan', country: 'BR', score: 70 },
  ];
  return [
    { id: 'journey', type: 'tab', label: 'Journey' },
    { id: 'people', type: 'tab', label: 'People' },
    {
      id: 'the-store',
      type: 'marketing-store',
      configVersion: 1,
      name: 'Test store',
      databaseUrl: '',
      timersUrl: '',
      tenant: 'default',
      baseUrl: '',
      httpPath: '/marketing',
    },
    {
      id: 'start',
      type: 'inject',
      z: 'people',
      x: 120,
      y: 80,
      props: [{ p: 'payload' }],
      payload: JSON.stringify(people),
      payloadType: 'json',
      once: true,
      onceDelay: 0.1,
      repeat: '',
      crontab: '',
      wires: [['save']],
    },
    {
      id: 'save',
      type: 'marketing-lead',
      z: 'people',
      x: 320,
      y: 80,
      configVersion: 1,
      name: '',
      store: 'the-store',
      action: 'upsert',
      event: '',
      property: 'payload',
      propertyType: 'msg',
      wires: [[]],
    },
  ];
}

const releases: { release: NodeRedOptions['release']; version: RegExp; adminRoot: string }[] = [
  { release: 'node-red', version: /^5\./, adminRoot: '/' },
  { release: 'node-red-4.1', version: /^4\.1\./, adminRoot: '/behind/a/prefix' },
];

for (const { release, version, adminRoot } of releases) {
  describe(`The editor of ${release}, at ${adminRoot}`, function () {
    this.timeout(120_000);
    let nodeRed: RunningNodeRed;
    let browser: Browser;
    let mails: MailSink;
    let editor: EditorPage;
    let trigger: string;
    let segment: string;
    let send: string;

    before(async function () {
      if (chromiumPath() === undefined) {
        console.log('      no Chromium on this machine (apt-get install chromium): the editor is not tested');
        this.skip();
      }
      requireBuild();
      mails = await startMailSink();
      nodeRed = await startNodeRed({ release, adminRoot });
      await nodeRed.deploy(peopleFlow());
      browser = await openBrowser();
      editor = await EditorPage.open(browser, nodeRed.url);
    });

    // Each step goes on where the one before has stopped.
    let broken = false;
    beforeEach(() => assert.equal(broken, false, 'a step before this one has failed'));
    afterEach(async function () {
      if (this.currentTest?.state !== 'failed' || broken) return;
      broken = true;
      const picture = path.join(tmpdir(), `nexus-${release}.png`);
      await editor.page.screenshot({ path: picture });
      console.log(`      what the editor looked like: ${picture}`);
      console.log('      refused:', editor.refused);
      console.log('      its messages:', await editor.page.locator('.red-ui-notification').allTextContents());
      console.log(`      what the runtime said:\n${nodeRed.output().split('\n').slice(-12).join('\n')}`);
    });

    after(async () => {
      await browser?.close();
      await nodeRed?.stop();
      await mails?.stop();
    });

    it('shows the nodes in a category of their own', async () => {
      assert.match(nodeRed.version, version);
      const types = await editor.page
        .locator('#red-ui-palette-base-category-marketing .red-ui-palette-node')
        .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-palette-type')));
      const { 'node-red': declared } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
        'node-red': { nodes: Record<string, string> };
      };
      const drawn = Object.keys(declared.nodes).filter((type) => !/-(?:store|account)$/.test(type));
      assert.deepEqual([...types].sort(), drawn.sort());
    });

    it('lets a user drag a trigger, a segment and a send node and wire them, with the only store chosen already', async () => {
      // Below where messages appear: what lies under one cannot be clicked for some seconds.
      trigger = await editor.drag('marketing-trigger', 160, 300);
      segment = await editor.drag('marketing-segment', 360, 300);
      send = await editor.drag('marketing-send', 600, 300);
      await editor.wire(trigger, 0, segment);
      await editor.wire(segment, 0, send);
      for (const id of [trigger, segment, send]) assert.equal(await editor.property(id, 'store'), 'the-store');
      assert.equal(await editor.isMarkedInvalid(trigger), false, 'a trigger works as it is dropped');
      assert.equal(await editor.isMarkedInvalid(send), true, 'a send node lacks an account and a text');
      assert.equal(await editor.page.locator('.red-ui-flow-link').count(), 2);
    });

    it('makes the names that the database will use from the name of the node', async () => {
      await editor.edit(trigger);
      await editor.page.fill('#node-input-name', 'Grüße aus Köln!');
      assert.equal(
        await editor.page.getAttribute('#node-input-definition', 'placeholder'),
        'gruße-aus-koln'.replace('ß', 'ss'),
      );
      await editor.page.fill('#node-input-name', 'Welcome');
      await editor.done();
    });

    it('marks an invalid condition in the dialog, with the place, and on the node', async () => {
      await editor.edit(segment);
      await editor.page.selectOption('#node-input-mode', 'inline');
      await editor.page.fill('#node-input-condition', 'lead.country = "US" and lead.nope > 3');
      const message = editor.page.locator('.marketing-condition-message.marketing-bad');
      await message.waitFor();
      assert.match((await message.textContent()) ?? '', /nope/);
      const mark = (await message.locator('pre').textContent()) ?? '';
      const [line = '', caret = ''] = mark.split('\n');
      assert.match(line.slice(caret.indexOf('^')), /^(lead\.)?nope/);
      assert.equal(await editor.page.getAttribute('#node-input-condition', 'aria-invalid'), 'true');
      await editor.done();
      assert.equal(await editor.isMarkedInvalid(segment), true);
    });

    it('completes attributes, counts who matches, and takes the mark away when the condition is right', async () => {
      await editor.edit(segment);
      const condition = editor.page.locator('#node-input-condition');
      await condition.fill('');
      await condition.pressSequentially('lead.coun');
      await editor.page.locator('.marketing-suggestions [role=option]').first().waitFor();
      await condition.press('Enter');
      await condition.pressSequentially(' = "US"');
      assert.equal(await condition.inputValue(), 'lead.country = "US"');
      await editor.page.locator('.marketing-condition-message.marketing-good').waitFor();
      await editor.page.locator('.marketing-condition-tools button').click();
      const found = editor.page.locator('.marketing-condition-result strong');
      await found.waitFor();
      assert.match((await found.textContent()) ?? '', /\d/);
      await editor.done();
      assert.equal(await editor.isMarkedInvalid(segment), false);
    });

    it('asks the send node for an account and a text, and shows a preview', async () => {
      await editor.edit(send);
      await editor.addConfig('account');
      await editor.page.fill('#node-config-input-host', '127.0.0.1');
      await editor.page.selectOption('#node-config-input-security', 'none');
      await editor.page.fill('#node-config-input-port', String(mails.port));
      await editor.page.fill('#node-config-input-fromAddress', 'news@example.org');
      await editor.doneConfig();
      await editor.page.fill('#node-input-subject', 'Hello {{ lead.name }}');
      await editor.typeInto('marketing-send-html', '<h1>Welcome, {{ lead.name }}!</h1>');
      await editor.page.locator('.marketing-send-tabs li', { hasText: 'Preview' }).click();
      const frame = editor.page.locator('.marketing-preview iframe');
      await frame.waitFor();
      assert.equal(await frame.getAttribute('sandbox'), '');
      assert.match((await frame.getAttribute('srcdoc')) ?? '', /<h1>Welcome, \S+!<\/h1>/);
      await editor.done();
      assert.equal(await editor.isMarkedInvalid(send), false);
    });

    it('asks for a template, or for nothing but the campaign, where the words are not the node’s own', async () => {
      const visible = (selector: string): Promise<boolean> => editor.page.locator(selector).isVisible();
      const tabs = (): Promise<string[]> => editor.page.locator('.marketing-send-tabs li:visible').allTextContents();
      await editor.edit(send);
      assert.equal(await editor.page.inputValue('#node-input-contentFrom'), 'inline');
      assert.equal(await visible('#node-input-template'), false);
      await editor.page.selectOption('#node-input-contentFrom', 'template');
      assert.deepEqual([await visible('#node-input-template'), await visible('#node-input-subject')], [true, false]);
      assert.deepEqual(
        (await tabs()).map((label) => label.trim()),
        ['Preview', 'Delivery'],
      );
      await editor.done();
      assert.equal(await editor.isMarkedInvalid(send), true, 'a template must be chosen');

      await editor.edit(send);
      assert.equal(await editor.page.inputValue('#node-input-contentFrom'), 'template');
      await editor.page.fill('#node-input-template', 'nope');
      await editor.page.locator('#node-input-template').blur();
      await editor.page.locator('.marketing-preview-notice', { hasText: 'There is no template "nope".' }).waitFor();
      await editor.page.selectOption('#node-input-contentFrom', 'campaign');
      assert.deepEqual([await visible('#node-input-template'), await visible('#node-input-subject')], [false, false]);
      assert.equal(await editor.page.inputValue('#marketing-send-preview-campaign'), 'welcome', 'of its trigger');
      await editor.page.locator('.marketing-preview-notice', { hasText: 'There is no campaign "welcome".' }).waitFor();
      await editor.done();
      assert.equal(await editor.isMarkedInvalid(send), false);

      await editor.edit(send);
      await editor.page.selectOption('#node-input-contentFrom', 'inline');
      assert.equal(await editor.page.inputValue('#node-input-subject'), 'Hello {{ lead.name }}');
      assert.equal((await tabs()).length, 4);
      await editor.done();
      assert.equal(await editor.isMarkedInvalid(send), false);
    });

    it('refuses to launch what is not deployed, and deploys', async () => {
      await editor.press(trigger);
      assert.equal(await editor.page.locator('.marketing-launch-go').count(), 0);
      await editor.deploy();
      const deployed = await nodeRed.flows();
      assert.equal(deployed.find(({ id }) => id === segment)?.condition, 'lead.country = "US"');
      assert.equal(deployed.find(({ id }) => id === send)?.html, '<h1>Welcome, {{ lead.name }}!</h1>');
      assert.ok(!JSON.stringify(deployed).includes('conditionError'), 'verdicts do not end up in flows');
    });

    it('launches by the button after saying how many people enter, and the counts under the nodes change', async () => {
      const before = await editor.status(send);
      await editor.press(trigger);
      const launch = editor.page.locator('.marketing-launch-go');
      await launch.waitFor();
      assert.match(
        (await editor.page.locator('.red-ui-notification', { has: launch }).textContent()) ?? '',
        /\b5 people\b/,
      );
      await launch.click();
      const after = await editor.waitForStatus(send, /^3 sent$/);
      assert.notEqual(after, before);
      assert.deepEqual(mails.mails.map(({ to }) => to).sort(), [
        'ada@example.org',
        'grace@example.org',
        'katherine@example.org',
      ]);
    });

    it('gives a second station a free step name, and marks both when they share one behind the same trigger', async () => {
      const second = await editor.drag('marketing-send', 600, 420);
      assert.equal(await editor.property(second, 'step'), 'send-2');
      assert.notEqual(await editor.property(second, 'account'), '', 'the only account is chosen already');
      await editor.wire(segment, 1, second);
      await editor.edit(second);
      await editor.page.fill('#node-input-subject', 'Hello');
      await editor.typeInto('marketing-send-html', '<p>Hello</p>');
      await editor.page.locator('.marketing-send-tabs li', { hasText: 'Delivery' }).click();
      await editor.page.fill('#node-input-step', 'send');
      await editor.done();
      await editor.waitForMark(second, true);
      await editor.waitForMark(send, true);
      await editor.edit(second);
      await editor.page.locator('.marketing-send-tabs li', { hasText: 'Delivery' }).click();
      await editor.page.fill('#node-input-step', 'send-others');
      await editor.done();
      await editor.waitForMark(second, false);
      await editor.waitForMark(send, false);
    });

    it('gives a delay the outputs of what it waits for, and asks for what that needs', async () => {
      const id = await editor.drag('marketing-delay', 200, 420);
      const visible = (property: string): Promise<boolean> =>
        editor.page.locator(`#node-input-${property}`).isVisible();
      await editor.edit(id);
      assert.deepEqual([await visible('amount'), await visible('timeout')], [true, false]);
      await editor.page.selectOption('#node-input-mode', 'event');
      assert.deepEqual(
        [await visible('amount'), await visible('timeout'), await visible('time')],
        [false, true, false],
      );
      await editor.done();
      assert.equal(await editor.property(id, 'outputs'), 2);
      await editor.waitForMark(id, true);
      await editor.edit(id);
      await editor.page.fill('#node-input-event', 'purchase');
      await editor.done();
      await editor.waitForMark(id, false);
      await editor.edit(id);
      await editor.page.selectOption('#node-input-mode', 'weekday');
      for (const day of [1, 2, 3, 4, 5].slice(1))
        await editor.page
          .locator('.marketing-weekdays input')
          .nth(day - 1)
          .uncheck();
      await editor.page.fill('#node-input-time', '25:00');
      await editor.done();
      assert.equal(await editor.property(id, 'outputs'), 1);
      assert.equal(await editor.property(id, 'weekdays'), '1');
      await editor.waitForMark(id, true);
      await editor.edit(id);
      await editor.page.fill('#node-input-time', '08:30');
      await editor.page.click('#node-dialog-delete');
      await editor.page.waitForSelector('#node-dialog-ok', { state: 'detached' });
    });

    it('has help for every node', async () => {
      for (const name of [
        'store',
        'account',
        'lead',
        'trigger',
        'segment',
        'consent',
        'split',
        'delay',
        'send',
        'campaign',
        'event',
      ]) {
        const help = String(await editor.page.evaluate(`RED.nodes.getNodeHelp('marketing-${name}')`));
        assert.match(help, /<h3[^>]*>Details<\/h3>/, name);
      }
    });

    it('opens every dialog without an error', async () => {
      for (const type of ['consent', 'split', 'delay', 'lead', 'campaign', 'event'].map(
        (name) => `marketing-${name}`,
      )) {
        const id = await editor.drag(type, 200, 500);
        await editor.edit(id);
        assert.ok((await editor.page.locator('.marketing-form .form-row:visible').count()) >= 3, type);
        await editor.page.click('#node-dialog-delete');
        await editor.page.waitForSelector('#node-dialog-ok', { state: 'detached' });
        await editor.page.waitForTimeout(350);
      }
      assert.deepEqual(editor.errors, []);
    });
  });
}
