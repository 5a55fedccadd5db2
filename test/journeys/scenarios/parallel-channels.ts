import assert from 'node:assert/strict';
import path from 'node:path';
import type { Lab } from '../lab';

/** `examples/12`: a mail and a text message at once; who could not be reached on both is undone and gets a correction. */
export async function parallelChannels(lab: Lab): Promise<void> {
  await lab.load(
    path.join(__dirname, '..', '..', '..', 'examples', '12 - Parallel channels with compensation.json'),
    (nodes) =>
      nodes.map((node) =>
        typeof node['url'] === 'string' && node['url'].startsWith('http://')
          ? {
              ...node,
              url: node['url'].replace('http://127.0.0.1:1880', lab.address),
              undoUrl: String(node['undoUrl']).replace('http://127.0.0.1:1880', lab.address),
            }
          : node,
      ),
  );
  // The gateway refuses numbers that end in 0.
  for (const [name, phone] of [
    ['eve', '+15550101231'],
    ['fay', '+15550101230'],
    ['gus', '+15550101232'],
  ] as const) {
    await lab.marketing.leads.upsert({ email: `${name}@example.org`, name, phone, country: 'US' });
  }
  await lab.send('marketing-trigger', 'Tasting');
  await lab.pass(60_000);
  assert.deepEqual(lab.subjectsTo('eve@example.org'), ['A seat at our tasting', 'Your seat at the tasting']);
  assert.deepEqual(lab.subjectsTo('fay@example.org'), ['A seat at our tasting', 'A correction: no seat yet']);
  const { scope } = lab.marketing;
  const undos = await scope.all<{ state: string; note: string | null; address: string }>(
    `SELECT n.state, n.note, l.email AS address FROM marketing_undos n
     JOIN marketing_leads l ON l.id = n.lead_id AND l.tenant_id = :tenant
     WHERE n.tenant_id = :tenant AND n.state <> 'registered' ORDER BY n.seq DESC`,
  );
  assert.equal(undos.length, 2);
  assert.ok(undos.every(({ address }) => address === 'fay@example.org'));
  assert.deepEqual(undos.map(({ state }) => state).sort(), ['nothing', 'undone']);
  assert.match(undos.find(({ state }) => state === 'undone')?.note ?? '', /cannot be taken back/);
  const why = await lab.marketing.campaigns.why('tasting', 'fay@example.org');
  assert.equal(why.filter(({ kind }) => kind === 'undo').length, 2, JSON.stringify(why));
  const report = await lab.marketing.campaigns.report('tasting');
  assert.equal(report.audience, 3);
  assert.equal(report.campaign.state, 'completed');
}
