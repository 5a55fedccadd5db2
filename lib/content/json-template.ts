import { Output, Tokenizer, TypeGuards } from 'liquidjs';
import { engineOf } from './engine';

/** Whether the end of a JSON text lies within a string, when its start does or does not. */
function endsInString(text: string, inString: boolean): boolean {
  let inside = inString;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '\\' && inside) index += 1;
    else if (text[index] === '"') inside = !inside;
  }
  return inside;
}

function chooses(source: string): boolean {
  const [output] = engineOf('json').parse(source);
  // `json` and `raw` say themselves what they print.
  return output instanceof Output && output.value.filters.at(-1)?.raw === true;
}

/**
 * A JSON template in which every output that stands for a value of its own prints JSON: `{"age": {{ lead.age }}}` becomes
 * `{"age": {{ lead.age | json }}}`. Inside of strings nothing changes, the engine escapes there. So data can neither end a string nor
 * add members or list items, wherever it is printed.
 */
export function withJsonValues(source: string): string {
  const { options } = engineOf('json');
  let inString = false;
  let result = '';
  for (const token of new Tokenizer(source, options.operators).readTopLevelTokens(options)) {
    const text = token.getText();
    if (TypeGuards.isHTMLToken(token)) inString = endsInString(text, inString);
    const value = TypeGuards.isOutputToken(token) && !inString && !chooses(text);
    result += value ? text.replace(/(-?\}\})$/, ' | json$1') : text;
  }
  return result;
}
