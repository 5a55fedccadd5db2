import { isAscii, isUtf8 } from 'node:buffer';

/** What a file turned out to be written in. `mixed`: some lines UTF-8, others Windows-1252. */
export type CsvEncoding = 'utf-8' | 'windows-1252' | 'utf-16' | 'mixed';

const NEWLINE = 0x0a;
/** A line longer than this is not waited for. */
const LONGEST_LINE = 1 << 20;

/**
 * Turns the bytes of a file into UTF-8 while they stream by. A line that is not valid UTF-8 is read as Windows-1252, which contains
 * Latin-1: what spreadsheets in Europe and the Americas write. A byte order mark is dropped.
 */
export class Utf8Decoder {
  private rest: Buffer = Buffer.alloc(0);
  private begun = false;
  private sawUtf8 = false;
  private sawOther = false;
  private utf16: TextDecoder | undefined;
  private readonly windows = new TextDecoder('windows-1252');

  get encoding(): CsvEncoding {
    if (this.utf16) return 'utf-16';
    if (!this.sawOther) return 'utf-8';
    return this.sawUtf8 ? 'mixed' : 'windows-1252';
  }

  /** The next bytes of the file; whole lines of UTF-8, as far as there are any. */
  push(chunk: Buffer): Buffer {
    if (this.utf16) return Buffer.from(this.utf16.decode(chunk, { stream: true }));
    let bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    if (!this.begun) {
      if (bytes.length < 3 && bytes.length > 0 && (bytes[0] === 0xef || (bytes[0] ?? 0) >= 0xfe)) {
        this.rest = bytes;
        return Buffer.alloc(0);
      }
      this.begun = bytes.length > 0;
      if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
        this.utf16 = new TextDecoder(bytes[0] === 0xff ? 'utf-16le' : 'utf-16be');
        this.rest = Buffer.alloc(0);
        return Buffer.from(this.utf16.decode(bytes, { stream: true }));
      }
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
    }
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0 && bytes.length < LONGEST_LINE) {
      this.rest = bytes;
      return Buffer.alloc(0);
    }
    const whole = end === 0 ? bytes.length : end;
    // A copy: the stream may use the chunk's memory again.
    this.rest = Buffer.from(bytes.subarray(whole));
    return this.lines(bytes.subarray(0, whole));
  }

  /** What is left when the file has ended. */
  end(): Buffer {
    if (this.utf16) return Buffer.from(this.utf16.decode());
    const last = this.rest;
    this.rest = Buffer.alloc(0);
    return this.lines(last);
  }

  private lines(bytes: Buffer): Buffer {
    if (isUtf8(bytes)) {
      this.sawUtf8 ||= !isAscii(bytes);
      return bytes;
    }
    const lines: Buffer[] = [];
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline + 1;
      const line = bytes.subarray(start, end);
      if (isUtf8(line)) {
        this.sawUtf8 ||= !isAscii(line);
        lines.push(line);
      } else {
        this.sawOther = true;
        lines.push(Buffer.from(this.windows.decode(line)));
      }
      start = end;
    }
    return Buffer.concat(lines);
  }
}
