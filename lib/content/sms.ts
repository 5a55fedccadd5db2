/** How a text message is billed: which alphabet it needs, and how many short messages it takes. */
export interface SmsSize {
  /** GSM 03.38 holds 160 characters in one message; everything else is sent as UCS-2, 70 at a time. */
  readonly encoding: 'gsm7' | 'ucs2';
  /** Units of the encoding: some GSM characters take two, and so do characters outside the BMP. */
  readonly units: number;
  readonly segments: number;
}

/** 3GPP TS 23.038, 6.2.1: the default alphabet. */
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
/** 6.2.1.1: its extension; each takes two units. */
const EXTENDED = new Set('^{}\\[~]|€\f');

/** Units of one message alone, and of each part of a longer one (its header takes the difference). */
const CAPACITY = { gsm7: { alone: 160, part: 153 }, ucs2: { alone: 70, part: 67 } } as const;

/** The size of a text message. An empty text is one message. */
export function smsSize(text: string): SmsSize {
  const gsm = gsmUnits(text);
  const encoding = gsm === undefined ? 'ucs2' : 'gsm7';
  const units = gsm ?? text.length;
  const { alone, part } = CAPACITY[encoding];
  return { encoding, units, segments: units <= alone ? 1 : Math.ceil(units / part) };
}

/** Units in the GSM alphabet, or undefined when it does not have all of the characters. */
function gsmUnits(text: string): number | undefined {
  let units = 0;
  for (const character of text) {
    if (BASIC.has(character)) units += 1;
    else if (EXTENDED.has(character)) units += 2;
    else return undefined;
  }
  return units;
}
