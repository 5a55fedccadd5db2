import type { Clock } from '../clock';

/** Waits for `work` for at most `ms`. True when it ended in time, whether well or not; it goes on by itself otherwise. */
export async function within(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const limit = new AbortController();
  let ended = false;
  const done = work.then(
    () => undefined,
    () => undefined,
  );
  void done.then(() => {
    ended = true;
    limit.abort();
  });
  await clock.sleep(ms, limit.signal);
  return ended;
}
