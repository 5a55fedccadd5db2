import { checkLength, normalizeLineBreaks, startFill, type CompiledTemplate } from './template';
import { fillPieces, type Piece } from './fast-output';
import { encodeQuotedPrintable, isSevenBit, toCrLf } from './quoted-printable';
import type { RenderContext } from './types';

/** A filled body, ready to be written after its header fields. */
export interface EncodedBody {
  readonly encoding: '7bit' | 'quoted-printable';
  /** ASCII, lines end with CRLF. */
  readonly text: string;
}

/** Fills and encodes one body for one lead. */
export type BodyWriter = (context: RenderContext) => EncodedBody;

/** Whole lines that are the same for everybody, encoded beforehand. */
interface FixedLines {
  readonly plain: string;
  readonly quoted: string;
}

/** One or more lines with something personal in them, up to and with their line break. */
type PersonalLines = readonly Piece[];

/** Encodes a finished text (any line breaks). */
export function encodeBody(text: string): EncodedBody {
  const lines = normalizeLineBreaks(text);
  return isSevenBit(lines)
    ? { encoding: '7bit', text: toCrLf(lines) }
    : { encoding: 'quoted-printable', text: encodeQuotedPrintable(lines) };
}

/**
 * Splits pieces at the line breaks of their fixed texts. Both encodings work line by line, so the lines without anything personal
 * can be encoded once for all leads; what is left to do per lead is a handful of lines.
 */
function planLines(pieces: readonly Piece[]): { fixedSevenBit: boolean; plan: (FixedLines | PersonalLines)[] } {
  const plan: (FixedLines | PersonalLines)[] = [];
  let fixedSevenBit = true;
  let open: Piece[] = [];
  const addFixed = (text: string): void => {
    if (text === '') return;
    fixedSevenBit &&= isSevenBit(text);
    plan.push({ plain: toCrLf(text), quoted: encodeQuotedPrintable(text) });
  };
  for (const piece of pieces) {
    if (typeof piece !== 'string') {
      open.push(piece);
      continue;
    }
    let rest = piece;
    if (open.length > 0) {
      const end = piece.indexOf('\n') + 1;
      if (end === 0) {
        open.push(piece);
        continue;
      }
      plan.push([...open, piece.slice(0, end)]);
      open = [];
      rest = piece.slice(end);
    }
    const tail = rest.lastIndexOf('\n') + 1;
    addFixed(rest.slice(0, tail));
    if (tail < rest.length) open.push(rest.slice(tail));
  }
  if (open.every((piece) => typeof piece === 'string')) addFixed(open.join(''));
  else plan.push(open);
  return { fixedSevenBit, plan };
}

function isFixed(lines: FixedLines | PersonalLines): lines is FixedLines {
  return 'quoted' in lines;
}

function plannedWriter(template: CompiledTemplate, pieces: readonly Piece[]): BodyWriter {
  const { fixedSevenBit, plan } = planLines(pieces);
  const personal = plan.filter((lines) => !isFixed(lines)).length;
  const fixedLength = plan.reduce((sum, lines) => sum + (isFixed(lines) ? lines.plain.length : 0), 0);
  return (context) => {
    const fill = startFill(context);
    const filled = new Array<string>(personal);
    let sevenBit = fixedSevenBit;
    let next = 0;
    let length = fixedLength;
    for (const lines of plan) {
      if (isFixed(lines)) continue;
      const text = normalizeLineBreaks(fillPieces(lines, fill));
      length += text.length;
      sevenBit &&= isSevenBit(text);
      filled[next++] = text;
    }
    checkLength(template.part, length);
    let out = '';
    next = 0;
    for (const lines of plan) {
      if (isFixed(lines)) out += sevenBit ? lines.plain : lines.quoted;
      else {
        const text = filled[next++] ?? '';
        out += sevenBit ? toCrLf(text) : encodeQuotedPrintable(text);
      }
    }
    return { encoding: sevenBit ? '7bit' : 'quoted-printable', text: out };
  };
}

/** The fastest way to fill and encode a template; the message is the same as {@link encodeBody} of the filled template. */
export function bodyWriter(template: CompiledTemplate): BodyWriter {
  const { pieces } = template;
  return pieces ? plannedWriter(template, pieces) : (context) => encodeBody(template.fill(context));
}
