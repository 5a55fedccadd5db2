import { post } from './api';
import { type ConditionCheck, type TemplateCheck } from './types';

/** Texts of a message as the template check takes them. */
export type Content = Record<string, string>;

/**
 * Verdicts of the runtime about texts, kept for this browser session only: a validator must answer at once and may not
 * store anything in the node, since that would end up in exported flows.
 */
const conditionVerdicts = new Map<string, ConditionCheck>();
const templateVerdicts = new Map<string, TemplateCheck>();
const asked = new Set<string>();

/** At most one background question at a time: opening a tab with 100 conditions must not flood the runtime. */
let background = Promise.resolve();

/** The verdict about a condition, or undefined while nobody has asked for it. */
export function knownCondition(store: string, condition: string, about?: 'event'): ConditionCheck | undefined {
  return conditionVerdicts.get(conditionKey(store, condition, about));
}

/** Asks the runtime about a condition and remembers the verdict. Throws ApiError when it cannot judge. */
export async function checkCondition(store: string, condition: string, about?: 'event'): Promise<ConditionCheck> {
  const key = conditionKey(store, condition, about);
  const known = conditionVerdicts.get(key);
  if (known !== undefined) return known;
  const verdict = await post<ConditionCheck>('marketing/condition/check', { store, condition, about });
  conditionVerdicts.set(key, verdict);
  return verdict;
}

/** Asks about a condition of a node that nobody has opened yet, and validates the node again if it turns out wrong. */
export function checkConditionLater(node: RedNode, store: string, condition: string, about?: 'event'): void {
  later(conditionKey(store, condition, about), async () => {
    const verdict = await checkCondition(store, condition, about);
    if (!verdict.ok) markInvalid(node);
  });
}

/** The verdict about a message's texts, or undefined while nobody has asked for it. */
export function knownTemplate(content: Content): TemplateCheck | undefined {
  return templateVerdicts.get(templateKey(content));
}

/** Asks the runtime whether the texts parse and remembers the verdict. Throws ApiError when it cannot judge. */
export async function checkTemplate(content: Content): Promise<TemplateCheck> {
  const key = templateKey(content);
  const known = templateVerdicts.get(key);
  if (known !== undefined) return known;
  const verdict = await post<TemplateCheck>('marketing/template/check', { content });
  templateVerdicts.set(key, verdict);
  return verdict;
}

/** Forgets what was said about conditions: attributes and segments change with every deploy. */
export function forgetConditions(): void {
  conditionVerdicts.clear();
  asked.clear();
}

function later(key: string, question: () => Promise<void>): void {
  if (asked.has(key)) return;
  asked.add(key);
  // A store that is not deployed, or a session that is logged out, says nothing about the text: leave the node as it is.
  background = background.then(question).catch(() => undefined);
}

function markInvalid(node: RedNode): void {
  RED.editor.validateNode(node);
  RED.view.redraw();
}

function conditionKey(store: string, condition: string, about = ''): string {
  return `${store}\n${about}\n${condition}`;
}

function templateKey(content: Content): string {
  return JSON.stringify(Object.entries(content).sort());
}
