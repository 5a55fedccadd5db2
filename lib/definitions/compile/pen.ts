import type { FieldTypes } from '../../conditions';
import type { ConditionSource, ReadChannel, ReadDefinition, ReadWait } from '../read/types';
import { Accounts, type ChosenAccount, type Wanted } from './accounts';
import { consentBox, segmentBox, sendBox, triggerBox, type Sending } from './boxes';
import { personCondition } from './conditions';
import { channelName, nodeId, shorten } from './names';
import type { Box, CompileOptions } from './types';

/** Channels that a person is written to on. What goes to another system asks nobody's consent. */
const PERSONAL: ReadonlySet<string> = new Set([
  'email',
  'sms',
  'whatsapp',
  'push',
  'in_app',
  'voice',
  'phone',
  'social',
]);

/** Draws the boxes of one definition, and remembers what somebody has to be told. */
export class Pen {
  readonly accounts: Accounts;
  private readonly told = new Set<string>();
  private readonly templates = new Set<string>();
  private readonly attributes: FieldTypes;

  constructor(
    readonly definition: ReadDefinition,
    readonly store: string,
    private readonly options: CompileOptions,
  ) {
    this.accounts = new Accounts((...place) => this.id(...place), options.accounts ?? []);
    this.attributes = options.attributes ?? {};
  }

  get warnings(): readonly string[] {
    const names = [...this.templates].map((template) => `"${template}"`).join(', ');
    const needed = `It sends the saved templates ${names}: they must be there before people come.`;
    return [...this.told, ...(names === '' ? [] : [needed])];
  }

  /** A saved template that is sent. */
  needTemplate(key: string): void {
    this.templates.add(key);
  }

  warn(sentence: string): void {
    this.told.add(sentence);
  }

  /** The id of something that the definition draws: the same in every version. */
  id(...place: readonly string[]): string {
    return nodeId(this.options.space ?? '', this.definition.key, ...place);
  }

  trigger(place: readonly string[], name: string, trigger: Parameters<typeof triggerBox>[1]): Box {
    return triggerBox({ id: this.id(...place), name, store: this.store }, trigger);
  }

  /** @param where what the condition belongs to, for warnings: `the step "welcome-2"` */
  onlyIf(place: readonly string[], source: ConditionSource, where: string, name?: string): Box {
    const expression = this.condition(source, where);
    const label = name ?? `If ${shorten(expression, 44)}`;
    return segmentBox({ id: this.id(...place), name: label, store: this.store }, { condition: expression });
  }

  /** A condition about people as one expression; says which attributes have to be declared for it. */
  condition(source: ConditionSource, where: string, event = false): string {
    const { expression, undeclared } = personCondition(source, this.definition.fields, this.attributes, event);
    for (const attribute of undeclared) {
      this.warn(
        `The condition of ${where} reads "lead.${attribute}": declare this attribute (nexus-marketing import FILE --declare), or nobody is let in.`,
      );
    }
    return expression;
  }

  /** What a step waits for, as a delay node takes it. @param where what it belongs to, for warnings */
  waited(what: ReadWait['for'], where: string): ReadWait['for'] {
    if (what.kind === 'segment' || what.condition === undefined) return what;
    return { ...what, condition: this.condition(what.condition, where, what.kind === 'event') };
  }

  inSegment(place: readonly string[], segment: string): Box {
    return segmentBox({ id: this.id(...place), name: `In segment ${segment}?`, store: this.store }, { segment });
  }

  /** The consent check of a channel; undefined for channels that reach no person. */
  consent(place: readonly string[], channel: string, disabled = false): Box | undefined {
    if (!PERSONAL.has(channel)) return undefined;
    const { gdpr, consentRequired } = this.definition.compliance;
    const declared = this.definition.document.compliance;
    const refused = declared?.gdpr === false && declared.consent_required === false;
    const drawn = { id: this.id(...place), name: `May get ${channelName(channel)}?`, store: this.store, disabled };
    return consentBox(drawn, channel, consentRequired ? 'all' : gdpr || !refused ? 'eu' : 'none');
  }

  /** The account for a channel; says what has to be filled in. */
  account(wanted: Wanted): ChosenAccount {
    const account = this.accounts.choose(wanted);
    const what = wanted.isAction ? `The action "${wanted.channel}"` : `The channel "${wanted.channel}"`;
    if (account.missing) this.warn(`${what} has no account yet, and people wait there: ${howToFill(wanted)}`);
    return account;
  }

  send(place: readonly string[], name: string, sending: Sending, disabled = false): Box {
    return sendBox({ id: this.id(...place), name, store: this.store, disabled }, sending);
  }

  /** The settings of a channel, if the definition has any. */
  channel(name: string): ReadChannel | undefined {
    return this.definition.channels.find((channel) => channel.name === name);
  }
}

function howToFill({ channel, isAction = false }: Wanted): string {
  if (channel === 'email')
    return 'fill in the mail server and the sender of its account node, or choose another account.';
  if (isAction) return 'fill in the address of the system that does it, in its send node.';
  return 'choose what sends it in its account node: until an account can, let it be a webhook of a gateway.';
}
