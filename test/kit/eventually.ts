/**
 * Calls `check` until it passes, for what another process brings about; its last error is thrown after `ms`.
 * Only for real processes: inside one, inject a clock.
 */
export async function eventually<T>(check: () => T | Promise<T>, ms = 20_000): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
