import { printDuration } from '../../conditions';
import type { ConditionSource, ReadDefinition } from '../read/types';

/** What a definition says besides its journeys, in Markdown, for the comment node. */
export function describe(definition: ReadDefinition, journeys: readonly string[], owned: boolean): string {
  const { key, name, description, version } = definition;
  return [
    owned ? ownedNotice(key) : '',
    description ?? '',
    `The definition \`${key}\`${version === undefined ? '' : `, version ${version}`}. ${howItRuns(definition, journeys)}`,
    chapter('Targeting', targetingOf(definition)),
    chapter('Data', dataOf(definition)),
    chapter('Stages', stagesOf(definition)),
    chapter('Transitions', transitionsOf(definition)),
    chapter('Escalation', escalationOf(definition)),
    chapter('Return on investment', roiOf(definition)),
    chapter('Compliance', complianceOf(definition)),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .replace(/^(?!$)/, `# ${name}\n\n`)
    .concat('\n');
}

function ownedNotice(key: string): string {
  return `> **The database owns this tab.** It is drawn from the newest version of the definition \`${key}\`: change it with \`nexus-marketing definition save\`. What is drawn here is overwritten. To go on drawing, take a copy of \`nexus-marketing compile\` and give it a definition key of its own.`;
}

function howItRuns({ key, journeyless }: ReadDefinition, journeys: readonly string[]): string {
  if (journeyless)
    return 'It has no journey: its campaigns are kept, with their data and stages, and nobody is sent anything. Draw one behind a trigger node with this definition key, or give the definition channels or a sequence.';
  const launched = journeys.includes(key) ? `Launch it with \`nexus-marketing campaign launch ${key}\`. ` : '';
  const events = journeys.filter((journey) => journey !== key).map((journey) => `\`${journey}\``);
  return `${launched}${events.length > 0 ? `Events start ${events.join(', ')}.` : ''}`.trim();
}

function targetingOf({ targeting }: ReadDefinition): string[] {
  const { segment, condition } = targeting;
  return [
    ...(segment === undefined ? [] : [`Who is in the segment \`${segment}\``]),
    ...(condition === undefined ? [] : [`Of whom this is true: ${printed(condition)}`]),
  ];
}

function dataOf({ fields, document }: ReadDefinition): string[] {
  return fields.map(({ name, type, required }) => {
    const schema: Readonly<Record<string, unknown>> = document.dataSchema ?? {};
    const written = schema[name];
    const about: unknown =
      typeof written === 'object' && written !== null ? Reflect.get(written, 'description') : undefined;
    const kind = type === 'any' ? '' : `: ${type}`;
    return `\`${name}\`${kind}${required ? ', required' : ''}${typeof about === 'string' ? `. ${about}` : ''}`;
  });
}

function stagesOf({ stages = [] }: ReadDefinition): string[] {
  return stages.map(({ name, state }) => (name === state ? `\`${name}\`` : `\`${name}\` (${state})`));
}

function transitionsOf({ transitions }: ReadDefinition): string[] {
  return Object.entries(transitions).map(
    ([action, { from, to, condition }]) =>
      `**${action}**: ${from.join(' or ')} → ${to}${condition === undefined ? '' : `, if ${printed(condition)}`}`,
  );
}

function escalationOf({ escalation }: ReadDefinition): string[] {
  return escalation.map(
    ({ afterMs, condition, action }) =>
      `${printDuration(afterMs)} after the launch: **${action}**${condition === undefined ? '' : `, if ${printed(condition)}`}`,
  );
}

function roiOf({ roi }: ReadDefinition): string[] {
  const { budget, targetRevenue, threshold, breachActions } = roi;
  return [
    budget === undefined ? '' : `Budget: ${budget}`,
    targetRevenue === undefined ? '' : `Revenue that is wanted: ${targetRevenue}`,
    threshold === undefined ? '' : `Revenue over cost, at least: ${threshold}`,
    breachActions.length === 0 ? '' : `When that is missed: ${breachActions.join(' and ')}`,
  ].filter((line) => line !== '');
}

function complianceOf({ compliance, document }: ReadDefinition): string[] {
  const { gdpr, consentRequired, retentionDays } = compliance;
  if (document.compliance === undefined) return [];
  return [
    consentRequired ? 'Everybody must have consented' : gdpr ? 'Whoever lives in the EU must have consented' : '',
    retentionDays === undefined ? '' : `Data is kept for ${retentionDays} days`,
  ].filter((line) => line !== '');
}

function printed(condition: ConditionSource): string {
  return `\`${typeof condition === 'string' ? condition : JSON.stringify(condition)}\``;
}

function chapter(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `## ${title}\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
}
