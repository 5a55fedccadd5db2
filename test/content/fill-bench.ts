/**
 * Microseconds per mail for filling and encoding (no network): `node test/content/fill-bench.ts` with the project's NODE_OPTIONS.
 * 20,000 mails of about 5 KB: HTML of 4 KB with eight variables, and the text made from it.
 */
import { createUnsubscribeSigner } from '../../lib/compliance';
import { compileEmail, render } from '../../lib/content';

const MAILS = 20_000;
const FILLER = '<p style="margin:0">Lorem ipsum dolor sit amet, consectetur adipiscing elit.</p>\n'.repeat(4);
const BLOCKS = [
  'lead.name',
  'lead.city',
  'campaign.name',
  'lead.plan',
  'lead.score',
  'lead.email',
  'lead.name',
  'lead.since | date: "%d.%m.%Y"',
];

function html(extra = ''): string {
  const blocks = BLOCKS.map((path) => `<h2 style="color:#222">News for {{ ${path} }}</h2>\n${FILLER}`);
  return `<!doctype html>\n<html><body>\n${blocks.join('')}${extra}</body></html>`;
}

function measure(label: string, source: string, name: string): void {
  const mail = compileEmail({
    subject: 'Hello {{ lead.name }}',
    html: source,
    from: { name: 'Shop', address: 'shop@example.com' },
  });
  const run = (count: number): number => {
    let bytes = 0;
    for (let id = 0; id < count; id++) {
      const address = `lead${id}@example.com`;
      const lead = { id, name: `${name} ${id}`, city: 'Oslo', plan: 'pro', score: id, email: address, since: 1.7e12 };
      const context = { lead, campaign: { name: 'Spring' }, unsubscribe_url: `https://mail.example.com/u/${id}` };
      const { raw } = render(mail, context, {
        to: { name: lead.name, address },
        date: 1.7e12,
        messageId: `<${id}@example.com>`,
      });
      // The text of a message is a tree of pieces until somebody needs its bytes.
      bytes += Buffer.from(raw, 'latin1').length;
    }
    return bytes;
  };
  run(MAILS / 4);
  const started = performance.now();
  const bytes = run(MAILS);
  const micros = ((performance.now() - started) / MAILS) * 1_000;
  console.log(
    `${label.padEnd(44)} ${micros.toFixed(1).padStart(6)} µs  ${Math.round(bytes / MAILS)} bytes  text by ${mail.textOrigin}`,
  );
}

measure('ASCII', html(), 'Ann Lee');
measure('ASCII without date filter', html().replace(/ \| date: "[^"]*"/, ''), 'Ann Lee');
measure('non-ASCII name', html(), 'Änne Müller');
measure('non-ASCII name, HTML in one line', html().replaceAll('\n', ''), 'Änne Müller');
measure('ASCII, if/else', html('{% if lead.score > 5 %}<p>A</p>{% else %}<p>B</p>{% endif %}'), 'Ann Lee');
measure('ASCII, for (rendered by liquidjs)', html('{% for i in (1..3) %}<p>{{ i }}</p>{% endfor %}'), 'Ann Lee');
measure(
  'non-ASCII, for (rendered by liquidjs)',
  html('{% for i in (1..3) %}<p>{{ i }}</p>{% endfor %}'),
  'Änne Müller',
);
measure('ASCII, text converted per mail', html('<p>{{ lead.name | raw }}</p>'), 'Ann Lee');

const signer = createUnsubscribeSigner({ current: 'a secret for measuring only' });
for (let lead = 0; lead < MAILS; lead++)
  signer.sign({ tenant: 'default', lead, campaign: 1, message: lead, channel: 'email' });
const started = performance.now();
for (let lead = 0; lead < MAILS; lead++)
  signer.sign({ tenant: 'default', lead, campaign: 1, message: lead, channel: 'email' });
console.log(
  `${'unsubscribe token'.padEnd(44)} ${(((performance.now() - started) / MAILS) * 1_000).toFixed(1).padStart(6)} µs`,
);
