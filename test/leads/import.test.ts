import assert from 'node:assert/strict';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  existsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { parse } from 'csv-parse/sync';
import { VirtualClock } from '../../lib/clock';
import { createLeads, importCsv, type ImportOptions, type ImportReport, type Leads } from '../../lib/leads';
import { eachDatabase } from '../kit/databases';

const EXAMPLE = path.join(__dirname, '..', '..', 'examples', 'data', 'leads.csv');

eachDatabase((db) => {
  describe('importing leads from CSV', () => {
    let leads: Leads;
    let folder: string;
    let rejects: string;

    beforeEach(async () => {
      leads = createLeads((await db.open({ clock: new VirtualClock() })).tenant('acme'));
      folder = mkdtempSync(path.join(tmpdir(), 'nm-import-'));
      rejects = path.join(folder, 'rejects.csv');
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    const run = (text: string | Buffer, options: Partial<ImportOptions> = {}): Promise<ImportReport> =>
      importCsv(Readable.from([Buffer.from(text)]), { leads, rejects, ...options });
    const rejected = (): Record<string, string>[] =>
      parse(readFileSync(rejects), { columns: true, relax_column_count: true });

    it('writes rejected rows to no file but a new one or a rejects file, and leaves every other as it was', async () => {
      const file = path.join(folder, 'leads.csv');
      const link = path.join(folder, 'link.csv');
      const other = path.join(folder, 'other.txt');
      const content = 'line,code,reason,email\n1,E,x,bad\n';
      writeFileSync(file, content);
      writeFileSync(other, 'precious');
      symlinkSync(file, link);
      const before = readdirSync(folder);
      for (const target of [file, link, other, folder]) {
        await assert.rejects(
          importCsv(file, { leads, rejects: target }),
          (error: { code: string; message: string }) => {
            assert.equal(error.code, 'E_REJECTS_FILE', target);
            assert.match(error.message, /Choose another name/);
            return true;
          },
        );
      }
      assert.deepEqual([readFileSync(file, 'utf8'), readFileSync(other, 'utf8')], [content, 'precious']);
      assert.deepEqual(readdirSync(folder), before);
      assert.equal(await leads.count(), 0);
    });

    it('replaces an earlier rejects file, readable for its owner only, with nothing left beside it', async () => {
      await run('email\nbad\n');
      await run('email\nworse\n');
      assert.deepEqual(
        rejected().map((row) => row['email']),
        ['worse'],
      );
      if (process.platform !== 'win32') assert.equal(statSync(rejects).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(folder), ['rejects.csv']);
      await run('email\ngood@example.com\n');
      assert.deepEqual(readdirSync(folder), []);
    });

    it('takes the example file: every row is in, or in the rejects file with its line and reason', async () => {
      const seen: number[] = [];
      const options = {
        leads,
        rejects,
        declare: true,
        onProgress: ({ rows }: { rows: number }) => void seen.push(rows),
      };
      const report = await importCsv(EXAMPLE, options);
      assert.deepEqual(
        { rows: report.rows, created: report.created, rejected: report.rejected, duplicates: report.duplicates },
        { rows: 2_000, created: 1_975, rejected: 25, duplicates: 3 },
      );
      assert.deepEqual(report.declared, [
        { name: 'plan', type: 'string' },
        { name: 'signup_date', type: 'date' },
        { name: 'tags', type: 'string[]' },
      ]);
      assert.deepEqual(report.ignoredColumns, []);
      assert.deepEqual(seen, [1_000, 2_000, 2_000]);
      assert.equal(await leads.count(), 1_975);
      const lines = readFileSync(EXAMPLE, 'utf8').split('\n');
      const rows = rejected();
      assert.equal(rows.length, 25);
      assert.deepEqual(
        rows.map((row) => Number(row['line'])),
        Array.from({ length: 25 }, (_, n) => 76 * (n + 1) + 1),
      );
      for (const row of rows) assert.ok(lines[Number(row['line']) - 1]?.includes(row['name'] ?? '?'), row['line']);
      assert.equal(new Set(rows.map((row) => row['code'])).size, 10);
      assert.ok(report.consents > 500 && report.suppressions > 10);

      const again = await importCsv(EXAMPLE, options);
      assert.deepEqual(
        [again.unchanged, again.created, again.updated, again.consents, again.suppressions],
        [1_975, 0, 0, 0, 0],
      );
    });

    it('names the columns it saw when none says who the leads are, and writes nothing', async () => {
      await assert.rejects(run('vorname,ort\nA,B\n'), (error: { code: string; message: string }) => {
        assert.equal(error.code, 'E_CSV_NO_EMAIL');
        assert.match(error.message, /"vorname", "ort"/);
        return true;
      });
      assert.equal(existsSync(rejects), false);
      await assert.rejects(run(''), { code: 'E_CSV_EMPTY' });
      await assert.rejects(importCsv(path.join(folder, 'missing.csv'), { leads }), { code: 'E_CSV_FILE' });
      assert.equal((await run('email\n')).rows, 0);
      assert.equal(await leads.count(), 0);
    });

    it('knows the usual names of columns, whatever their case, and the delimiters', async () => {
      await leads.declare('zip', 'string');
      const report = await run(
        'sep=;\nE-Mail Adresse;Vorname;Nachname;Telefonnummer;PLZ;Land;Irgendwas\nA@Example.com;Ana;Groß;030 23125 000;01234;Deutschland;x\n',
      );
      assert.deepEqual([report.delimiter, report.created, report.ignoredColumns], [';', 1, ['Irgendwas']]);
      const lead = await leads.get({ email: 'a@example.com' });
      assert.deepEqual(
        [lead?.name, lead?.phone, lead?.['zip'], lead?.country],
        ['Ana Groß', '+493023125000', '01234', 'DE'],
      );
      assert.equal((await run('email\tname\nb@example.com\tB\n')).delimiter, '\t');
      const mapped = await run('who|what\nc@example.com|C\n', { columns: { who: 'email', what: 'name' } });
      assert.deepEqual([mapped.delimiter, mapped.created], ['|', 1]);
      await assert.rejects(run('email\nx@example.com\n', { columns: { nothing: 'name' } }), { code: 'E_CSV_MAPPING' });
    });

    it('reads UTF-8 with a byte order mark, Windows-1252 and UTF-16, and says what it read', async () => {
      assert.equal((await run(Buffer.from('\uFEFFemail,name\na@example.com,Jürgen\n'))).encoding, 'utf-8');
      assert.equal(
        (await run(Buffer.from('email,name\nb@example.com,J\xfcrgen\n', 'latin1'))).encoding,
        'windows-1252',
      );
      assert.equal((await run(Buffer.from('\uFEFFemail,name\nc@example.com,Jürgen\n', 'utf16le'))).encoding, 'utf-16');
      for (const letter of ['a', 'b', 'c'])
        assert.equal((await leads.get({ email: `${letter}@example.com` }))?.name, 'Jürgen');
    });

    it('lets the first good row of a lead win and says which line that was', async () => {
      const report = await run(
        'email,country,external id\na@example.com,Atlantis,\na@example.com,DE,7\nA@Example.com,FR,\nb@example.com,DE,7\n',
      );
      assert.deepEqual([report.created, report.rejected, report.duplicates], [1, 3, 2]);
      assert.equal((await leads.get({ email: 'a@example.com' }))?.country, 'DE');
      assert.deepEqual(
        rejected()
          .map((row) => [row['line'], row['code']])
          .sort(),
        [
          ['2', 'E_LEAD_COUNTRY'],
          ['4', 'E_CSV_DUPLICATE'],
          ['5', 'E_CSV_DUPLICATE'],
        ],
      );
      assert.match(rejected().find((row) => row['line'] === '4')?.['reason'] ?? '', /line 3/);
    });

    it('writes rejected rows so that no spreadsheet runs them, and takes them back once corrected', async () => {
      await run(
        'email,name,phone\nbad,=HYPERLINK("x"),+49 30 23125000\n'.replace('=HYPERLINK("x")', '"=HYPERLINK(""x"")"'),
      );
      const raw = readFileSync(rejects, 'utf8');
      assert.match(raw, /'=HYPERLINK/);
      writeFileSync(rejects, raw.replace(',bad,', ',good@example.com,'));
      const report = await importCsv(rejects, { leads });
      assert.equal(report.created, 1);
      const lead = await leads.get({ email: 'good@example.com' });
      assert.deepEqual([lead?.name, lead?.phone], ['=HYPERLINK("x")', '+493023125000']);
    });

    it('tells lines right behind line breaks in quotes and blank lines', async () => {
      await run('email,name\n\n"a@example.com","two\nlines"\nbad,x\n\n\nworse,"y\nz"\n');
      assert.deepEqual(
        rejected().map((row) => row['line']),
        ['5', '8'],
      );
      assert.equal((await leads.get({ email: 'a@example.com' }))?.name, 'two lines');
    });

    it('keeps what stands before a quote that is never closed', async () => {
      await assert.rejects(run('email,name\na@example.com,A\nb@example.com,"open\nc@example.com,C\n'), {
        code: 'E_CSV_QUOTE',
      });
      assert.equal(await leads.count(), 1);
    });

    it('stores consents, opt-outs and suppressions with the leads, and never undoes an opt-out', async () => {
      const text =
        'email,country,consent_email,opt_out,unsubscribed,suppressed\na@example.com,DE,ja,,,\nb@example.com,DE,,,,\nc@example.com,US,,yes,,\nd@example.com,US,,,1,\ne@example.com,US,,,,true\nf@example.com,US,no,,,\ng@example.com,US,,no,no,no\n';
      const report = await run(text);
      assert.deepEqual([report.created, report.consents, report.suppressions], [7, 4, 1]);
      const found = await leads.ids({ emails: [...'abcdefg'].map((letter) => `${letter}@example.com`) });
      const answers = await leads.sendability([...found.emails.values()], 'email');
      const shown = Object.fromEntries(
        Array.from(found.emails, ([email, id]) => {
          const answer = answers.get(id);
          return [email.slice(0, 1), answer?.allowed ? 'allowed' : answer?.reason] as const;
        }),
      );
      assert.deepEqual(shown, {
        a: 'allowed',
        b: 'no_consent',
        c: 'opted_out_all',
        d: 'opted_out',
        e: 'suppressed',
        f: 'opted_out',
        g: 'allowed',
      });
      const ana = found.emails.get('a@example.com') ?? 0;
      await leads.setConsent(ana, 'email', 'revoked', { source: 'unsubscribe link' });
      assert.equal((await run(text)).consents, 0);
      assert.equal((await leads.consentOf(ana, 'email'))?.state, 'revoked');
    });

    it('writes rejected rows in the order of their lines, however late it was decided about them', async () => {
      const rows = Array.from({ length: 2_300 }, (_, n) => {
        if (n % 7 === 6) return `u${n}@example.com,Atlantis`;
        // About the lead of the row before, which is still under way, or was refused.
        return n % 10 === 9 ? `u${n - 1}@example.com,DE` : `u${n}@example.com,DE`;
      });
      const report = await run(`email,country\n${rows.join('\n')}\n`);
      const codes = rows.map((row, n) => {
        if (row.endsWith('Atlantis')) return 'E_LEAD_COUNTRY';
        return n % 10 === 9 && (n - 1) % 7 !== 6 ? 'E_CSV_DUPLICATE' : undefined;
      });
      assert.deepEqual(
        rejected().map((row) => [row['line'], row['code']]),
        codes.flatMap((code, n) => (code ? [[String(n + 2), code]] : [])),
      );
      assert.deepEqual([report.rows, report.created + report.rejected], [2_300, 2_300]);
      assert.equal(await leads.count(), report.created);
    });

    it('decides about thousands of bad rows of one lead as fast as about others, and takes the first good one', async () => {
      const bad = Array.from({ length: 5_000 }, () => 'one@example.com,Atlantis\n').join('');
      const report = await run(`email,country\n${bad}one@example.com,DE\none@example.com,FR\n`);
      assert.deepEqual([report.created, report.reasons], [1, { E_LEAD_COUNTRY: 5_000, E_CSV_DUPLICATE: 1 }]);
      assert.equal((await leads.get({ email: 'one@example.com' }))?.country, 'DE');
    });

    it('lets rows wait for those that only the database refuses, and loses none of them', async () => {
      await leads.upsert({ email: 'a@example.com', externalId: 'A' });
      const others = Array.from({ length: 40 }, (_, n) => `a@example.com,B${n}\n`).join('');
      const report = await run(`email,external id\n${others}a@example.com,A\na@example.com,C\n`);
      assert.deepEqual([report.rows, report.unchanged, report.created], [42, 1, 0]);
      assert.deepEqual(report.reasons, { E_LEAD_CONFLICT: 40, E_CSV_DUPLICATE: 1 });
      assert.deepEqual(
        rejected().map((row) => Number(row['line'])),
        [...Array.from({ length: 40 }, (_, n) => n + 2), 43],
      );
    });

    it('accounts for the rows that waited when the file cannot be read to its end', async () => {
      const text = 'email,name\na@example.com,A\na@example.com,B\nb@example.com,"open\nc@example.com,C\n';
      await assert.rejects(run(text), { code: 'E_CSV_QUOTE' });
      assert.equal((await leads.get({ email: 'a@example.com' }))?.name, 'A');
      assert.deepEqual(
        rejected().map((row) => [row['line'], row['code']]),
        [['3', 'E_CSV_DUPLICATE']],
      );
    });

    it('reads no further ahead than a few batches, and leaves the event loop its turns', async () => {
      const total = 10_000;
      let read = 0;
      let furthest = 0;
      let turns = 0;
      let running = true;
      const count = (): void => {
        turns++;
        if (running) setImmediate(count);
      };
      const source = Readable.from(
        (function* () {
          yield 'email\n';
          for (; read < total; read += 50)
            yield Array.from({ length: 50 }, (_, n) => `u${read + n}@example.com\n`).join('');
        })(),
        { highWaterMark: 4 },
      );
      count();
      const onProgress = ({ rows }: { rows: number }): void => void (furthest = Math.max(furthest, read - rows));
      const report = await importCsv(source, { leads, onProgress });
      running = false;
      assert.equal(report.created, total);
      assert.ok(furthest <= 2_000, `${furthest} rows ahead`);
      assert.ok(turns >= total / 64, `${turns} turns`);
    });

    it('ends with the error of a database that gave up, and keeps what was decided before', async () => {
      const store = await db.open({ clock: new VirtualClock() });
      const there = createLeads(store.tenant('acme'));
      const rows = Array.from({ length: 3_000 }, (_, n) => (n === 0 ? 'bad\n' : `u${n}@example.com\n`)).join('');
      let closing: Promise<void> | undefined;
      const onProgress = (): void => void (closing ??= store.close());
      await assert.rejects(importCsv(Readable.from([`email\n${rows}`]), { leads: there, rejects, onProgress }), {
        code: 'E_STORE_CLOSED',
      });
      await closing;
      assert.deepEqual(
        rejected().map((row) => row['line']),
        ['2'],
      );
    });
  });
});
