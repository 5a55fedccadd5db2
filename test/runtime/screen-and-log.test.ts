import assert from 'node:assert/strict';
import { VirtualClock } from '../../lib/clock';
import { createLog, type LogLevel } from '../../lib/runtime/log';
import { bar, createScreen, table } from '../../lib/runtime/screen';

describe('what commands write', () => {
  const streams = (isTTY: boolean) => {
    const written = { out: '', err: '' };
    const screen = createScreen(
      { write: (text: string) => (written.out += text) },
      { write: (text: string) => (written.err += text), isTTY, columns: 20 },
    );
    return { written, screen };
  };

  it('is answers on stdout and words on the way on stderr', () => {
    const { written, screen } = streams(false);
    screen.out('answer');
    screen.note('word');
    assert.deepEqual(written, { out: 'answer\n', err: 'word\n' });
  });

  it('redraws one line on a terminal, cut to its width, and wipes it before anything else is written', () => {
    const { written, screen } = streams(true);
    screen.progress('a line that is longer than the terminal');
    screen.note('word');
    assert.equal(written.err, '\r\x1b[2Ka line that is long\r\x1b[2Kword\n');
  });

  it('shows no progress where no line can be redrawn', () => {
    const { written, screen } = streams(false);
    screen.progress('half');
    screen.endProgress();
    assert.equal(written.err, '');
  });

  it('aligns tables, numbers to the right', () => {
    assert.deepEqual(
      table(
        ['step', 'people'],
        [
          ['wait', 1200],
          ['a longer one', 7],
        ],
      ),
      ['step          people', '────────────  ──────', 'wait           1,200', 'a longer one       7'],
    );
  });

  it('draws a bar that never leaves its bounds', () => {
    assert.deepEqual([bar(0, 4), bar(0.5, 4), bar(7, 4), bar(-1, 4)], ['░░░░', '██░░', '████', '░░░░']);
  });
});

describe('the log', () => {
  const lines = (level: LogLevel, format: 'text' | 'json'): string[] => {
    const written: string[] = [];
    const log = createLog({
      clock: new VirtualClock(Date.UTC(2026, 0, 2)),
      level,
      format,
      write: (line) => written.push(line),
    });
    log.debug('d');
    log.info('i');
    log.warn('w');
    log.error('e');
    return written;
  };

  it('is one line of text each, from the level on that was asked for', () => {
    assert.deepEqual(lines('warn', 'text'), [
      '2026-01-02T00:00:00.000Z warn  w\n',
      '2026-01-02T00:00:00.000Z error e\n',
    ]);
    assert.deepEqual(lines('off', 'text'), []);
    assert.equal(lines('debug', 'text').length, 4);
  });

  it('is one object per line for collectors', () => {
    const [line = ''] = lines('error', 'json');
    const entry = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual([entry['msg'], entry['level'], entry['time']], ['e', 50, Date.UTC(2026, 0, 2)]);
  });
});
