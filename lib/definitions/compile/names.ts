import { createHash } from 'node:crypto';

/** Longest step name and definition key, as the tables hold them. */
const MAX_NAME = 128;

/** A node id: the same for the same definition and place in it, in every version. */
export function nodeId(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** A name for a step made from any text: lower case, without accents, words joined by a hyphen. */
export function slug(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64);
}

/** The key of the journey that an event starts: the definition's, and the event. */
export function eventKey(definition: string, event: string): string {
  const key = `${definition}.${event.replace(/[^\p{L}\p{N}_.-]+/gu, '-')}`;
  return key.length <= MAX_NAME ? key : `${key.slice(0, MAX_NAME - 9)}-${nodeId(key).slice(0, 8)}`;
}

/** Hands out names, each once: the second `mail` is `mail-2`. */
export class UniqueNames {
  private readonly taken = new Set<string>();

  take(wanted: string): string {
    let name = wanted;
    for (let number = 2; this.taken.has(name); number++) name = `${wanted}-${number}`;
    this.taken.add(name);
    return name;
  }
}

/** The beginning of a text, for labels. */
export function shorten(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= length ? line : `${line.slice(0, length - 1).trimEnd()}…`;
}

/** `send_to_sales_team` as people say it: "Send to sales team". */
export function spoken(name: string): string {
  return capital(name.replace(/[_-]+/g, ' ').trim());
}

/** A channel as sentences call it. */
export function channelName(channel: string): string {
  if (channel === 'email') return 'e-mail';
  return channel === 'sms' ? 'SMS' : channel.replace(/[_-]+/g, ' ');
}

/** With a capital letter, as sentences and labels begin. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
