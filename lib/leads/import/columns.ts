import { InputError } from '../../errors';
import type { AttributeType, BuiltInField } from '../types';

/** What a column of a file is about. */
export type ColumnTarget =
  | { readonly kind: 'field'; readonly field: BuiltInField }
  | { readonly kind: 'attribute'; readonly name: string }
  | { readonly kind: 'first-name' }
  | { readonly kind: 'last-name' }
  /** Yes: granted; no: revoked. */
  | { readonly kind: 'consent'; readonly channel: string }
  /** Yes: revoked. No says nothing. */
  | { readonly kind: 'opt-out'; readonly channel: string }
  /** Yes: the lead's addresses go on the suppression list. */
  | { readonly kind: 'suppressed' };

/** A column of the file that is used. */
export interface Column {
  readonly index: number;
  readonly header: string;
  readonly target: ColumnTarget;
}

const FIELD_NAMES: Readonly<Record<BuiltInField, string>> = {
  email: 'email mail emailaddress mailaddress emailadresse mailadresse adresseemail adressemail courriel',
  externalId: 'externalid extid crmid customerid customernumber contactid kundennummer kundennr numeroclient',
  name: 'name fullname contactname displayname vollername nomcomplet',
  phone:
    'phone phonenumber telephone telephonenumber tel mobile mobilephone mobilenumber cell cellphone telefon telefonnummer handy mobil portable',
  country: 'country countrycode land pays nation',
  timeZone: 'timezone tz zeitzone fuseauhoraire',
  score: 'score leadscore',
};

const OTHER_NAMES: readonly [names: string, target: ColumnTarget][] = [
  ['firstname givenname forename vorname prenom', { kind: 'first-name' }],
  ['lastname surname familyname nachname familienname nom', { kind: 'last-name' }],
  ['consent optin marketingconsent newsletter', { kind: 'consent', channel: 'email' }],
  ['optout optoutall optedout donotcontact', { kind: 'opt-out', channel: '*' }],
  ['unsubscribed unsubscribe abgemeldet', { kind: 'opt-out', channel: 'email' }],
  ['suppressed blocked blacklisted gesperrt', { kind: 'suppressed' }],
];

/** Names of the same attribute, should it be declared under one of them. */
const ATTRIBUTE_NAMES = [
  'zip zipcode postalcode postcode plz codepostal',
  'city town ort stadt ville',
  'company organisation organization firma societe',
];

const KNOWN = new Map<string, ColumnTarget>([
  ...Object.entries(FIELD_NAMES).flatMap(([field, names]) =>
    names.split(' ').map((name): [string, ColumnTarget] => [name, { kind: 'field', field: field as BuiltInField }]),
  ),
  ...OTHER_NAMES.flatMap(([names, target]) => names.split(' ').map((name): [string, ColumnTarget] => [name, target])),
]);

/** Letters and digits, lower case, without accents: how column names are compared. */
export function plainName(header: string): string {
  return header
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/ß/g, 'ss')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');
}

/** How the columns of a file are used. */
export interface ColumnPlan {
  readonly headers: readonly string[];
  readonly columns: readonly Column[];
  /** Columns that nothing is known about: ignored, or declared when that was asked for. */
  readonly unknown: readonly { readonly index: number; readonly header: string }[];
}

/**
 * Finds out what each column is about: what the caller says, then the usual names, then the declared attributes.
 * @param mapping column name → field or attribute (or `consent:email`, `opt-out:*`, `suppressed`); `''` leaves a column out
 * @throws InputError `E_CSV_NO_EMAIL` when nothing says who the leads are; `E_CSV_MAPPING` for a column that the file does not have
 */
export function planColumns(
  headers: readonly string[],
  attributes: ReadonlyMap<string, AttributeType>,
  mapping: Readonly<Record<string, string>>,
): ColumnPlan {
  const said = new Map(Object.entries(mapping).map(([header, field]) => [plainName(header), field]));
  for (const [header] of Object.entries(mapping)) {
    if (!headers.some((other) => plainName(other) === plainName(header))) {
      throw new InputError('E_CSV_MAPPING', `The file has no column "${header}". Its columns are: ${listed(headers)}.`);
    }
  }
  const byPlainName = new Map(Array.from(attributes.keys(), (name) => [plainName(name), name]));
  const taken = new Set<string>();
  const columns: Column[] = [];
  const unknown: { index: number; header: string }[] = [];
  headers.forEach((header, index) => {
    const name = plainName(header);
    const target = said.has(name) ? targetOf(said.get(name) ?? '', attributes) : find(name, byPlainName);
    const key = JSON.stringify(target);
    if (!target || taken.has(key)) {
      if (said.get(name) !== '') unknown.push({ index, header });
      return;
    }
    taken.add(key);
    columns.push({ index, header, target });
  });
  if (
    !columns.some(
      ({ target }) => target.kind === 'field' && (target.field === 'email' || target.field === 'externalId'),
    )
  ) {
    throw new InputError(
      'E_CSV_NO_EMAIL',
      `No column holds an e-mail address or an external id. The file's columns are: ${listed(headers)}. Name one of them "email", or say which it is. If they run together here, say which delimiter the file uses.`,
      { details: { columns: headers.slice(0, 100) } },
    );
  }
  return { headers, columns, unknown };
}

function find(name: string, attributes: ReadonlyMap<string, string>): ColumnTarget | undefined {
  const known = KNOWN.get(name);
  if (known) return known;
  const same = ATTRIBUTE_NAMES.find((names) => names.split(' ').includes(name))?.split(' ') ?? [];
  const attribute = [name, ...same].map((candidate) => attributes.get(candidate)).find((found) => found !== undefined);
  if (attribute !== undefined) return { kind: 'attribute', name: attribute };
  const consent = /^(consent|optin|optout)(email|mail|sms|whatsapp|phone|voice|push)$/.exec(name);
  if (!consent) return undefined;
  const channel = consent[2] === 'mail' ? 'email' : (consent[2] ?? '');
  return { kind: consent[1] === 'optout' ? 'opt-out' : 'consent', channel };
}

function targetOf(field: string, attributes: ReadonlyMap<string, AttributeType>): ColumnTarget | undefined {
  if (field === '') return undefined;
  if (Object.hasOwn(FIELD_NAMES, field)) return { kind: 'field', field: field as BuiltInField };
  if (attributes.has(field)) return { kind: 'attribute', name: field };
  if (field === 'suppressed') return { kind: 'suppressed' };
  if (field === 'firstName') return { kind: 'first-name' };
  if (field === 'lastName') return { kind: 'last-name' };
  const [kind, channel] = field.split(':');
  if ((kind === 'consent' || kind === 'opt-out') && channel) return { kind, channel };
  throw new InputError(
    'E_CSV_MAPPING',
    `"${field}" is neither a field of a lead nor a declared attribute: declare it first.`,
  );
}

function listed(headers: readonly string[]): string {
  const shown = headers.slice(0, 30).map((header) => `"${header.slice(0, 60)}"`);
  return shown.join(', ') + (headers.length > shown.length ? ` and ${headers.length - shown.length} more` : '');
}
