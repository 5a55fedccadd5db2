import { yesOrNo } from '../coerce';
import type { ConsentState } from '../consents';
import { normaliseEmail } from '../email';
import { normaliseInput, type Said } from '../normalise';
import { reject, Rejected, shown } from '../reject';
import type { AttributeType, Rejection } from '../types';
import type { Column, ColumnPlan } from './columns';
import { withoutApostrophe } from './rejects';

/** A row of the file, read. */
export interface Row {
  /** The line of the file on which it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
  /** What it says about the lead, or why that cannot be stored. */
  readonly said: Said | Rejection;
  readonly consents: readonly { readonly channel: string; readonly state: ConsentState }[];
  readonly suppressed: boolean;
  /** What makes it the same lead as another row. */
  readonly keys: readonly string[];
}

/** Most rows say nothing about consents. */
const NO_CONSENTS: Row['consents'] = [];

/** Reads and normalises a row's cells; an empty cell says nothing. */
export function readRow(
  line: number,
  cells: readonly string[],
  plan: ColumnPlan,
  declared: ReadonlyMap<string, AttributeType>,
): Row | Rejection {
  try {
    return read(line, cells, plan, declared);
  } catch (error) {
    if (error instanceof Rejected) return error.reason;
    throw error;
  }
}

function read(
  line: number,
  cells: readonly string[],
  plan: ColumnPlan,
  declared: ReadonlyMap<string, AttributeType>,
): Row {
  checkWidth(cells, plan.headers.length);
  const input: Record<string, unknown> = {};
  let attributes: [string, string][] | undefined;
  let consents: Map<string, ConsentState> | undefined;
  let first = '';
  let last = '';
  let suppressed = false;
  for (const { index, target, header } of plan.columns) {
    const cell = withoutApostrophe((cells[index] ?? '').trim());
    if (cell === '') continue;
    switch (target.kind) {
      case 'field':
        input[target.field] = cell;
        break;
      case 'attribute':
        (attributes ??= []).push([target.name, cell]);
        break;
      case 'first-name':
        first = cell;
        break;
      case 'last-name':
        last = cell;
        break;
      case 'consent':
        consents ??= new Map();
        // An opt-out in another column of the same row stands above a consent.
        if (consents.get(target.channel) !== 'revoked')
          consents.set(target.channel, answer(header, cell) ? 'granted' : 'revoked');
        break;
      case 'opt-out':
        if (answer(header, cell)) (consents ??= new Map()).set(target.channel, 'revoked');
        break;
      case 'suppressed':
        suppressed = answer(header, cell);
        break;
    }
  }
  if (input['name'] === undefined && (first || last)) input['name'] = `${first} ${last}`.trim();
  if (attributes) input['attributes'] = Object.fromEntries(attributes);
  const said = normaliseInput(input, declared, 'ignore');
  return {
    line,
    cells,
    said,
    consents: consents ? Array.from(consents, ([channel, state]) => ({ channel, state })) : NO_CONSENTS,
    suppressed,
    keys: 'attributes' in said ? keysOf(said.email, said.externalId) : keysOfBad(input),
  };
}

function checkWidth(cells: readonly string[], width: number): void {
  if (cells.length < width || cells.slice(width).some((cell) => cell.trim() !== '')) {
    reject(
      'E_CSV_COLUMNS',
      'row',
      `The row has ${cells.length} columns, the header has ${width}: look for a missing quote or a delimiter in a value.`,
    );
  }
}

function answer(header: Column['header'], cell: string): boolean {
  return (
    yesOrNo(cell) ?? reject('E_CSV_YES_OR_NO', header, `The column "${header}" says "${shown(cell)}": write yes or no.`)
  );
}

function keysOf(email: string | null | undefined, externalId: string | null | undefined): string[] {
  const keys: string[] = [];
  if (email) keys.push(`e:${email}`);
  if (externalId) keys.push(`x:${externalId}`);
  return keys;
}

/** The keys of a row that cannot be stored, as far as they can be told. */
function keysOfBad({ email, externalId }: Readonly<Record<string, unknown>>): string[] {
  const check = typeof email === 'string' ? normaliseEmail(email) : undefined;
  return keysOf(
    check && 'address' in check ? check.address : undefined,
    typeof externalId === 'string' ? externalId : undefined,
  );
}
