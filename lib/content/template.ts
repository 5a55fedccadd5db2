import type { Template } from 'liquidjs';
import { ALLOWED_FILTERS } from './filters';
import { ALLOWED_TAGS, MAX_OUTPUT, engineOf, type TemplateKind } from './engine';
import { ContentError, templateError, type ContentPart } from './errors';
import { fastPieces, fillPieces, type Fill, type Piece } from './fast-output';
import type { RenderContext } from './types';

/** A Liquid template, parsed and checked once. */
export interface CompiledTemplate {
  readonly part: ContentPart;
  readonly kind: TemplateKind;
  /** What was parsed; line breaks are `\n`. */
  readonly source: string;
  /** Paths the template reads from its context (`lead.name`, `unsubscribe_url`), sorted. */
  readonly variables: readonly string[];
  /** The parsed nodes, for analysis. */
  readonly nodes: readonly Template[];
  /** Set when the template only prints: see {@link fastPieces}. */
  readonly pieces: readonly Piece[] | undefined;
  /** Fills it for one lead. Throws {@link ContentError} (never retryable). */
  fill(context: RenderContext): string;
}

/** A template's line breaks as `\n`, so that the positions in errors and the mail's lines do not depend on who typed it. */
export function normalizeLineBreaks(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

/** Refuses a result (its length in characters) that is too long to be a message. */
export function checkLength(part: ContentPart, length: number): void {
  if (length <= MAX_OUTPUT) return;
  throw new ContentError(
    part,
    `The ${part} became ${length} characters long; at most ${MAX_OUTPUT} are allowed. Shorten the template or this lead's data.`,
  );
}

function hintFor(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (message.includes('undefined filter')) return `Available filters: ${ALLOWED_FILTERS.join(', ')}.`;
  if (/tag ".*" not found/.test(message)) return `Available tags: ${ALLOWED_TAGS.join(', ')}.`;
  if (message.includes('parse length limit'))
    return 'The template is too long; at most 500,000 characters are allowed.';
  return '';
}

const TIMED_OUT = 'template render limit exceeded';

function interpret(template: Omit<CompiledTemplate, 'fill'>, context: RenderContext): string {
  const engine = engineOf(template.kind);
  const nodes = [...template.nodes];
  const render = (): string => engine.renderSync(nodes, context) as string;
  try {
    try {
      return render();
    } catch (error) {
      // A process that was stopped, or paused for its garbage, also runs out of time: that is not the lead's fault.
      if (!(error instanceof Error) || !error.message.includes(TIMED_OUT)) throw error;
      return render();
    }
  } catch (error) {
    throw templateError(template.part, 'filled', error);
  }
}

/** Reads a Liquid template. Throws {@link ContentError} with line and column when it cannot be read. */
export function compileTemplate(part: ContentPart, text: string, kind: TemplateKind): CompiledTemplate {
  if (typeof text !== 'string')
    throw new ContentError(part, `The ${part} must be a text. Write the template as a string.`);
  const source = normalizeLineBreaks(text);
  const engine = engineOf(kind);
  let nodes: Template[];
  let variables: string[];
  let pieces: Piece[] | undefined;
  try {
    nodes = engine.parse(source);
    variables = engine.globalFullVariablesSync(nodes).sort();
    pieces = fastPieces(nodes, kind, part);
  } catch (error) {
    throw templateError(part, 'read', error, hintFor(error));
  }
  const base = { part, kind, source, variables, nodes, pieces };
  const fill = (context: RenderContext): string => {
    const text = pieces ? fillPieces(pieces, startFill(context)) : interpret(base, context);
    checkLength(part, text.length);
    return text;
  };
  return { ...base, fill };
}

/** Begins filling pieces for one lead. */
export function startFill(data: RenderContext): Fill {
  return { data, context: undefined };
}
