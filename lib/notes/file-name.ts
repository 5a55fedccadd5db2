import { InputError } from '../errors';

const LONGEST = 150;
/** Control characters, what Windows and shells do not take, and marks that turn the reading direction around. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}<>:"|?*\\/]/gu;
/** Names that mean a device on Windows, whatever follows their dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/**
 * A name that can be used for a file anywhere: without folders, without characters that mean something to a system.
 * @throws InputError `E_ATTACHMENT_NAME` when nothing is left
 */
export function safeFileName(given: string): string {
  const last = given.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const clean = last
    .replace(UNSAFE, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '')
    .replace(DEVICE, '_$&');
  if (!/[\p{L}\p{N}]/u.test(clean)) {
    throw new InputError('E_ATTACHMENT_NAME', 'An attachment needs a file name such as "plan.pdf".');
  }
  return shorten(clean);
}

/** Cuts the part before the ending. */
function shorten(name: string): string {
  const characters = [...name];
  if (characters.length <= LONGEST) return name;
  const ending = [...(/\.[\p{L}\p{N}]{1,10}$/u.exec(name)?.[0] ?? '')];
  return [...characters.slice(0, LONGEST - ending.length), ...ending].join('');
}
