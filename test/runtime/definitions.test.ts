import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { VirtualClock } from '../../lib/clock';
import { compileDefinition, ownerOf, type DefinitionDocument, type FlowNode } from '../../lib/definitions';
import { DefinitionKeeper, type FlowRuntime, type Reading, type SavedDefinition } from '../../lib/runtime/definitions';
import type { Log } from '../../lib/runtime/log';
import { PHASE_2, PHASE_3 } from '../definitions/texts';
import { eventually, freePort, PACKAGE, runCli, runHere, scratchFolder, startCli, type Running } from './kit';

const STORE: FlowNode = { id: 'store', type: 'marketing-store', name: 'Store' };
const BY_HAND: FlowNode = { id: 'tab', type: 'tab', label: 'By hand' };

/** A Node-RED that remembers what was deployed. */
class FakeFlows implements FlowRuntime {
  revision = 1;
  deploys = 0;
  refuse = false;
  constructor(public nodes: readonly FlowNode[]) {}
  read(): ReturnType<FlowRuntime['read']> {
    return Promise.resolve({ nodes: this.nodes, revision: String(this.revision) });
  }
  deploy(nodes: readonly FlowNode[], revision: string): Promise<void> {
    if (this.refuse || revision !== String(this.revision)) return Promise.reject(new Error('version_mismatch'));
    this.edit(nodes);
    this.deploys++;
    return Promise.resolve();
  }
  /** Somebody else deploys. */
  edit(nodes: readonly FlowNode[]): void {
    this.nodes = nodes;
    this.revision++;
  }
  tabs(): string[] {
    return this.nodes.flatMap((node) => ownerOf(node)?.definition ?? []);
  }
}

describe('the keeper of definitions', () => {
  let flows: FakeFlows;
  let clock: VirtualClock;
  let saved: SavedDefinition[];
  let open: boolean;
  let lines: string[];
  let keeper: DefinitionKeeper;

  beforeEach(() => {
    flows = new FakeFlows([BY_HAND, STORE]);
    clock = new VirtualClock();
    [saved, open, lines] = [[], true, []];
    const say = (level: string) => (text: string) => void lines.push(`${level} ${text}`);
    const log: Log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
    const read = (): Promise<Reading[]> => Promise.resolve(open ? [{ store: 'store', definitions: saved }] : []);
    keeper = new DefinitionKeeper({ flows, read, clock, log });
  });
  const save = (document: DefinitionDocument, version = 1): void => {
    saved = [
      ...saved.filter(({ key }) => key !== document.id),
      { key: document.id, version, hash: `${version}`, document },
    ];
  };
  const drip = (id: string, url = 'https://a.example/'): DefinitionDocument => ({
    id,
    automation: { sequence: [{ action: 'send_webhook', url }] },
  });

  it('adds a tab for each, beside what is drawn by hand, and leaves it alone while nothing changes', async () => {
    save(drip('a'));
    save(PHASE_3);
    assert.equal(await keeper.look(), true);
    assert.deepEqual(flows.tabs(), ['a', 'enterprise-campaign']);
    assert.deepEqual(flows.nodes.slice(0, 2), [BY_HAND, STORE]);
    assert.ok(flows.nodes.every((node) => node['store'] === undefined || node['store'] === 'store'));
    assert.deepEqual([await keeper.look(), await keeper.look(), flows.deploys], [false, false, 1]);
  });

  it('deploys a new version, and takes away what is out of force', async () => {
    save(drip('a'));
    save(drip('b'));
    await keeper.look();
    save(drip('a', 'https://other.example/'), 2);
    saved = saved.filter(({ key }) => key !== 'b');
    await keeper.look();
    assert.deepEqual(flows.tabs(), ['a']);
    assert.ok(flows.nodes.some(({ url }) => url === 'https://other.example/'));
    assert.ok(!flows.nodes.some(({ z }) => typeof z === 'string' && !flows.nodes.some(({ id }) => id === z)));
  });

  it('keeps the last version that worked of one that is broken, and the others', async () => {
    save(drip('a'));
    save(drip('b'));
    await keeper.look();
    const before = flows.nodes;
    save({ id: 'a', automation: { sequence: [{ action: 'dance' }] } }, 2);
    save(drip('b', 'https://other.example/'), 2);
    await keeper.look();
    assert.deepEqual(flows.tabs(), ['a', 'b']);
    const ofA = (nodes: readonly FlowNode[]): FlowNode[] => {
      const tab = nodes.find((node) => ownerOf(node)?.definition === 'a');
      return nodes.filter(({ z }) => z === tab?.id);
    };
    assert.deepEqual(ofA(flows.nodes), ofA(before));
    assert.deepEqual(keeper.definitions, [
      { key: 'a', version: 2, state: 'broken', code: 'E_DEFINITION' },
      { key: 'b', version: 2, state: 'deployed' },
    ]);
    const told = (): number => lines.filter((line) => /^error .*"a", version 2/.test(line)).length;
    await keeper.look();
    assert.equal(told(), 1, 'it is said once');
  });

  it('a definition with the key of a journey that is drawn by hand is refused: the drawn one goes on', async () => {
    const trigger = { id: 't', type: 'marketing-trigger', z: 'tab', store: 'store', definition: 'a' };
    flows.edit([BY_HAND, STORE, trigger]);
    save(drip('a'));
    save(drip('b'));
    await keeper.look();
    assert.deepEqual(flows.tabs(), ['b']);
    assert.equal(keeper.definitions[0]?.code, 'E_DUPLICATE_DEFINITION');
    flows.edit(flows.nodes.map((node) => (node.id === 't' ? { ...node, d: true } : node)));
    await keeper.look();
    assert.deepEqual(flows.tabs(), ['a', 'b']);
  });

  it('leaves the tabs of a store alone that is not open', async () => {
    save(drip('a'));
    await keeper.look();
    open = false;
    assert.equal(await keeper.look(), false);
    assert.deepEqual(flows.tabs(), ['a']);
  });

  it('does not touch an account that somebody has filled in', async () => {
    save(PHASE_2);
    await keeper.look();
    flows.edit(
      flows.nodes.map((node) => (node.type === 'marketing-account' ? { ...node, host: 'mail.example' } : node)),
    );
    save({ ...PHASE_2, name: 'Another name' }, 2);
    await keeper.look();
    const accounts = flows.nodes.filter(({ type }) => type === 'marketing-account');
    assert.deepEqual(
      accounts.map(({ host }) => host),
      ['mail.example'],
    );
  });

  it('puts back a tab that somebody deleted, and lets an editor write the same nodes in its own way', async () => {
    save(drip('a'));
    await keeper.look();
    const tab = flows.nodes.find(ownerOf)?.id;
    flows.edit(flows.nodes.map((node) => (node.z === tab ? { ...node, l: true } : node)));
    assert.equal(await keeper.look(), false);
    flows.edit([BY_HAND, STORE]);
    assert.equal(await keeper.look(), true);
    assert.deepEqual(flows.tabs(), ['a']);
  });

  it('finds what an earlier process has deployed, and deploys nothing', async () => {
    save(drip('a'));
    await keeper.look();
    const log: Log = { debug: () => 0, info: () => 0, warn: () => 0, error: () => 0 };
    const read = (): Promise<Reading[]> => Promise.resolve([{ store: 'store', definitions: saved }]);
    const second = new DefinitionKeeper({ flows, read, clock, log });
    assert.equal(await second.look(), false);
  });

  it('looks every few seconds, at once when it is told, and again after a deploy that came between', async () => {
    const until = async (check: () => boolean): Promise<void> => {
      for (let turn = 0; turn < 200 && !check(); turn++) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(check());
    };
    save(drip('a'));
    flows.refuse = true;
    keeper.start();
    await until(() => lines.some((line) => /^warn .*tried again: version_mismatch/.test(line)));
    flows.refuse = false;
    await clock.advance(3_000);
    await until(() => flows.deploys === 1);
    save(drip('b'));
    keeper.poke();
    await until(() => flows.deploys === 2);
    await keeper.stop();
    save(drip('c'));
    await clock.advance(60_000);
    assert.deepEqual(flows.tabs(), ['a', 'b']);
  });
});

describe('definitions on the command line', () => {
  const folder = scratchFolder();
  const file = (name: string, content: unknown): string => {
    writeFileSync(folder.path(name), typeof content === 'string' ? content : JSON.stringify(content));
    return folder.path(name);
  };
  const run = (...args: string[]): ReturnType<typeof runHere> =>
    runHere(args, { MARKETING_USER_DIR: folder.path('home') });

  it('compiles to stdout, with what is left to do on stderr', async () => {
    const { code, stdout, stderr } = await run('compile', file('drip.json', PHASE_2));
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(compileDefinition(PHASE_2).flow)));
    assert.match(stderr, /^- The channel "email" has no account yet/);
  });

  it('compiles to a file, with the store and the accounts of another', async () => {
    const flows = path.join(PACKAGE, 'flows', 'mailing.json');
    const out = folder.path('flow.json');
    const { code, stdout } = await run('compile', file('drip.json', PHASE_2), '--flows', flows, '--out', out);
    assert.deepEqual([code, stdout], [0, `Wrote 10 nodes to ${out}.\n`]);
    const flow = JSON.parse(readFileSync(out, 'utf8')) as FlowNode[];
    assert.ok(flow.every(({ account, type }) => type !== 'marketing-send' || account === '413a5875ed1f3557'));
  });

  it('checks only, and names every mistake with its path', async () => {
    assert.equal((await run('compile', file('drip.json', PHASE_2), '--check', '--json')).code, 0);
    const wrong = file('wrong.json', { id: 'x', automation: { sequence: [{ action: 'dance' }, { action: 'wait' }] } });
    const { code, stdout, stderr } = await run('compile', wrong, '--check');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /^ {2}\/automation\/sequence\/0\/action: .*\n {2}\/automation\/sequence\/1\/delay: .*\nE_DEFINITION/,
    );
    assert.match((await run('compile', file('no.json', '{'))).stderr, /^E_JSON: .*no\.json/);
    assert.match((await run('compile', folder.path('none.json'))).stderr, /^E_FILE: /);
  });

  it('saves, lists, compares and restores versions', async () => {
    const save = (document: DefinitionDocument, ...more: string[]): ReturnType<typeof run> =>
      run('definition', 'save', file('saved.json', document), ...more);
    assert.match((await save(PHASE_2)).stdout, /"email-drip-sequence" is saved: version 1/);
    assert.match((await save(PHASE_2)).stdout, /says nothing new: version 1/);
    assert.match((await save({ ...PHASE_2, name: 'New' }, '--note', 'a new name')).stdout, /version 2/);
    const stale = await save({ ...PHASE_2, name: 'Newer' }, '--seen', '1');
    assert.match(stale.stderr, /^E_CONFLICT/m);
    assert.match((await run('definition', 'list')).stdout, /email-drip-sequence +2 +yes +New/);
    const diff = await run('definition', 'diff', 'email-drip-sequence');
    assert.equal(diff.stdout, '~ /name: "Welcome Drip Campaign" → "New"\n');
    assert.match((await run('definition', 'restore', 'email-drip-sequence', '--version', '1')).stdout, /version 3/);
    assert.match((await run('definition', 'versions', 'email-drip-sequence')).stdout, /2 .*a new name/);
    const shown = await run('definition', 'show', 'email-drip-sequence', '--json');
    assert.equal((shown.json() as { document: DefinitionDocument }).document.name, PHASE_2.name);
    assert.match((await run('definition', 'deactivate', 'email-drip-sequence')).stdout, /out of force/);
    assert.match((await run('definition', 'dance')).stderr, /^E_USAGE/);
  });
});

describe('the headless runtime and the definitions of its database', function () {
  this.timeout(90_000);
  const folder = scratchFolder();
  let running: Running | undefined;
  afterEach(async () => {
    running?.child.kill('SIGKILL');
    await running?.ended;
  });

  it('deploys them beside its flows, again when a version is saved, and writes nothing to the flow file', async () => {
    const environment = { MARKETING_USER_DIR: folder.path('home') };
    const flows = folder.path('flows.json');
    writeFileSync(flows, JSON.stringify([BY_HAND, { ...STORE, tenant: 'default', configVersion: 1 }]));
    const before = readFileSync(flows, 'utf8');
    const file = folder.path('definition.json');
    const save = async (url: string): Promise<void> => {
      writeFileSync(file, JSON.stringify({ id: 'calls', channels: { webhook: { url } } }));
      const { code, stderr } = await runCli(['definition', 'save', file], environment);
      assert.equal(code, 0, stderr);
    };
    await save('https://a.example/');
    const port = await freePort();
    running = startCli(['start', '--port', String(port), '--flows', flows], environment);
    const deployed = (version: number): Promise<unknown> =>
      eventually(async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
        const health = (await answer?.json()) as { ok: boolean; definitions?: object[] } | undefined;
        const expected = JSON.stringify([{ key: 'calls', version, state: 'deployed' }]);
        return health?.ok && JSON.stringify(health.definitions) === expected ? health : undefined;
      });
    await deployed(1);
    await save('https://b.example/');
    await deployed(2);
    assert.equal(readFileSync(flows, 'utf8'), before);
    await eventually(async () => {
      const { stdout } = await runCli(['campaign', 'launch', 'calls'], environment);
      return /active|completed/.test(stdout) || undefined;
    });
    running.child.kill('SIGTERM');
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /calls \(version 2\)/);
  });
});
