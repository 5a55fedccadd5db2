import { InputError } from '../errors';
import { ConditionError } from '../conditions';

/** Something that is wrong, and where. */
export interface Problem {
  /** JSON pointer into what was given: `/transitions/activate/from`; empty for the whole. */
  readonly path: string;
  /** A sentence that says what to write in place. */
  readonly message: string;
  /** Within an expression at `path`: its character, from 0. */
  readonly position?: number;
  readonly line?: number;
  readonly column?: number;
}

/** Further ones help nobody. */
const MOST = 100;

/** Collects what is wrong, so that all of it is said at once. */
export class Problems {
  private readonly found: Problem[] = [];

  get list(): readonly Problem[] {
    return this.found;
  }

  get none(): boolean {
    return this.found.length === 0;
  }

  add(path: string, message: string, more: Partial<Problem> = {}): void {
    if (this.found.length < MOST) this.found.push({ path, message, ...more });
  }

  /** A condition's error at the place of the condition. @throws anything else than a {@link ConditionError} */
  addCondition(path: string, error: unknown): void {
    if (!(error instanceof ConditionError)) throw error;
    const { position, line, column } = error;
    // The path within the condition is said by the pointer.
    const message = error.path === undefined ? error.message : error.message.slice(error.path.length + 2);
    const place = position === undefined ? {} : { position, line: line ?? 1, column: column ?? 1 };
    this.add(path + pointerOf(error.path), message, place);
  }

  /** @throws InputError with all of them in `details.problems`, and the first in its sentence */
  throwIfAny(code: string, subject: string): void {
    const [first, ...others] = this.found;
    if (!first) return;
    const where = first.path === '' ? '' : `${first.path}: `;
    const at = first.position === undefined ? '' : ` (character ${first.position + 1})`;
    const more = others.length === 0 ? '' : ` ${others.length} more: see details.problems.`;
    throw new InputError(code, `${subject} cannot be used. ${where}${first.message}${at}${more}`, {
      details: { problems: this.found },
    });
  }
}

/** One more step of a JSON pointer. */
export function at(path: string, step: string | number): string {
  return `${path}/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** `conditions[1].operator`, as conditions say it, as a JSON pointer. */
function pointerOf(path: string | undefined): string {
  if (path === undefined || path === 'condition') return '';
  return path.split(/[.[\]]+/).reduce((pointer, step) => (step === '' ? pointer : at(pointer, step)), '');
}
