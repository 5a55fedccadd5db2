import type { Range } from './doubles';
import type { Fragment } from './writer';

/** A finite number in SQL; NULL when absent. */
export interface SqlNumber extends Fragment {
  readonly range: Range;
  /** The number itself, when it is the same for all leads. */
  readonly constant?: number;
  /** Not a double yet (an integer column, a JSON integer): fine to compare, to be cast before calculating. */
  readonly raw?: boolean;
}

/** What a calculation can come to. JSONata's comparisons see infinities and NaN; everything else needs a finite number. */
export type Outcome =
  | { readonly kind: 'finite'; readonly number: SqlNumber }
  | { readonly kind: 'infinite'; readonly sign: 1 | -1 }
  | { readonly kind: 'nan' };
