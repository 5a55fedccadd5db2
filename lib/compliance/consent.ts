/**
 * Where consent must be on record before a lead is contacted (BR-011): the European Union, the rest of the European Economic Area and
 * the United Kingdom. ISO 3166-1 alpha-2. Switzerland is not in the rule.
 */
export const EU_EEA_UK: ReadonlySet<string> = new Set([
  ...[
    'AT',
    'BE',
    'BG',
    'CY',
    'CZ',
    'DE',
    'DK',
    'EE',
    'ES',
    'FI',
    'FR',
    'GR',
    'HR',
    'HU',
    'IE',
    'IT',
    'LT',
    'LU',
    'LV',
    'MT',
    'NL',
  ],
  ...['PL', 'PT', 'RO', 'SE', 'SI', 'SK'],
  ...['IS', 'LI', 'NO'],
  'GB',
]);

/**
 * Codes of their own for territory of the Union, where its law applies (Treaty on the Functioning of the EU, article 355):
 * Åland and the French outermost regions. `EL` and `UK` are what EU institutions write for GR and GB.
 */
const SAME_LAW: readonly string[] = ['AX', 'GF', 'GP', 'MF', 'MQ', 'RE', 'YT', 'EL', 'UK'];

/** All country codes for which {@link needsConsent} says yes: for the same rule in SQL. */
export const CONSENT_COUNTRIES: ReadonlySet<string> = new Set([...EU_EEA_UK, ...SAME_LAW]);

/** What to assume about a lead whose country nobody knows. */
export interface ConsentOptions {
  /** `require` (default): treated like a lead in the EU. `allow`: like one outside. */
  readonly unknownCountry?: 'require' | 'allow';
}

const COUNTRY = /^[A-Z]{2}$/;

/**
 * Whether a lead of this country may be contacted only with consent (BR-011). Anything that is no country code counts as
 * unknown.
 */
export function needsConsent(country: string | null | undefined, options: ConsentOptions = {}): boolean {
  const code = country?.trim().toUpperCase() ?? '';
  return COUNTRY.test(code) ? CONSENT_COUNTRIES.has(code) : options.unknownCountry !== 'allow';
}
