import { adding } from './additions';

/** What people wait for: events, conditions, moments. */
export const waiting = adding('004-waiting', {
  columns: {
    marketing_stations: (c) => {
      // What the node says about itself that others need: how people enter, what a join waits for …
      c.json('config');
    },
  },
  tables: {},
});
