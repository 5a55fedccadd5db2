/** Rows of work between two turns of the event loop: one or two milliseconds, so that a slow machine still answers at once. */
export const ROWS_PER_TURN = 64;

/** Lets the event loop do what else there is to do. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
