/**
 * Events of a call and the answer to it cross threads through ports of their own, and nothing orders one port after
 * another: a call could be over for its caller before the event that says how it ended has arrived.
 */

/**
 * Does work that tells events, and resolves once the last of them has been taken in on the other side.
 *
 * @param send - gives a promise of its delivery where it crosses threads (comlink), else nothing
 * @throws what the work throws
 */
export async function untilDelivered<Event>(
  send: (event: Event) => unknown,
  work: (emit: (event: Event) => void) => Promise<void>,
): Promise<void> {
  let last: unknown;
  await work((event) => {
    last = send(event);
  });
  // A listener that failed was told as well as one that did not.
  await Promise.resolve(last).catch(() => undefined);
}
