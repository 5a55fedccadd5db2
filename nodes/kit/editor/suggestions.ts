/** One thing that may be written at the caret. */
export interface Suggestion {
  /** What is written. */
  value: string;
  /** A word about it, such as an attribute's type. */
  detail?: string;
}

/**
 * A list of suggestions under a text field: it follows the word at the caret, the arrow keys choose, Enter or Tab
 * write the choice, Escape closes. (Node-RED's autoComplete replaces the whole text, which would eat the condition.)
 */
export function attachSuggestions(input: JQuery, suggestionsFor: () => readonly Suggestion[]): void {
  const element = input[0] as HTMLTextAreaElement | undefined;
  if (element === undefined) return;
  const list = $('<div class="marketing-suggestions" role="listbox"></div>').hide().insertAfter(input);
  let shown: Suggestion[] = [];
  let chosen = 0;

  const hide = (): void => {
    shown = [];
    list.hide();
  };
  const write = (suggestion: Suggestion): void => {
    const { start, end } = wordAt(element);
    element.setRangeText(suggestion.value, start, end, 'end');
    hide();
    input.trigger('focus').trigger('input').trigger('keyup');
  };
  const draw = (): void => {
    list.empty();
    shown.forEach((suggestion, index) => {
      $('<div role="option"></div>')
        .toggleClass('marketing-suggestion-chosen', index === chosen)
        .append($('<code></code>').text(suggestion.value), $('<span></span>').text(suggestion.detail ?? ''))
        // mousedown: a click would come after the field has lost the focus and the list is gone.
        .on('mousedown', (event) => {
          event.preventDefault();
          write(suggestion);
        })
        .appendTo(list);
    });
    list.toggle(shown.length > 0);
  };
  const update = (): void => {
    const { word } = wordAt(element);
    const wanted = word.toLowerCase();
    shown =
      wanted === ''
        ? []
        : suggestionsFor()
            .filter(({ value }) => plain(value).includes(wanted) && value !== word)
            .sort((a, b) => rank(a, wanted) - rank(b, wanted))
            .slice(0, 8);
    chosen = 0;
    draw();
  };

  input.on('input.suggestions', update);
  input.on('blur.suggestions', hide);
  input.on('keydown.suggestions', (event) => {
    const suggestion = shown[chosen];
    if (suggestion === undefined) return;
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp':
        chosen = (chosen + (event.key === 'ArrowDown' ? 1 : shown.length - 1)) % shown.length;
        draw();
        break;
      case 'Enter':
      case 'Tab':
        write(suggestion);
        break;
      case 'Escape':
        hide();
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
}

function rank(suggestion: Suggestion, wanted: string): number {
  const value = plain(suggestion.value);
  const name = value.slice(value.lastIndexOf('.') + 1);
  if (value.startsWith(wanted) || name.startsWith(wanted)) return 0;
  return 1;
}

/** The name being written: letters, digits, `_`, `$` and dots before the caret, unless the caret is within a string. */
function wordAt(element: HTMLTextAreaElement): { word: string; start: number; end: number } {
  const end = element.selectionStart;
  const before = element.value.slice(0, end);
  const insideString = (before.match(/"/g)?.length ?? 0) % 2 === 1 || (before.match(/'/g)?.length ?? 0) % 2 === 1;
  const word = insideString ? '' : (/[$\p{L}_][\p{L}\p{N}_.]*$/u.exec(before)?.[0] ?? '');
  return { word, start: end - word.length, end };
}

/** Without the back-quotes that names with spaces need, so that nobody has to type them. */
function plain(value: string): string {
  return value.replace(/`/g, '').toLowerCase();
}
