import { compileParts, partsProblems, type ChannelParts, type CompiledParts, type ContentProblem } from '../content';
import { InputError } from '../errors';

/** As keys of segments: they stand in addresses. */
const KEY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const TYPE = /^[a-z][a-z0-9_-]{0,31}$/;
const LONGEST_NAME = 255;

/** What a template's fields came to. */
export interface Checked {
  readonly name: string;
  readonly type: string;
  readonly content: ChannelParts;
  readonly compiled: CompiledParts;
}

/** Fields as they are stored. @throws InputError `E_TEMPLATE_INPUT` with the problems and their paths */
export function checkTemplate(input: { key?: unknown; name: unknown; type: unknown; content: unknown }): Checked {
  const problems: ContentProblem[] = [];
  const { key, type } = input;
  if (key !== undefined && (typeof key !== 'string' || !KEY.test(key)))
    problems.push({ path: '/key', message: 'Use 1 to 128 letters, digits, "_", "-" and ".".' });
  const name = typeof input.name === 'string' ? input.name.trim() : '';
  if (name === '' || name.length > LONGEST_NAME || /[\p{Cc}\p{Cs}]/u.test(name))
    problems.push({ path: '/name', message: `Give it a name of 1 to ${LONGEST_NAME} characters, on one line.` });
  if (typeof type !== 'string' || !TYPE.test(type))
    problems.push({
      path: '/type',
      message: 'Name the channel: email, webhook, sms, whatsapp, in_app, or another one in lower case.',
    });
  else problems.push(...partsProblems(type, input.content, '/content'));
  if (problems.length > 0 || typeof type !== 'string') throw refused(problems);
  const content = withoutGaps(input.content as ChannelParts);
  return { name, type, content, compiled: compileParts(type, content) };
}

/** A content that is not saved, read and checked. @throws InputError `E_TEMPLATE_INPUT` */
export function compileUnsaved(type: string, content: unknown): CompiledParts {
  return checkTemplate({ name: '-', type, content }).compiled;
}

/** The same content with absent parts left out, so that it has one form and one hash. */
function withoutGaps(content: ChannelParts): ChannelParts {
  return Object.fromEntries(Object.entries(content).filter(([, part]) => part !== undefined && part !== null));
}

function refused(problems: readonly ContentProblem[]): InputError {
  const [first] = problems;
  const others = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new InputError(
    'E_TEMPLATE_INPUT',
    `The template is not complete: ${first?.path ?? ''}: ${first?.message ?? ''}${others}`,
    {
      details: { problems },
    },
  );
}

/** Keys made from a name, for the first that is free: lower case, ASCII, words joined by a hyphen: `offer`, `offer-2` … */
export function* keysFrom(name: string): Generator<string> {
  const made = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/ß/g, 'ss')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64);
  const key = made === '' ? 'template' : made;
  yield key;
  for (let n = 2; n <= 1_000; n++) yield `${key}-${n}`;
}
