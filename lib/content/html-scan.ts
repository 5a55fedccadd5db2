/**
 * Just enough HTML to know where in it a Liquid token stands. Not a parser: what it is not sure about is reported as such by the
 * caller, which then takes the slow and certain way.
 */

/** An element's start or end tag. */
export interface ElementTag {
  readonly name: string;
  readonly end: boolean;
}

type State = 'text' | 'tag' | 'attribute' | 'comment' | 'rawtext';

const RAW_TEXT = new Set(['style', 'script', 'title', 'textarea']);
const TAG_START = /^<(\/?)([a-zA-Z][a-zA-Z0-9:-]*)/;

/** Reads HTML piece by piece and remembers where it is. */
export class HtmlScanner {
  state: State = 'text';
  private quote = '';
  private current: ElementTag | undefined;
  private rawName = '';

  /** Reads the next piece; the start and end tags that were completed in it. */
  scan(piece: string): ElementTag[] {
    const found: ElementTag[] = [];
    let index = 0;
    while (index < piece.length) index = this.step(piece, index, found);
    return found;
  }

  private step(piece: string, index: number, found: ElementTag[]): number {
    switch (this.state) {
      case 'text':
        return this.inText(piece, index);
      case 'tag':
        return this.inTag(piece, index, found);
      case 'attribute':
        return this.until(piece, index, this.quote, 'tag');
      case 'comment':
        return this.until(piece, index, '-->', 'text');
      case 'rawtext': {
        const end = piece.toLowerCase().indexOf(`</${this.rawName}`, index);
        if (end < 0) return piece.length;
        this.state = 'text';
        return end;
      }
    }
  }

  private inText(piece: string, index: number): number {
    const open = piece.indexOf('<', index);
    if (open < 0) return piece.length;
    if (piece.startsWith('<!--', open)) {
      this.state = 'comment';
      return open + 4;
    }
    // A "<" at the very end may begin an element whose name comes from Liquid.
    const match = TAG_START.exec(piece.slice(open, open + 80));
    if (!match && !/^<(?:[!?/]|$)/.test(piece.slice(open, open + 2))) return open + 1;
    this.state = 'tag';
    this.current = match ? { end: match[1] === '/', name: (match[2] ?? '').toLowerCase() } : undefined;
    return open + (match ? match[0].length : 1);
  }

  private inTag(piece: string, index: number, found: ElementTag[]): number {
    const next = /[>"']/.exec(piece.slice(index));
    if (!next) return piece.length;
    const at = index + next.index;
    if (next[0] !== '>') {
      this.state = 'attribute';
      this.quote = next[0];
      return at + 1;
    }
    this.state = 'text';
    const element = this.current;
    if (element) {
      if (piece[at - 1] !== '/') found.push(element);
      if (!element.end && RAW_TEXT.has(element.name)) {
        this.state = 'rawtext';
        this.rawName = element.name;
      }
    }
    return at + 1;
  }

  private until(piece: string, index: number, mark: string, then: State): number {
    const at = piece.indexOf(mark, index);
    if (at < 0) return piece.length;
    this.state = then;
    return at + mark.length;
  }
}

const VOID = new Set([
  'area',
  'base',
  'br',
  'col',
  'embed',
  'hr',
  'img',
  'input',
  'link',
  'meta',
  'source',
  'track',
  'wbr',
]);
/** Elements whose end tag authors may leave out; they are closed by what follows. */
const OPTIONAL_END = new Set([
  'p',
  'li',
  'dt',
  'dd',
  'td',
  'th',
  'tr',
  'tbody',
  'thead',
  'tfoot',
  'option',
  'html',
  'head',
  'body',
]);
const BRANCHES = new Set(['else', 'elsif', 'when', 'endif', 'endunless', 'endfor', 'endcase']);
const BLOCKS = new Set(['if', 'unless', 'for', 'case']);

/** Checks that every branch of every Liquid block closes the elements that it opens, and no others. */
export class BlockBalance {
  private readonly open: string[] = [];
  /** How many elements were open where each Liquid block begins. */
  private readonly marks: number[] = [];

  /** False when an element is closed that was opened elsewhere. */
  element({ name, end }: ElementTag): boolean {
    if (VOID.has(name) || OPTIONAL_END.has(name)) return true;
    if (!end) {
      this.open.push(name);
      return true;
    }
    // Outside of blocks, sloppy HTML is the converter's business.
    const mark = this.marks.at(-1);
    if (mark === undefined) {
      const at = this.open.lastIndexOf(name);
      if (at >= 0) this.open.length = at;
      return true;
    }
    return this.open.length > mark && this.open.pop() === name;
  }

  /** False when a branch ends with an element open. */
  tag(name: string): boolean {
    if (BLOCKS.has(name)) this.marks.push(this.open.length);
    else if (BRANCHES.has(name)) {
      if (this.open.length !== this.marks.at(-1)) return false;
      if (name.startsWith('end')) this.marks.pop();
    }
    return true;
  }
}
