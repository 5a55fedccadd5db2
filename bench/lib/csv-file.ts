import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { stringify } from 'csv-stringify/sync';

const COUNTRIES = ['Germany', 'FR', 'us', 'Brazil', 'IN', 'GB', 'JP', 'Spain'];
const PLANS = ['basic', 'pro', 'team', 'free'];
/** Rows that are written at once. */
const PAGE = 5_000;

/** Writes a file of made-up leads as such files are: nine columns, mixed spellings, no row that would be rejected. */
export async function writeCsv(file: string, rows: number): Promise<void> {
  const out = createWriteStream(file);
  out.write('E-mail,Name,Phone,Country,Score,External ID,plan,age,last_order\n');
  for (let from = 1; from <= rows; from += PAGE) {
    const page = Array.from({ length: Math.min(PAGE, rows - from + 1) }, (_, i) => rowOf(from + i));
    if (!out.write(stringify(page))) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
}

function rowOf(i: number): (string | number)[] {
  return [
    i % 3 === 0 ? `Person.${i}@Example.ORG` : `person.${i}@example.org`,
    `Person ${i}, the ${i % 2 === 0 ? 'even' : 'odd'} one`,
    `+4930${String(1_000_000 + (i % 9_000_000))}`,
    COUNTRIES[i % COUNTRIES.length] ?? '',
    (i * 7919) % 600,
    `crm-${i}`,
    PLANS[i % PLANS.length] ?? '',
    18 + (i % 70),
    `2023-${String(1 + (i % 12)).padStart(2, '0')}-${String(1 + (i % 28)).padStart(2, '0')}`,
  ];
}
