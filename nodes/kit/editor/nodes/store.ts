import { closeDialog, current, field, openDialog } from '../dialog';

/** Shows where the data will be when the address is left empty, and whether a password field is of use. */
export function prepare(node: RedNode): void {
  openDialog(node);
  const update = (): void => {
    const isServer = /^(postgres|postgresql|mysql|mariadb):/i.test(current(node, 'databaseUrl').trim());
    const isTimersServer = /^(postgres|postgresql|mysql|mariadb|mongodb|mongodb\+srv|redis|rediss):/i.test(
      current(node, 'timersUrl').trim(),
    );
    // A `${NAME}` may turn out to be anything, so that the password is offered.
    $('#marketing-row-database-password').toggle(isServer || current(node, 'databaseUrl').includes('${'));
    $('#marketing-row-timers-password').toggle(isTimersServer || current(node, 'timersUrl').includes('${'));
  };
  field('databaseUrl', node).on('input.marketing change.marketing', update);
  field('timersUrl', node).on('input.marketing change.marketing', update);
  update();
}

export { closeDialog as finish };
