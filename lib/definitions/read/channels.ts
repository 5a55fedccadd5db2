import type { ChannelSettings, DefinitionDocument } from '../document';
import { at, type Problems } from '../problems';
import type { ReadChannel } from './types';

const NAMED = ['provider', 'account', 'template', 'subject', 'html', 'text', 'url', 'method'] as const;
const KNOWN: ReadonlySet<string> = new Set([...NAMED, 'enabled', 'priority']);

/** The properties of `written` that are not in `known`. */
export function others(
  written: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(written).filter(([name]) => !known.has(name)));
}

/** Those of these properties that are there. */
export function pick<Name extends string>(
  written: Readonly<Partial<Record<Name, string | undefined>>>,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const picked: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = written[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

/** Channels in the order in which they are to be used: by priority, then as written. A list is written in that order. */
export function readChannels(written: DefinitionDocument['channels'], path: string, problems: Problems): ReadChannel[] {
  if (written === undefined) return [];
  if (isList(written)) {
    return written.flatMap((name, index) => {
      if (written.indexOf(name) === index) return [{ name, enabled: true, more: {} }];
      problems.add(at(path, index), `The channel "${name}" is there twice.`);
      return [];
    });
  }
  const channels = Object.entries(written).map(([name, settings]): ReadChannel => {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(name))
      problems.add(at(path, name), 'A channel’s name has a letter first, then up to 31 letters, digits, "_" or "-".');
    return channelOf(name, settings, at(path, name), problems);
  });
  return channels.sort((a, b) => (a.priority ?? Infinity) - (b.priority ?? Infinity) || 0);
}

function isList(written: NonNullable<DefinitionDocument['channels']>): written is readonly string[] {
  return Array.isArray(written);
}

function channelOf(name: string, settings: ChannelSettings, path: string, problems: Problems): ReadChannel {
  const { enabled = true, priority } = settings;
  if (settings.url !== undefined && !/^https?:\/\/[^\s]+$/i.test(settings.url))
    problems.add(at(path, 'url'), 'This must be an address that begins with https:// or http://.');
  return {
    name,
    enabled,
    ...(priority === undefined ? {} : { priority }),
    ...pick(settings, NAMED),
    more: others(settings, KNOWN),
  };
}
