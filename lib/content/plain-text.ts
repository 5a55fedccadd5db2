import { compile as compileConverter } from 'html-to-text';
import { Output, Tokenizer, TypeGuards } from 'liquidjs';
import { engineOf } from './engine';
import { ContentError } from './errors';
import { BlockBalance, HtmlScanner } from './html-scan';
import { compileTemplate, type CompiledTemplate } from './template';

/**
 * The text part of content that has HTML only. Converting HTML costs far more than filling a template, so the HTML *template*
 * is converted once into a text *template*: its Liquid is put behind placeholders that look like words, the HTML around them
 * is converted, and the Liquid is put back. Where that could change the meaning (Liquid between the attributes of an element,
 * conditions that open an element and do not close it, `raw` HTML from data …), each lead's finished HTML is converted.
 */

const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

const convert = compileConverter({
  wordwrap: false,
  selectors: [
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, noAnchorUrl: true } },
    // Only what the picture says; its address is noise.
    { selector: 'img', options: { pathRewrite: () => '' } },
    ...['head', 'title', 'style', 'script'].map((selector) => ({ selector, format: 'skip' })),
    ...HEADINGS.map((selector) => ({ selector, options: { uppercase: false } })),
  ],
});

/** HTML as readable text. */
export function htmlToText(html: string): string {
  return convert(html);
}

const OPEN = '\ue000';
const CLOSE = '\ue001';
const PLACEHOLDER = /\ue000(\d+)\ue001/;

/** Tags whose content is not simply printed where it stands. */
const OPAQUE_TAGS = new Set(['raw', 'comment', 'capture', 'liquid', 'echo']);
/** Filters that make HTML, or undo its escaping. */
const MARKUP_FILTERS = new Set(['escape', 'escape_once', 'newline_to_br', 'raw']);
const LAST_ESCAPE = /\|\s*(?:escape|escape_once|newline_to_br)\s*(-?\}\})$/;

/** An output as it must stand in a text, or undefined when what it prints is HTML. */
function outputForText(source: string): string | undefined {
  const text = source.replace(LAST_ESCAPE, '$1');
  const [output] = engineOf('plain').parse(text);
  if (!(output instanceof Output)) return undefined;
  return output.value.filters.some((filter) => MARKUP_FILTERS.has(filter.name)) ? undefined : text;
}

/** Fixed text that Liquid must print as it is. */
function literal(text: string): string {
  return text.replace(/\{(?=[{%]|$)/g, '{{ "{" }}');
}

interface Marked {
  readonly html: string;
  /** What each placeholder stands for, by its number. */
  readonly sources: readonly string[];
  /** The numbers of the tags, in order. */
  readonly tags: readonly number[];
}

/** The template's HTML with placeholders for its Liquid, or undefined when that is not safe. */
function markLiquid(template: CompiledTemplate): Marked | undefined {
  if (template.source.includes(OPEN) || template.source.includes(CLOSE)) return undefined;
  const { options } = engineOf('html');
  const scanner = new HtmlScanner();
  const balance = new BlockBalance();
  const sources: string[] = [];
  const outputs = new Map<string, number>();
  const tags: number[] = [];
  let html = '';
  for (const token of new Tokenizer(template.source, options.operators).readTopLevelTokens(options)) {
    const source = token.getText();
    if (TypeGuards.isHTMLToken(token)) {
      html += source;
      for (const element of scanner.scan(source)) if (!balance.element(element)) return undefined;
      continue;
    }
    if (TypeGuards.isTagToken(token)) {
      if (OPAQUE_TAGS.has(token.name) || scanner.state !== 'text' || /\|\s*(?:escape|raw|newline_to_br)/.test(source))
        return undefined;
      if (!balance.tag(token.name)) return undefined;
      tags.push(sources.length);
      html += `${OPEN}${sources.length}${CLOSE}`;
      sources.push(source);
      continue;
    }
    if (scanner.state === 'tag') return undefined;
    // The same output twice gets the same placeholder, so that a link whose text is its address is recognised.
    let index = outputs.get(source);
    if (index === undefined) {
      const text = outputForText(source);
      if (text === undefined) return undefined;
      index = sources.length;
      outputs.set(source, index);
      sources.push(text);
    }
    html += `${OPEN}${index}${CLOSE}`;
  }
  return { html, sources, tags };
}

/** The text template of an HTML template, or undefined when each message has to be converted. */
function textTemplateSource(template: CompiledTemplate): { source: string; conditions: boolean } | undefined {
  const marked = markLiquid(template);
  if (!marked) return undefined;
  const parts = htmlToText(marked.html).split(PLACEHOLDER);
  const seen: number[] = [];
  const text = parts.map((part, position) => {
    if (position % 2 === 0) return literal(part);
    const index = Number(part);
    if (marked.tags.includes(index)) seen.push(index);
    return marked.sources[index] ?? '';
  });
  // A tag that the conversion lost or moved would make another template of it.
  return seen.join() === marked.tags.join() ? { source: text.join(''), conditions: seen.length > 0 } : undefined;
}

function tidy(text: string): string {
  // Most messages need nothing; looking is far cheaper than replacing.
  if (!text.includes('\n\n\n') && !text.includes(' \n') && !text.includes('\t\n')) return text.trim();
  return text
    .replace(/[ \t]+\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** How the text part came about. */
export type TextOrigin = 'written' | 'template' | 'message';

/**
 * The text part for an HTML template. `origin` is `template` when the template was converted, `message` when each lead's finished
 * HTML (`finished`, with everything we add to it) has to be. `addLink` puts the unsubscribe link into a text template that lacks it.
 */
export function deriveText(
  html: CompiledTemplate,
  finished: CompiledTemplate,
  addLink: (template: CompiledTemplate) => CompiledTemplate,
): { template: CompiledTemplate; origin: TextOrigin } {
  const text = textTemplateSource(html);
  if (text) {
    const template = addLink(compileTemplate('text', text.source, 'plain'));
    if (!text.conditions) return { template, origin: 'template' };
    // Conditions that print nothing leave their blank lines behind.
    const fill: CompiledTemplate['fill'] = (context) => tidy(template.fill(context));
    return { template: { ...template, pieces: undefined, fill }, origin: 'template' };
  }
  const converted: CompiledTemplate['fill'] = (context) => {
    const filled = finished.fill(context);
    try {
      return htmlToText(filled);
    } catch (cause) {
      throw new ContentError('text', 'The text part cannot be made from the HTML of this lead. Write a text part.', {
        cause,
      });
    }
  };
  return {
    template: { ...finished, part: 'text', kind: 'plain', pieces: undefined, fill: converted },
    origin: 'message',
  };
}
