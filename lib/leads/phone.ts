import { parsePhoneNumberFromString, isSupportedCountry } from 'libphonenumber-js/min';

/**
 * A telephone number in E.164 ("+49301234567"), or undefined when it is none that can exist.
 * @param country the lead's country, for numbers written the local way
 */
export function normalisePhone(given: string, country: string | undefined): string | undefined {
  const text = given.trim().replace(/^00(?=[1-9])/, '+');
  if (text.length > 40) return undefined;
  const region = country && isSupportedCountry(country) ? country : undefined;
  const parsed = parsePhoneNumberFromString(text, { ...(region ? { defaultCountry: region } : {}), extract: false });
  return parsed?.isPossible() ? parsed.number : undefined;
}
