import { readFileSync } from 'node:fs';
import type { DefinitionDocument } from '../definitions';
import { InputError, messageOf, NotFoundError } from '../errors';

/**
 * Reads a definition document from a file; `-` is the standard input. What it says is checked by whoever takes it.
 * @throws NotFoundError `E_FILE`; InputError `E_JSON` with line and column
 */
export function readDocumentFile(file: string): DefinitionDocument {
  const text = contentOf(file);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as DefinitionDocument;
  } catch (error) {
    throw new InputError('E_JSON', `${file} is no JSON: ${messageOf(error)}.`, { cause: error });
  }
}

function contentOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new NotFoundError('E_FILE', `${file} cannot be read: ${messageOf(error)}. Check the path.`, { cause: error });
  }
}

/** The lines of an error: its sentence, and each problem with its path in the document. */
export function problemLines(error: InputError): string[] {
  const problems: unknown = error.details['problems'];
  if (!Array.isArray(problems)) return [];
  return problems.map((problem: unknown) => {
    const { path = '', message = '' } = (problem ?? {}) as { path?: string; message?: string };
    return `  ${path === '' ? '/' : path}: ${message}`;
  });
}
