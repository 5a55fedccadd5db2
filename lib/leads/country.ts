/** ISO 3166-1 alpha-2, the assigned codes. */
const CODES = new Set(
  (
    'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
    'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR ' +
    'GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO ' +
    'JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR ' +
    'MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO ' +
    'RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV ' +
    'TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW'
  ).split(' '),
);

/** Spellings that are neither a code nor a name of the country in English, German or French. */
const SPELLINGS: Readonly<Record<string, string>> = {
  uk: 'GB',
  'great britain': 'GB',
  britain: 'GB',
  england: 'GB',
  scotland: 'GB',
  wales: 'GB',
  grossbritannien: 'GB',
  'grande bretagne': 'GB',
  angleterre: 'GB',
  usa: 'US',
  'u s a': 'US',
  'u s': 'US',
  america: 'US',
  'united states of america': 'US',
  'vereinigte staaten von amerika': 'US',
  'etats unis d amerique': 'US',
  holland: 'NL',
  'the netherlands': 'NL',
  'czech republic': 'CZ',
  tschechei: 'CZ',
  'republique tcheque': 'CZ',
  turkey: 'TR',
  'south korea': 'KR',
  korea: 'KR',
  'north korea': 'KP',
  'russian federation': 'RU',
  'ivory coast': 'CI',
  vatican: 'VA',
  macedonia: 'MK',
  swaziland: 'SZ',
  burma: 'MM',
  uae: 'AE',
  'slovak republic': 'SK',
  deu: 'DE',
  aut: 'AT',
  che: 'CH',
  fra: 'FR',
  gbr: 'GB',
  ita: 'IT',
  esp: 'ES',
  jpn: 'JP',
  bra: 'BR',
  ind: 'IN',
  aus: 'AU',
  can: 'CA',
  nld: 'NL',
  pol: 'PL',
  österreich: 'AT',
};

let names: Map<string, string> | undefined;

/** Letters only, lower case, without accents: how names of countries are compared. */
function plain(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/[^\p{L}]+/gu, ' ')
    .replace(/^the /, '')
    .trim();
}

function allNames(): Map<string, string> {
  if (names) return names;
  names = new Map();
  for (const language of ['en', 'de', 'fr']) {
    const display = new Intl.DisplayNames([language], { type: 'region', fallback: 'none' });
    for (const code of CODES) {
      const name = display.of(code);
      if (name) names.set(plain(name), code);
    }
  }
  for (const [spelling, code] of Object.entries(SPELLINGS)) names.set(plain(spelling), code);
  return names;
}

/** Names that were looked up: a list of leads says the same few again and again. */
const lookedUp = new Map<string, string | undefined>();
const MOST_LOOKED_UP = 1_000;

/** The ISO 3166-1 alpha-2 code of a country given by code or by name (English, German, French), or undefined. */
export function normaliseCountry(given: string): string | undefined {
  const code = given.trim().toUpperCase();
  if (CODES.has(code)) return code;
  if (given.length > 80) return undefined;
  if (lookedUp.has(given)) return lookedUp.get(given);
  const found = allNames().get(plain(given));
  if (lookedUp.size >= MOST_LOOKED_UP) lookedUp.clear();
  lookedUp.set(given, found);
  return found;
}
