import { sharedNow } from './child';

/** Looks every `everyMs` until `look` says it is done; gives up when nothing has changed for `patienceMs`. */
export async function waitUntil<State>(
  look: () => Promise<State>,
  done: (state: State) => boolean,
  {
    progress,
    everyMs = 100,
    patienceMs = 30_000,
  }: { progress: (state: State) => number; everyMs?: number; patienceMs?: number },
): Promise<State> {
  let best = -Infinity;
  let since = sharedNow();
  for (;;) {
    const state = await look();
    if (done(state)) return state;
    const now = sharedNow();
    const reached = progress(state);
    if (reached > best) [best, since] = [reached, now];
    if (now - since > patienceMs)
      throw new Error(`Nothing has moved for ${patienceMs / 1000} s: ${JSON.stringify(state)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
