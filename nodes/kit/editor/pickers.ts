import { endpoint, get } from './api';
import { formatCount, text } from './texts';
import { type AttributeSummary, type KeyedSummary, type SegmentSummary, type TemplateSummary } from './types';

/** Where a picker gets its entries: relative to the chosen store. */
export type PickerList = 'segments' | 'events' | 'definitions' | 'campaigns' | 'templates' | 'contracts' | 'dates';

interface Entry {
  key: string;
  name: string;
  detail: string;
}

/** Lists loaded in this dialog, so that every key pressed does not cost a request. */
const loaded = new Map<string, { at: number; entries: Promise<Entry[]> }>();
const keepMilliseconds = 5000;

/** Completes a text field from what the store knows. Down-arrow in an empty field lists everything. */
export function attachPicker(input: JQuery, list: PickerList, store: () => string): void {
  input.attr('autocomplete', 'off').autoComplete({
    minLength: 0,
    search: (value, done) => {
      void entriesOf(list, store()).then((entries) => {
        const wanted = value.trim().toLowerCase();
        done(
          entries
            .filter((entry) => matches(entry, wanted))
            .slice(0, 50)
            .map(completion),
        );
      });
    },
  });
}

/** Entries of a list; empty when the store is not deployed yet. */
async function entriesOf(list: PickerList, store: string): Promise<Entry[]> {
  if (store === '') return [];
  const address = endpoint(store, list);
  const now = performance.now();
  const known = loaded.get(address);
  if (known !== undefined && now - known.at < keepMilliseconds) return known.entries;
  const entries = load(list, address).catch(() => []);
  loaded.set(address, { at: now, entries });
  return entries;
}

/** Forgets a store's list after something was added to it. */
export function refreshPicker(list: PickerList, store: string): void {
  loaded.delete(endpoint(store, list));
}

async function load(list: PickerList, address: string): Promise<Entry[]> {
  switch (list) {
    case 'segments':
      return (await get<SegmentSummary[]>(address)).map(({ key, name, leadCount }) => ({
        key,
        name,
        detail: text('picker.leads', { count: leadCount, shown: formatCount(leadCount) }),
      }));
    case 'dates':
      return (await get<AttributeSummary[]>(address.replace(/dates$/, 'attributes')))
        .filter(({ type }) => type === 'date')
        .map(({ name }) => ({ key: name, name: '', detail: '' }));
    case 'contracts':
    case 'events':
      return (await get<string[]>(address)).map((key) => ({ key, name: '', detail: '' }));
    case 'templates':
      return (await get<TemplateSummary[]>(address)).map(({ key, name, type }) => ({ key, name, detail: type }));
    case 'definitions':
    case 'campaigns':
      return (await get<KeyedSummary[]>(address)).map(({ key, name, state }) => ({ key, name, detail: state ?? '' }));
  }
}

function matches({ key, name }: Entry, wanted: string): boolean {
  return key.toLowerCase().includes(wanted) || name.toLowerCase().includes(wanted);
}

function completion({ key, name, detail }: Entry): Completion {
  const label = $('<div class="marketing-completion"></div>').append(
    $('<span></span>').text(name === '' || name === key ? key : `${name} (${key})`),
    $('<span class="marketing-completion-detail"></span>').text(detail),
  );
  return { value: key, label };
}
