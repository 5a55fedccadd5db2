import { Output, TypeGuards, type Template } from 'liquidjs';
import { escapeHtml, type TemplateKind } from './engine';
import { ContentError } from './errors';
import { compileTemplate, type CompiledTemplate } from './template';
import type { ContentLanguage } from './types';

/** The variable that holds a lead's own unsubscribe link. */
export const UNSUBSCRIBE_VARIABLE = 'unsubscribe_url';

const WORDS: Readonly<Record<ContentLanguage, { why: string; link: string; text: string }>> = {
  en: {
    why: 'You receive this e-mail because your address is on our mailing list.',
    link: 'Unsubscribe',
    text: 'Unsubscribe',
  },
  de: {
    why: 'Sie erhalten diese E-Mail, weil Ihre Adresse in unserem Verteiler steht.',
    link: 'Abmelden',
    text: 'Abmelden',
  },
};

function htmlFooter(language: ContentLanguage): string {
  const { why, link } = WORDS[language];
  // Colours are left to the mail program: what we chose could not be read on the background that the author chose.
  return (
    `<div lang="${language}" style="margin:24px 0 0;padding:16px 8px;border-top:1px solid #8c8c8c;` +
    `font:14px/1.5 Arial,Helvetica,sans-serif;text-align:center">${why} ` +
    `<a href="{{ ${UNSUBSCRIBE_VARIABLE} }}" style="color:inherit;text-decoration:underline">${link}</a></div>`
  );
}

function textFooter(language: ContentLanguage): string {
  return `\n\n${WORDS[language].text}: {{ ${UNSUBSCRIBE_VARIABLE} }}\n`;
}

// Conditional comments are markup to one mail program and must not hide the only link from the others.
const HTML_COMMENT = /<!--[\s\S]*?(?:-->|$)/g;

/** Filters after which the link still is the link. In a text, `escape` would spoil it. */
const HARMLESS: ReadonlySet<string> = new Set(['default', 'raw', 'strip']);

function printsLink(node: Template, kind: TemplateKind): boolean {
  if (!(node instanceof Output)) return false;
  const [token] = node.value.initial.postfix;
  if (node.value.initial.postfix.length !== 1 || !TypeGuards.isPropertyAccessToken(token)) return false;
  const [name] = token.props;
  const filters = node.value.filters.map((filter) => filter.name).filter((filter) => !filter.startsWith('['));
  return (
    token.variable === undefined &&
    token.props.length === 1 &&
    TypeGuards.isWordToken(name) &&
    name.content === UNSUBSCRIBE_VARIABLE &&
    filters.every((filter) => HARMLESS.has(filter) || (filter === 'escape' && kind === 'html'))
  );
}

/** Whether everybody gets the link, or nobody, or it depends on conditions. */
function linkUse(template: CompiledTemplate): 'always' | 'sometimes' | 'never' {
  const hidden: [number, number][] = [];
  if (template.kind === 'html') {
    for (const match of template.source.matchAll(HTML_COMMENT))
      hidden.push([match.index, match.index + match[0].length]);
  }
  const isHidden = ({ token }: Template): boolean =>
    hidden.some(([from, to]) => token.begin >= from && token.begin < to);
  const links = template.nodes.filter((node) => printsLink(node, template.kind));
  if (links.some((node) => !isHidden(node))) return 'always';
  // Hidden in a comment only: as good as absent.
  if (links.length > 0 || !template.variables.includes(UNSUBSCRIBE_VARIABLE)) return 'never';
  return 'sometimes';
}

function placeInHtml(html: string, footer: string): string {
  const end = [...html.matchAll(/<\/body\s*>/gi)].at(-1) ?? [...html.matchAll(/<\/html\s*>/gi)].at(-1);
  return end === undefined ? html + footer : html.slice(0, end.index) + footer + html.slice(end.index);
}

function placeInText(text: string, footer: string): string {
  return text.trimEnd() + footer;
}

/**
 * The template with an unsubscribe link for everybody (AC-017.1): unchanged when it has one; with a footer when it has none; and
 * when the link stands under a condition, each message is looked at and gets the footer if the condition left the link out.
 */
export function withUnsubscribeLink(template: CompiledTemplate, language: ContentLanguage): CompiledTemplate {
  const html = template.kind === 'html';
  const footer = html ? htmlFooter(language) : textFooter(language);
  const place = html ? placeInHtml : placeInText;
  const use = linkUse(template);
  if (use === 'always') return template;
  if (use === 'sometimes') {
    const footerTemplate = compileTemplate(template.part, footer, template.kind);
    return {
      ...template,
      pieces: undefined,
      fill: (context) => {
        const body = template.fill(context);
        const url = context.unsubscribe_url;
        if (url === undefined || body.includes(html ? escapeHtml(url) : url)) return body;
        return place(body, footerTemplate.fill(context));
      },
    };
  }
  for (const source of [place(template.source, footer), template.source + footer]) {
    const candidate = compileTemplate(template.part, source, template.kind);
    if (linkUse(candidate) === 'always') return candidate;
  }
  throw new ContentError(
    template.part,
    `The unsubscribe link cannot be added to the ${template.part}: it ends inside a comment. Close the comment, or write {{ ${UNSUBSCRIBE_VARIABLE} }} where the link belongs.`,
  );
}
