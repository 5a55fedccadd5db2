/** Where the translations of these texts are: the catalogue of the editor plugin, which all nodes share. */
const CATALOGUE = '@nexus/node-red-marketing/marketing-editor';

/** English texts of the badges under the nodes. At most 20 characters with their numbers. */
export const STATUS_TEXTS = {
  connecting: 'connecting',
  noStore: 'no store',
  noAccount: 'no account',
  unreachable: 'database unreachable',
  storeFailed: 'store not usable',
  deploying: 'starting',
  notInJourney: 'not in a journey',
  idle: 'idle',
  error: 'error',
  invalid: 'not complete',
  duplicateStep: 'duplicate step name',
  duplicateDefinition: 'duplicate key',
  otherStore: 'different stores',
  journeyInvalid: 'journey not valid',
  template: 'template error',
  condition: 'condition error',
  unknownSegment: 'unknown segment',
  held: 'held: server down',
  waiting: '__shown__ waiting',
  votes: '__shown__ wait, __votes__',
  raised: '__shown__ raised',
  entered: '__shown__ entered',
  enteredRefused: '__shown__ in, __refused__ not',
  sent: '__shown__ sent',
  sentFailed: '__sent__ / __failed__ failed',
  decided: '__yes__ yes, __no__ no',
  divided: '__shown__ divided',
  saved: '__shown__ saved',
  rejected: '__shown__ rejected',
  recorded: '__shown__ recorded',
  events: '__shown__ events',
  joined: '__shown__ joined',
  scored: '__shown__ scored',
  reached: '__shown__ reached',
  done: 'done',
} as const;

/** Names a badge text. */
export type StatusText = keyof typeof STATUS_TEXTS;

/** Node-RED's translation function, as much of it as is used here. */
export type Translate = (key: string, options: Record<string, string>) => unknown;

/** The text in the runtime's language; English where there is no translation. */
export function statusText(
  translate: Translate,
  name: StatusText,
  values: Readonly<Record<string, string>> = {},
): string {
  const fallback = fill(STATUS_TEXTS[name], values);
  const key = `${CATALOGUE}:status.${name}`;
  const translated: unknown = translate(key, { ...values, defaultValue: fallback });
  if (typeof translated !== 'string' || translated === '' || key.endsWith(translated)) return fallback;
  return translated;
}

// Making one for each number would cost more than the message it counts.
const grouped = new Intl.NumberFormat('en-US');

/** A count in few characters: 9,999 · 12.3k · 1.2M. */
export function shortCount(count: number): string {
  if (count < 10_000) return grouped.format(count);
  if (count < 999_950) return `${(count / 1000).toFixed(count < 99_950 ? 1 : 0)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/__(\w+?)__/g, (whole, name: string) => values[name] ?? whole);
}
