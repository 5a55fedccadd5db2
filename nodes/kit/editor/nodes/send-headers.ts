import { text } from '../texts';

interface Header {
  name: string;
  value: string;
}

/** The list of HTTP headers as the dialog shows it. */
export interface HeaderList {
  /** Rows that have a name. */
  value(): Header[];
}

/** Fills an `<ol>` with one row per header. */
export function headerList(list: JQuery, headers: unknown): HeaderList {
  list.editableList<Partial<Header>>({
    height: 'auto',
    removable: true,
    sortable: true,
    addItem: (row, _index, header) => {
      $('<div class="marketing-header-row"></div>')
        .append(
          $('<input type="text" class="marketing-header-name">')
            .attr('placeholder', text('header.name'))
            .val(header.name ?? ''),
          $('<input type="text" class="marketing-header-value">')
            .attr('placeholder', text('header.value'))
            .val(header.value ?? ''),
        )
        .appendTo(row);
    },
  });
  for (const header of Array.isArray(headers) ? headers : []) list.editableList('addItem', header);
  return {
    value: () =>
      list
        .editableList('items')
        .toArray()
        .map((row) => ({
          name: String($(row).find('.marketing-header-name').val() ?? '').trim(),
          value: String($(row).find('.marketing-header-value').val() ?? ''),
        }))
        .filter(({ name }) => name !== ''),
  };
}
