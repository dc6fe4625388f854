/** Polls `probe` until it returns a value; throws after `limit` milliseconds. */
export async function until<T>(
  what: string,
  limit: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  every = 50,
): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- polling is sequential.
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`timed out after ${limit / 1000} s waiting for: ${what}`);
    // oxlint-disable-next-line no-await-in-loop -- see above.
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
