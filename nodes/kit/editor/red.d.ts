/**
 * The part of the Node-RED editor's API that this package uses, as it is in Node-RED 4.1 and 5.0.
 * The published typings describe neither validators with messages nor most widgets, and they import server packages.
 */

interface RedNodeDefinition {
  readonly type: string;
  readonly category: string;
  readonly set?: { readonly id: string; readonly module: string };
  _(key: string, options?: Record<string, unknown>): string;
}

/** A node of the workspace, or a config node. Its configured properties sit next to these. */
interface RedNode {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly _def: RedNodeDefinition;
  changed?: boolean;
  dirty?: boolean;
  valid?: boolean | null;
  d?: boolean;
  [property: string]: unknown;
}

interface RedLink {
  readonly source: RedNode;
  readonly sourcePort: number;
  readonly target: RedNode;
}

interface RedCodeEditor {
  getValue(): string;
  setValue(value: string): void;
  destroy(): void;
  resize(): void;
  focus(): void;
  getSession(): { on(event: 'change', listener: () => void): void };
}

interface RedTabs {
  addTab(tab: { id: string; label: string; name?: string }): void;
  activateTab(id: string): void;
  contains(id: string): boolean;
}

interface RedNotification {
  close(): void;
  update(message: string | HTMLElement | JQuery, options?: RedNotificationOptions): void;
}

interface RedNotificationOptions {
  type?: 'success' | 'warning' | 'error' | 'compact';
  timeout?: number;
  fixed?: boolean;
  modal?: boolean;
  id?: string;
  buttons?: { text: string; class?: string; click: () => void }[];
}

interface RedEditor {
  readonly nodes: {
    node(id: string): RedNode | null;
    eachNode(visit: (node: RedNode) => boolean | void): void;
    eachConfig(visit: (node: RedNode) => boolean | void): void;
    filterNodes(filter: { z?: string; type?: string }): RedNode[];
    getNodeLinks(node: RedNode | string, portType?: 0 | 1): RedLink[];
    getType(type: string): RedNodeDefinition | undefined;
    subflow(id: string): object | undefined;
    workspace(id: string): object | undefined;
    dirty(): boolean;
  };
  readonly editor: {
    createEditor(options: {
      id: string;
      mode: string;
      value: string;
      stateId?: string;
      focus?: boolean;
      globals?: Record<string, boolean>;
    }): RedCodeEditor;
    validateNode(node: RedNode): boolean;
  };
  readonly tabs: {
    create(options: { element: JQuery; onchange: (tab: { id: string }) => void }): RedTabs;
  };
  readonly i18n: { lang(): string };
  readonly view: { redraw(updateActive?: boolean): void };
  readonly events: { on(event: string, listener: (value: unknown) => void): void };
  readonly plugins: { registerPlugin(id: string, definition: { type?: string; onadd?: () => void }): void };
  readonly settings: { readonly apiRootUrl?: string; readonly httpNodeRoot?: string };
  readonly utils: { sanitize(text: string): string };
  readonly popover: { tooltip(target: JQuery, content: string): { setContent(content: string): void; delete(): void } };
  notify(message: string | HTMLElement | JQuery, options?: RedNotificationOptions | string): RedNotification;
  _(key: string, options?: Record<string, unknown>): string;
}

declare const RED: RedEditor;

interface TypedInputOptions {
  default?: string;
  types: (
    | string
    | {
        value: string;
        label: string;
        icon?: string;
        validate?: (value: string) => boolean;
        showLabel?: boolean;
        multiple?: boolean;
        options?: { value: string; label: string }[];
      }
  )[];
  typeField?: string | JQuery;
}

interface EditableListOptions<T> {
  height?: 'auto' | number;
  removable?: boolean;
  sortable?: boolean;
  addButton?: boolean | string;
  removeItem?(item: T): void;
  sortItems?(items: JQuery[]): void;
  addItem(row: JQuery, index: number, item: T): void;
}

interface Completion {
  value: string;
  label: string | HTMLElement | JQuery;
}

interface JQuery {
  typedInput(options: TypedInputOptions): JQuery;
  typedInput(method: 'value' | 'type'): string;
  typedInput(method: 'value' | 'type', value: string): JQuery;
  typedInput(method: 'types', types: TypedInputOptions['types']): JQuery;
  autoComplete(options: {
    minLength?: number;
    search: (value: string, done: (found: Completion[]) => void) => void;
  }): JQuery;
  autoComplete(method: 'destroy'): JQuery;
  editableList<T>(options: EditableListOptions<T>): JQuery;
  editableList<T>(method: 'addItem', item: T): JQuery;
  editableList(method: 'items'): JQuery;
  editableList(method: 'height', height: number): JQuery;
}

/** The bundler writes imported style sheets next to the script. */
declare module '*.css';
