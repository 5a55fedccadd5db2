import { closeDialog, current, field, followConditions, isOpen, openDialog, revalidate } from '../dialog';
import { text } from '../texts';
import { type Verdict } from '../types';
import { httpUrl } from '../validators';

const usualPorts: Record<string, string> = { none: '25', starttls: '587', tls: '465' };

/** Fields follow the channel; the port follows the security while it is one of the usual ones. */
export function prepare(node: RedNode): void {
  openDialog(node);
  followConditions(node);
  field('security', node).on('change.marketing', () => {
    const port = current(node, 'port').trim();
    const usual = usualPorts[current(node, 'security')];
    if (usual !== undefined && (port === '' || Object.values(usualPorts).includes(port)))
      field('port', node).val(usual);
  });
  field('authValue', node).on('input.marketing change.marketing', () => revalidate(node));
}

/** The browser knows of a stored value only once the dialog has been open; the runtime refuses what is missed here. */
function hasAuthValue(node: RedNode): boolean {
  if (isOpen(node)) return current(node, 'authValue') !== '';
  const stored = (node['credentials'] ?? {}) as { authValue?: string; has_authValue?: boolean };
  return stored.has_authValue === true || (stored.authValue ?? '') !== '';
}

/** The address that gets the header's value: must be there when there is a value. */
export function validUrl(node: RedNode, value: unknown): Verdict {
  const written = String(value ?? '').trim();
  if (written === '' && hasAuthValue(node)) return text('invalid.required.authUrl');
  return httpUrl(written);
}

export { closeDialog as finish };
