// Makes examples/data/leads.csv: made-up people for the demo, the same ones every time.
//
//   node tools/make-leads.mjs [rows] [file] [--clean]
//
// All addresses end in example.com, example.org or example.net (RFC 2606): nobody can ever get a mail by accident.
// `--clean` leaves the broken rows out (for benches). The rows stream out, so that a million of them need no memory.
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';

const args = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const clean = process.argv.includes('--clean');
const rows = Number(args[0] ?? 2000);
const file = args[1] ?? path.join(import.meta.dirname, '..', 'examples', 'data', 'leads.csv');

// mulberry32: small, good enough, and the same on every machine.
let state = 20260301;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const pick = (list) => list[Math.floor(random() * list.length)];
const chance = (p) => random() < p;
const digits = (n) => Array.from({ length: n }, () => Math.floor(random() * 10)).join('');

const COUNTRIES = [
  {
    code: 'US',
    share: 22,
    zones: ['America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles'],
    phone: () => `+1 202 555 01${digits(2)}`,
    first: ['Olivia', 'Liam', 'Emma', 'Noah', 'Ava', 'Ethan', 'Mia', 'Lucas', 'Zoe', 'Caleb'],
    last: ['Walker', 'Hughes', 'Foster', 'Bennett', 'Coleman', 'Reyes', "O'Connor", 'Brooks'],
  },
  {
    code: 'GB',
    share: 10,
    zones: ['Europe/London'],
    phone: () => `+44 20 7946 0${digits(3)}`,
    eu: true,
    first: ['Amelia', 'Oliver', 'Isla', 'Harry', 'Freya', 'Alfie', 'Poppy'],
    last: ['Whitfield', 'Ashworth', 'Pembroke', 'Hartley', 'Fairclough', 'Llewellyn'],
  },
  {
    code: 'DE',
    share: 15,
    zones: ['Europe/Berlin'],
    phone: () => `+49 30 23125 ${digits(3)}`,
    eu: true,
    first: ['Jürgen', 'Käthe', 'Björn', 'Anke', 'Sören', 'Ute', 'Mareike', 'Günther'],
    last: ['Müller', 'Schröder', 'Weiß', 'Köhler', 'Bäcker', 'Groß', 'Lindemann'],
  },
  {
    code: 'FR',
    share: 8,
    zones: ['Europe/Paris'],
    phone: () => `+33 1 99 00 ${digits(2)} ${digits(2)}`,
    eu: true,
    first: ['Éloïse', 'François', 'Hélène', 'René', 'Zoé', 'Gaël', 'Océane'],
    last: ['Lefèvre', 'Garnier', 'Béranger', 'Dupré', 'Noël', "D'Aubigné"],
  },
  {
    code: 'IT',
    share: 6,
    zones: ['Europe/Rome'],
    phone: () => `+39 06 5555 ${digits(4)}`,
    eu: true,
    first: ['Giulia', 'Niccolò', 'Chiara', 'Matteo', 'Ilaria'],
    last: ['Bianchi', 'Esposito', 'Ferrari', "D'Angelo", 'Colombo'],
  },
  {
    code: 'ES',
    share: 6,
    zones: ['Europe/Madrid', 'Atlantic/Canary'],
    phone: () => `+34 91 555 ${digits(2)} ${digits(2)}`,
    eu: true,
    first: ['Begoña', 'Íñigo', 'Lucía', 'Andrés', 'Nuria'],
    last: ['Núñez', 'Ibáñez', 'Peña', 'García Márquez', 'Ortega'],
  },
  {
    code: 'AT',
    share: 4,
    zones: ['Europe/Vienna'],
    phone: () => `+43 1 5550 ${digits(3)}`,
    eu: true,
    first: ['Franziska', 'Xaver', 'Resi', 'Lukas'],
    last: ['Gruber', 'Moser', 'Pichler', 'Steiner'],
  },
  {
    code: 'CH',
    share: 4,
    zones: ['Europe/Zurich'],
    phone: () => `+41 44 555 ${digits(2)} ${digits(2)}`,
    first: ['Urs', 'Reto', 'Ladina', 'Céline'],
    last: ['Zürcher', 'Ammann', 'Bühler', 'Favre'],
  },
  {
    code: 'IN',
    share: 9,
    zones: ['Asia/Kolkata'],
    phone: () => `+91 22 5550 ${digits(4)}`,
    first: ['Aarav', 'Priya', 'Rohan', 'आनंद', 'Meera'],
    last: ['Sharma', 'Iyer', 'Kapoor', 'Reddy', 'Banerjee'],
  },
  {
    code: 'BR',
    share: 6,
    zones: ['America/Sao_Paulo', 'America/Manaus'],
    phone: () => `+55 11 5550 ${digits(4)}`,
    first: ['João', 'Conceição', 'Antônio', 'Luíza'],
    last: ['Gonçalves', 'Araújo', 'Brandão', 'Simões'],
  },
  {
    code: 'JP',
    share: 5,
    zones: ['Asia/Tokyo'],
    phone: () => `+81 3 5550 ${digits(4)}`,
    first: ['花子', '太郎', 'さくら', 'Kenji', '美咲'],
    last: ['佐藤', '鈴木', '高橋', 'Tanaka', '渡辺'],
  },
  {
    code: 'AU',
    share: 5,
    zones: ['Australia/Sydney', 'Australia/Perth', 'Australia/Adelaide'],
    phone: () => `+61 2 5550 ${digits(4)}`,
    first: ['Matilda', 'Bruce', 'Kylie', 'Angus'],
    last: ['Nguyen', 'McAllister', 'Whyte', 'Kelso'],
  },
];
const total = COUNTRIES.reduce((sum, country) => sum + country.share, 0);
const TAGS = ['newsletter', 'webinar', 'beta', 'partner', 'trade-fair', 'vip', 'student'];
const DAY = 86_400_000;
const EPOCH = Date.UTC(2026, 1, 28);

function country() {
  let left = random() * total;
  return COUNTRIES.find(({ share }) => (left -= share) < 0) ?? COUNTRIES[0];
}

const ascii = (text) =>
  text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/ß/g, 'ss')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase();

function person(n) {
  const home = country();
  const first = pick(home.first);
  const last = pick(home.last);
  const local = [ascii(first), ascii(last)].filter(Boolean).join('.') || 'person';
  const name = /[\u3040-\u9fff]/.test(first + last) && home.code === 'JP' ? `${last} ${first}` : `${first} ${last}`;
  return {
    email: `${local}.${n}@${pick(['example.com', 'example.org', 'example.net'])}`,
    name,
    phone: chance(0.7) ? home.phone() : '',
    country: home.code,
    time_zone: pick(home.zones),
    score: Math.round(random() * random() * 1000) / 10,
    plan: pick(['free', 'free', 'free', 'pro', 'pro', 'team']),
    signup_date: new Date(EPOCH - Math.floor(random() * 900) * DAY).toISOString().slice(0, 10),
    tags: TAGS.filter(() => chance(0.18)).join(';'),
    // Elsewhere consent is often not asked for, and an empty cell says nothing.
    consent_email: home.eu ? pick(['yes', 'yes', 'yes', 'yes', 'no', '']) : chance(0.3) ? 'yes' : '',
    opt_out: chance(0.03) ? 'yes' : '',
    suppressed: chance(0.02) ? 'yes' : '',
  };
}

const HEADERS = [
  'email',
  'name',
  'phone',
  'country',
  'time_zone',
  'score',
  'plan',
  'signup_date',
  'tags',
  'consent_email',
  'opt_out',
  'suppressed',
];
const cell = (value) => (/[",\r\n]/.test(String(value)) ? `"${String(value).replace(/"/g, '""')}"` : String(value));
const line = (row) => HEADERS.map((header) => cell(row[header])).join(',');

// What real files have wrong with them: each makes a row of the usual shape into a rejected one.
const BROKEN = [
  (row) => ({ ...row, email: 'ana.lopez(at)example.com' }),
  (row) => ({ ...row, email: 'no-domain@' }),
  (row) => ({ ...row, email: '@example.com' }),
  (row) => ({ ...row, email: 'two..dots@example.com' }),
  (row) => ({ ...row, email: 'with space@example.com' }),
  (row) => ({ ...row, email: 'first@example.com;second@example.com' }),
  (row) => ({ ...row, email: 'Bcc: <everybody@example.com>' }),
  (row) => ({ ...row, email: 'under_score@exa_mple.com' }),
  (row) => ({ ...row, email: '' }),
  (row) => ({ ...row, email: '' }),
  (row, earlier) => ({ ...row, email: earlier.toUpperCase() }),
  (row, earlier) => ({ ...row, email: ` ${earlier} ` }),
  (row, earlier) => ({ ...row, email: earlier }),
  (row) => ({ ...row, phone: 'call after six' }),
  (row) => ({ ...row, phone: '+49 1' }),
  (row) => ({ ...row, country: 'Atlantis' }),
  (row) => ({ ...row, country: 'XX' }),
  (row) => ({ ...row, time_zone: 'Mars/Olympus_Mons' }),
  (row) => ({ ...row, score: '12,5' }),
  (row) => ({ ...row, score: 'high' }),
  (row) => ({ ...row, signup_date: '2025-02-30' }),
  (row) => ({ ...row, signup_date: '03/14/2025' }),
  (row) => ({ ...row, consent_email: 'perhaps' }),
  (row) => line(row).split(',').slice(0, 8).join(','),
  (row) => `${line(row)},one,too,many`,
];

const out = createWriteStream(file);
const put = async (text) => {
  if (!out.write(`${text}\n`)) await once(out, 'drain');
};
await put(HEADERS.join(','));
const every = Math.floor(rows / (BROKEN.length + 1));
let earlier = '';
for (let n = 1; n <= rows; n++) {
  const row = person(n);
  const broken = !clean && n % every === 0 ? BROKEN[n / every - 1] : undefined;
  const made = broken ? broken(row, earlier) : row;
  await put(typeof made === 'string' ? made : line(made));
  if (!broken && n % 7 === 0) earlier = row.email;
}
out.end();
await once(out, 'finish');
