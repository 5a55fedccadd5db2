import { adding } from './additions';

/** What can be undone, in which order, and joins. */
export const compensation = adding('009-compensation', {
  columns: {
    marketing_steps: (c) => {
      // Of a fork: the places at which branches have ended, as JSON. Those that arrive somewhere are rows.
      c.longText('exits');
    },
  },
  tables: {},
});
