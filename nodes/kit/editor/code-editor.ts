/** A Monaco editor bound to a node's property, and the hidden field that keeps the validator informed. */
export interface BoundEditor {
  value(): string;
  layout(): void;
  /** Writes the text into the node's field; called before Node-RED reads the fields. */
  save(): void;
  destroy(): void;
}

/**
 * Makes an editor in `#<elementId>` for a hidden field. The field follows the editor, so that validators and
 * "what is written now" see the same text.
 */
export function boundEditor(options: {
  elementId: string;
  mode: string;
  input: JQuery;
  onChange: () => void;
}): BoundEditor {
  const { input, elementId, mode, onChange } = options;
  const editor = RED.editor.createEditor({ id: elementId, mode, value: String(input.val() ?? '') });
  const save = (): void => {
    input.val(editor.getValue());
  };
  editor.getSession().on('change', () => {
    save();
    onChange();
  });
  return {
    value: () => editor.getValue(),
    layout: () => editor.resize(),
    save,
    destroy: () => editor.destroy(),
  };
}
