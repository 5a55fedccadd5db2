/** What arrived at the mail server, read from the file that the sink writes before it acknowledges. Never the ledger's word. */
import { closeSync, openSync, readSync } from 'node:fs';

export class Arrivals {
  private readonly file: number;
  private rest = '';
  private readonly buffer = Buffer.alloc(1 << 20);
  private readonly keys = new Map<string, Set<string>>();
  private count = 0;

  constructor(path: string) {
    this.file = openSync(path, 'a+');
  }

  /** Reads what is new; how many messages arrived so far. */
  total(): number {
    for (;;) {
      const length = readSync(this.file, this.buffer, 0, this.buffer.length, null);
      if (length === 0) return this.count;
      const lines = (this.rest + this.buffer.toString('utf8', 0, length)).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) this.note(line);
    }
  }

  /** Everybody who got at least one message. */
  recipients(): Set<string> {
    this.total();
    return new Set(this.keys.keys());
  }

  /** Arrivals beyond the first for each recipient. */
  duplicates(): number {
    return this.total() - this.keys.size;
  }

  /** Recipients who got messages under more than one Message-ID: no receiver could tell that they are the same. */
  unrecognisable(): string[] {
    this.total();
    return [...this.keys].filter(([, ids]) => ids.size > 1).map(([recipient]) => recipient);
  }

  close(): void {
    closeSync(this.file);
  }

  private note(line: string): void {
    const [messageId = '', recipient = ''] = line.split('\t');
    this.count++;
    const known = this.keys.get(recipient);
    if (known) known.add(messageId);
    else this.keys.set(recipient, new Set([messageId]));
  }
}
